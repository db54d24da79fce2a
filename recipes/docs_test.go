// Package recipes_test holds the documentation to the recipes.
package recipes_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// shown is a block of code that says which file it is of.
var shown = regexp.MustCompile("(?s)<!-- not compiled: the text of (\\S+) -->\n```\\w+\n(.*?)\n```")

// Every block stands in its file as it is shown, in both languages the same,
// and every recipe is shown.
func TestDocsShowTheRecipes(t *testing.T) {
	t.Parallel()
	for doc, files := range map[string][]string{
		"routers": {
			"recipes/nethttp/nethttp.go", "recipes/chi/chi.go", "recipes/gorilla/gorilla.go", "recipes/gin/gin.go", "recipes/gin/gin.go",
			"recipes/echo/echo.go", "recipes/fiber3/fiber.go", "recipes/logins/logins.go", "recipes/logins/logins.go",
		},
		"forward-auth":     {"recipes/forwardauth/forwardauth.go", "recipes/forwardauth/nginx.conf", "recipes/forwardauth/Caddyfile", "recipes/forwardauth/traefik.yaml"},
		"testing":          {"certifytest/example_test.go", "certifytest/example_test.go"},
		"guardian-consent": {"example_guardian_test.go", "example_guardian_test.go", "example_guardian_test.go"},
	} {
		for _, language := range []string{"", ".ko"} {
			name := filepath.Join("..", "docs", doc+language+".md")
			var found []string
			for _, block := range shown.FindAllStringSubmatch(read(t, name), -1) {
				found = append(found, block[1])
				if !strings.Contains(read(t, filepath.Join("..", block[1])), block[2]) {
					t.Errorf("%s: what it shows of %s is not there:\n%s", name, block[1], block[2])
				}
			}
			if !slices.Equal(found, files) {
				t.Errorf("%s shows %q, want %q", name, found, files)
			}
		}
	}
}

// Every package of a router has its place in the documentation.
func TestEveryRecipeIsNamed(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob("*/*_test.go")
	if err != nil || len(dirs) < 8 {
		t.Fatalf("%q, %v", dirs, err)
	}
	docs := read(t, "../docs/routers.md") + read(t, "../docs/forward-auth.md")
	for _, file := range dirs {
		if dir := filepath.Dir(file); dir != "jose" && !strings.Contains(docs, "recipes/"+dir) {
			t.Errorf("no page names recipes/%s", dir)
		}
	}
}

// The two recipes for fiber are one, but for what its version 3 changed.
func TestFiberRecipesAgree(t *testing.T) {
	t.Parallel()
	three := strings.NewReplacer("fiber/v3", "fiber/v2", "fiber.Ctx", "*fiber.Ctx").Replace(read(t, "fiber3/fiber.go"))
	if three != read(t, "fiber2/fiber.go") {
		t.Error("fiber2/fiber.go is not fiber3/fiber.go with version 2's import paths and *fiber.Ctx")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
