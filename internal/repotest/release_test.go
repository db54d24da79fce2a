package repotest_test

import (
	"archive/zip"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const redisModule = modulePath + "/redisstore"

// usesRedis is what somebody writes first after go get.
const usesRedis = `package main

import (
	"fmt"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
	"github.com/redis/rueidis"
)

func main() {
	var _ certify.Store = (*redisstore.Store)(nil)
	_, err := redisstore.New(redisstore.Config{Client: rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}}})
	fmt.Println("refused:", err != nil)
}
`

// The Store on Redis installs into an empty module, from a proxy that has the
// modules as they will be tagged: without go.work, and without a replace.
func TestRedisstoreInstalls(t *testing.T) {
	t.Parallel()
	atRoot(t)
	if os.Getenv("CERTIFY_REQUIRE_REAL") != "1" {
		t.Skip("it compiles everything anew: CERTIFY_REQUIRE_REAL=1 does")
	}
	proxy, app := t.TempDir(), t.TempDir()
	publish(t, proxy, ".", modulePath, requiredVersion(t, "redisstore/go.mod", modulePath))
	publish(t, proxy, "redisstore", redisModule, "v0.1.0")
	if err := os.WriteFile(filepath.Join(app, "main.go"), []byte(usesRedis), 0o600); err != nil {
		t.Fatal(err)
	}
	cache := goIn(t, ".", nil, "env", "GOMODCACHE")
	// A cache of its own, as a version in a cache is for ever; what others
	// published comes from the old one, whose sums were checked.
	env := []string{"GOWORK=off", "GOFLAGS=-modcacherw -mod=mod", "GOSUMDB=off", "GOMODCACHE=" + t.TempDir(),
		"GOPROXY=file://" + proxy + ",file://" + cache + "/cache/download," + goIn(t, ".", nil, "env", "GOPROXY")}
	goIn(t, app, env, "mod", "init", "example.com/app")
	goIn(t, app, env, "get", redisModule+"@v0.1.0")
	goIn(t, app, env, "mod", "tidy")
	if said := goIn(t, app, env, "run", "."); said != "refused: false" {
		t.Errorf("the program says %q", said)
	}
	if listed := goIn(t, app, env, "list", "-m", "all"); !strings.Contains(listed, redisModule+" v0.1.0") || strings.Contains(listed, "=>") {
		t.Errorf("the modules are\n%s", listed)
	}
}

// requiredVersion is the version of a module that a go.mod asks for.
func requiredVersion(t *testing.T, file, module string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s requires no version of %s", file, module)
	}
	return string(m[1])
}

// publish puts a module into a tree that serves as a proxy (go.dev/ref/mod#goproxy-protocol).
func publish(t *testing.T, proxy, dir, module, version string) {
	t.Helper()
	at := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": string(mod)} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return addFile(archive, dir, module+"@"+version, path, d, err)
		}
		_, nested := os.Stat(filepath.Join(path, "go.mod"))
		if path != dir && (nested == nil || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

func addFile(archive *zip.Writer, dir, prefix, path string, d fs.DirEntry, err error) error {
	if err != nil || !d.Type().IsRegular() {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	w, err := archive.Create(prefix + "/" + filepath.ToSlash(name))
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

func goIn(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}
