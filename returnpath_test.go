package certify_test

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

var returnPaths = []struct {
	name, path string
	ok         bool
}{
	{"root", "/", true},
	{"path", "/cellar", true},
	{"query", "/cellar?shelf=2&sort=year", true},
	{"a query with a URL in it", "/login?next=//elsewhere.example/", true},
	{"fragment", "/cellar#red", true},
	{"Korean, encoded", "/%EC%99%80%EC%9D%B8", true},
	{"double slash inside", "/a//b", true},
	{"at sign", "/@user", true},
	{"colon", "/a:b", true},
	{"longest", "/" + strings.Repeat("p", 2047), true},

	{"empty", "", false},
	{"relative", "cellar", false},
	{"another host", "//attacker.example", false},
	{"three slashes", "///attacker.example", false},
	{"backslash first", `\\attacker.example`, false},
	{"backslash second", `/\attacker.example`, false},
	{"backslash inside", `/a\b`, false},
	{"encoded backslash", "/%5Cattacker.example", false},
	{"encoded second slash", "/%2Fattacker.example", false},
	{"tab between slashes", "/\t/attacker.example", false},
	{"line feed between slashes", "/\n/attacker.example", false},
	{"encoded tab", "/%09/attacker.example", false},
	{"encoded line feed", "/a%0aSet-Cookie:x", false},
	{"NUL", "/%00", false},
	{"leading space", " /cellar", false},
	{"space", "/a b", false},
	{"Korean, raw", "/와인", false},
	{"scheme", "https://attacker.example/", false},
	{"javascript", "javascript:alert(1)", false},
	{"data", "data:text/html,x", false},
	{"bad escape", "/%zz", false},
	{"too long", "/" + strings.Repeat("p", 2048), false},
	{"the mount", "/certifications", false},
	{"under the mount", "/certifications/redirect?imp_uid=imp_1", false},
	{"under the mount by dots", "/x/../certifications/", false},
	{"under the mount by encoded dots", "/x/%2e%2e/certifications/", false},
	{"under the mount by an encoded letter", "/%63ertifications/", false},
	{"beside the mount", "/certifications-of-authenticity", true},
}

func TestReturnPaths(t *testing.T) {
	t.Parallel()
	for _, tc := range returnPaths {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := certify.IsReturnPath(tc.path, "/certifications"); got != tc.ok {
				t.Errorf("IsReturnPath(%q) = %v", tc.path, got)
			}
		})
	}
}

// FuzzReturnPath checks that what is accepted stays on the origin, by Go's
// resolver and by what browsers do to a URL before they parse it.
func FuzzReturnPath(f *testing.F) {
	for _, tc := range returnPaths {
		f.Add(tc.path)
	}
	base, err := url.Parse("https://shop.example/certifications/redirect")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !certify.IsReturnPath(s, "/certifications") {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			t.Fatalf("accepted %q, which does not parse", s)
		}
		if abs := base.ResolveReference(u); abs.Scheme != "https" || abs.Host != "shop.example" || abs.User != nil {
			t.Errorf("accepted %q, which leads to %s", s, abs.Redacted())
		}
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(s))
		if seen != s || !strings.HasPrefix(seen, "/") || strings.HasPrefix(seen, "//") {
			t.Errorf("accepted %q, which a browser reads as %q", s, seen)
		}
	})
}

// A second opinion: node's URL is the WHATWG parser of browsers. It judges the
// table above and all that fuzzing has kept.
func TestReturnPathsByWHATWG(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CERTIFY_REQUIRE_REAL") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("skipped: node is missing, so the WHATWG URL parser did not judge the return paths")
	}
	var accepted []string
	for _, path := range append(fuzzCorpus(t, "FuzzReturnPath"), tablePaths()...) {
		if certify.IsReturnPath(path, "/certifications") {
			accepted = append(accepted, path)
		}
	}
	input, err := json.Marshal(accepted)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", `
		const paths = JSON.parse(require("fs").readFileSync(0, "utf8"));
		for (const p of paths) {
			const u = new URL(p, "https://shop.example/certifications/redirect");
			const mount = unescape(u.pathname) + "/";
			if (u.origin !== "https://shop.example" || u.username || mount.startsWith("/certifications/")) console.log(JSON.stringify([p, u.href]));
		}`)
	cmd.Stdin = strings.NewReader(string(input))
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("node: %v\n%s", err, out)
	}
	if len(accepted) < 10 {
		t.Errorf("only %d paths were judged", len(accepted))
	}
}

func tablePaths() (paths []string) {
	for _, tc := range returnPaths {
		paths = append(paths, tc.path)
	}
	return paths
}

// fuzzCorpus reads the string seeds that stand in testdata.
func fuzzCorpus(t *testing.T, target string) (seeds []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if quoted, ok := strings.CutPrefix(lines.Text(), "string("); ok {
				s, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
				if err != nil {
					t.Fatal(err)
				}
				seeds = append(seeds, s)
			}
		}
		f.Close()
	}
	return seeds
}
