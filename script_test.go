package certify_test

import (
	"bytes"
	"compress/gzip"
	"io"
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
		want := readSource(t, "pages/"+name)
		a := b.get("/certifications/" + name)
		if a.StatusCode != 200 || a.body != want {
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
	b := newSite(t, siteConfig{}).browser()
	page, script := b.get("/certifications/", navigation...), b.get("/certifications/certify.js").body
	if page.StatusCode != 200 || strings.Count(page.body, script) != 1 {
		t.Errorf("status %d: the page has the script %d times", page.StatusCode, strings.Count(page.body, script))
	}
}

var (
	commentLine   = regexp.MustCompile(`(?m)^\s*//.*\n|^\s*\n`)
	commentBehind = regexp.MustCompile(`(?m) // .*$`)
	indentation   = regexp.MustCompile(`(?m)^ +`)
)

// readSource reads a file as it is served: scripts without comments.
func readSource(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".js") {
		return string(text)
	}
	return indentation.ReplaceAllString(commentBehind.ReplaceAllString(commentLine.ReplaceAllString(string(text), ""), ""), "")
}

// The docs say what certify.js weighs, and no more is added than that.
func TestScriptIsSmall(t *testing.T) {
	t.Parallel()
	const bound = 7000 // bytes
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, newSite(t, siteConfig{}).browser().get("/certifications/certify.js").body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > bound {
		t.Errorf("certify.js takes %d bytes with gzip: no more than %d", packed.Len(), bound)
	}
	for name, sentence := range map[string]string{"docs/single-page-apps.md": "less than 7 KB with gzip", "docs/single-page-apps.ko.md": "gzip으로 7 KB가 되지 않습니다"} {
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), sentence) {
			t.Errorf("%s does not say %q: %v", name, sentence, err)
		}
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
