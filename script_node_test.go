package certify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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
	served := filepath.Join(t.TempDir(), "certify.js") // as browsers get it
	if err := os.WriteFile(served, []byte(newSite(t, siteConfig{}).browser().get("/certifications/certify.js").body), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, node, "testdata/script_test.js", served, "pages/start.js").Output()
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
