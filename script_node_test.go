package certify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The scripts of the pages, with a clock that a browser's tests cannot move:
// testdata/script_test.js has the tests, and tells of each in a line.
func TestScriptInNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CERTIFY_REQUIRE_REAL") == "1" {
			t.Fatalf("%v, and CERTIFY_REQUIRE_REAL=1 wants it", err)
		}
		t.Skip("no node: install Node.js 20 or later to run the tests of certify.js")
	}
	certify, start := servedScripts(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, node, "testdata/script_test.js", certify, start).Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	told := 0
	for line := range bytes.Lines(out) {
		var test struct{ Name, Error string }
		if err := json.Unmarshal(line, &test); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		told++
		t.Run(test.Name, func(t *testing.T) {
			if test.Error != "" {
				t.Error(test.Error)
			}
		})
	}
	if text, err := os.ReadFile("testdata/script_test.js"); err != nil || told != bytes.Count(text, []byte("\n  async \"")) {
		t.Errorf("%d tests ended: %v", told, err)
	}
}

// servedScripts writes certify.js and start.js as browsers get them, and
// returns their names.
func servedScripts(t *testing.T) (certify, start string) {
	t.Helper()
	b := newSite(t, siteConfig{}).browser()
	script := string(b.get("/certifications/certify.js").body)
	_, rest, ok := strings.Cut(string(b.get("/certifications/?return_to=/cellar").body), script)
	if !ok {
		t.Fatal("the start page does not have certify.js")
	}
	rest, _, _ = strings.Cut(rest, "</script>")
	dir := t.TempDir()
	certify, start = filepath.Join(dir, "certify.js"), filepath.Join(dir, "start.js")
	for name, text := range map[string]string{certify: script, start: rest} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certify, start
}
