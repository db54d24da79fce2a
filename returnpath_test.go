package certify_test

import (
	"bufio"
	"encoding/json"
	"html/template"
	"math/rand/v2"
	"net/http"
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

	{"dots inside", "/a/../b/./c", true},
	{"dots at the end", "/a/..", true},

	{"dots before a second slash", "/.//attacker.example", false},
	{"double dots before a second slash", "/x/..//attacker.example", false},
	{"encoded dots before a second slash", "/x/%2E%2e//attacker.example", false},
	{"half encoded dots before a second slash", "/x/.%2e//attacker.example", false},
	{"more dots than folders before a second slash", "/../..//attacker.example", false},
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
	{"under the mount by dots and an empty segment", "/certifications//..", false},
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

// TestReturnAddresses: what visitors and front servers write is read as browsers
// do, and leads to this origin alone.
func TestReturnAddresses(t *testing.T) {
	t.Parallel()
	https := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Origin = "https://shop.example" }})
	for _, tt := range []struct{ name, address, want string }{
		{"a Korean path, decoded", "/cellar/와인", "/cellar/%EC%99%80%EC%9D%B8"},
		{"a Korean query, decoded", "/cellar?q=와인 한 병", "/cellar?q=%EC%99%80%EC%9D%B8%20%ED%95%9C%20%EB%B3%91"},
		{"a Korean fragment, decoded", "/cellar#/붉은", "/cellar#/%EB%B6%89%EC%9D%80"},
		{"escapes stay", "/cellar/%EC%99%80?a=%26", "/cellar/%EC%99%80?a=%26"},
		{"what browsers escape in paths", `/a"b<c>d^e{f}`, "/a%22b%3Cc%3Ed%5Ee%7Bf%7D"},
		{"an absolute address", "https://shop.example/wine/red?year=2021", "/wine/red?year=2021"},
		{"an absolute address by http", "http://shop.example/wine/red", "/wine/red"},
		{"the origin alone", "https://shop.example", "/"},
		{"the origin with a query", "https://shop.example?a=1", "/?a=1"},
		{"another host", "https://attacker.example/wine", ""},
		{"a host that begins alike", "https://shop.example.attacker.example/", ""},
		{"a host behind a user", "https://shop.example@attacker.example/", ""},
		{"another port", "https://shop.example:8443/", ""},
		{"an absolute address with a second slash", "https://shop.example//attacker.example", ""},
		{"an absolute address of the Handler", "https://shop.example/certifications/redirect", ""},
		{"not UTF-8", "/\xff", ""},
		{"a line end", "/a\nb", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := https.browser()
			body, err := json.Marshal(map[string]string{"return_to": tt.address})
			if err != nil {
				t.Fatal(err)
			}
			page := b.get("/certifications/?return_to="+url.QueryEscape(tt.address), navigation...)
			begun := b.post("/certifications/attempts", string(body), "Origin", "https://shop.example")
			if tt.want == "" {
				if page.StatusCode != http.StatusBadRequest || begun.StatusCode != http.StatusBadRequest && tt.name != "not UTF-8" {
					t.Errorf("status %d and %d", page.StatusCode, begun.StatusCode)
				}
				return
			}
			if got := begun.json(t)["return_to"]; got != tt.want {
				t.Errorf("the attempt leads to %v, want %q", got, tt.want)
			}
			if want := `data-return-to="` + template.HTMLEscapeString(tt.want) + `"`; !strings.Contains(page.body, want) {
				t.Errorf("the start page lacks %s", want)
			}
		})
	}
}

// TestRedirectHeads: a long address must not make a head that front servers
// answer with 502.
func TestRedirectHeads(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for _, tt := range []struct{ name, path, back string }{
		{"short", "/cellar?red=1", "/cellar?red=1"},
		{"a query of many facets", "/cellar?" + strings.Repeat("%5Bcolour%5D=red&", 200), "/cellar"},
		{"a query of many slashes", "/cellar?q=" + strings.Repeat("/", 1500), "/cellar"},
		{"a query in Korean", "/cellar?q=" + strings.Repeat("%EC%99%80", 200), "/cellar"},
	} {
		a := b.get(tt.path, navigation...)
		var head strings.Builder
		if err := a.Header.Write(&head); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(a.Header.Get("Location"))
		if err != nil || a.StatusCode != http.StatusSeeOther || head.Len() > 4000 || u.Query().Get("return_to") != tt.back {
			t.Errorf("%s: status %d, a head of %d bytes, back to %.80q", tt.name, a.StatusCode, head.Len(), u.Query().Get("return_to"))
		}
	}
}

// TestGeneratedReturnAddresses: of generated addresses those are taken, and no
// others, that the WHATWG parser keeps on this origin with a pathname that does
// not begin with two slashes, and outside the Handler's path.
func TestGeneratedReturnAddresses(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CERTIFY_REQUIRE_REAL") != "" {
			t.Fatal("node is missing")
		}
		t.Skip("skipped: node is missing, so the WHATWG URL parser did not judge the addresses")
	}
	parts := []string{
		"/", "/", "/", "//", ".", "..", "%2e", "%2E.", ".%2e", "...", "와인", "ワイン", "вино", "a", "red", "%EC%99%80", "@", ":", "host.example",
		"?", "#", "&q=", "=", "~", "'", "(", "*", "certifications", "certifications/", " x", "^", "{x}", "|",
	}
	random := rand.New(rand.NewPCG(20, 26))
	addresses := make([]string, 10_000)
	for i := range addresses {
		var s strings.Builder
		s.WriteString("/")
		for range random.IntN(9) {
			s.WriteString(parts[random.IntN(len(parts))])
		}
		addresses[i] = s.String()
	}
	taken := make([]string, len(addresses))
	for i, s := range addresses {
		taken[i] = certify.ReturnAddress("https://shop.example", s)
	}
	input, err := json.Marshal([2][]string{addresses, taken})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", `
		const [addresses, taken] = JSON.parse(require("fs").readFileSync(0, "utf8"));
		const origin = "https://shop.example", base = origin + "/certifications/";
		let kept = 0;
		addresses.forEach((s, i) => {
			const u = URL.canParse(s, base) ? new URL(s, base) : new URL("https://elsewhere.example");
			const folders = decodeURIComponent(u.pathname).split("/").filter(Boolean);
			const good = u.origin === origin && !u.pathname.startsWith("//") && folders[0] !== "certifications";
			if (good) { kept++; }
			// What leads to the Handler for a router that drops empty segments is refused, too.
			const dropped = decodeURIComponent(new URL(s.split(/[?#]/)[0].replace(/\/+/g, "/"), base).pathname).split("/").filter(Boolean);
			if (good && taken[i] === "" && dropped[0] === "certifications") { return; }
			if (good !== (taken[i] !== "")) { console.log("judged otherwise", JSON.stringify([s, taken[i], u.href])); }
			// Which of the bytes ^ { } ' is escaped differs between editions of the standard.
			if (taken[i] && decodeURIComponent(new URL(taken[i], base).href) !== decodeURIComponent(u.href)) { console.log("another address", JSON.stringify([s, taken[i], u.href])); }
		});
		if (kept < 2000 || kept > 9000) { console.log("kept", kept); }`)
	cmd.Stdin = strings.NewReader(string(input))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("node: %v\n%.2000s", err, out)
	}
}
