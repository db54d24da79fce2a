package certify_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestScriptIsServed(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for name, kind := range map[string]string{"certify.js": "text/javascript; charset=utf-8", "certify.d.ts": "text/plain; charset=utf-8"} {
		want, err := os.ReadFile("pages/" + name)
		if err != nil {
			t.Fatal(err)
		}
		a := b.get("/certifications/" + name)
		if a.StatusCode != 200 || a.body != string(want) {
			t.Fatalf("%s: status %d, %d bytes", name, a.StatusCode, len(a.body))
		}
		for header, value := range map[string]string{
			"Content-Type": kind, "Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Resource-Policy": "cross-origin", "Set-Cookie": "", "Vary": "",
		} {
			if got := a.Header.Get(header); got != value {
				t.Errorf("%s: %s is %q, not %q", name, header, got, value)
			}
		}
		etag := a.Header.Get("ETag")
		if again := b.get("/certifications/"+name, "If-None-Match", etag); etag == "" || again.StatusCode != 304 || again.body != "" {
			t.Errorf("%s: asked again with ETag %q: status %d", name, etag, again.StatusCode)
		}
		if a := b.post("/certifications/"+name, ""); a.StatusCode != 405 {
			t.Errorf("%s: a POST is answered with %d", name, a.StatusCode)
		}
	}
}

// There is one script that opens windows, and the start page runs it.
func TestStartPageRunsTheScript(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("pages/certify.js")
	if err != nil {
		t.Fatal(err)
	}
	page := newSite(t, siteConfig{}).browser().get("/certifications/", navigation...)
	if page.StatusCode != 200 || strings.Count(page.body, string(script)) != 1 {
		t.Errorf("status %d: the page has the script %d times", page.StatusCode, strings.Count(page.body, string(script)))
	}
}

// The script is understood by browsers that know nothing newer than ES2015,
// and puts no markup together.
func TestScriptIsPlain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pages/certify.js", "pages/start.js"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, forbidden := range []string{"=>", "`", "?.", "??", "async ", "await ", "innerHTML", "document.write", "eval(", "new Function", ".style"} {
			for n, line := range strings.Split(string(text), "\n") {
				if code, _, _ := strings.Cut(line, "//"); strings.Contains(code, forbidden) {
					t.Errorf("%s:%d: %s", name, n+1, forbidden)
				}
			}
		}
		for _, end := range []string{"</script", "<!--", "<script"} { // it is put into a page
			if strings.Contains(strings.ToLower(string(text)), end) {
				t.Errorf("%s: %s", name, end)
			}
		}
		if node, err := exec.LookPath("node"); err == nil {
			if out, err := exec.CommandContext(t.Context(), node, "--check", name).CombinedOutput(); err != nil {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
}

// The types name the states that the script knows, and its own codes.
func TestTypesAreTheScripts(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile("pages/certify.js")
	if err != nil {
		t.Fatal(err)
	}
	types, err := os.ReadFile("pages/certify.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []struct{ name, inScript, inTypes string }{
		{"states", `(?:become|renew|told)\("(\w+)"`, `(?m)^    \| "(\w+)"`},
		{"codes", `code: "(\w+)"`, "`(click_again|popup_blocked|script_blocked|script_failed|cookies_blocked|network|cancelled)`[ ,.(]"},
	} {
		want, got := matches(set.inScript, string(script)), matches(set.inTypes, string(types))
		if len(want) < 4 || !slices.Equal(want, got) {
			t.Errorf("%s: the script has %q, the types %q", set.name, want, got)
		}
	}
}

// matches are what the pattern finds, each once, sorted.
func matches(pattern, text string) (found []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}
