package sandbox_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/certify-go/certify/sandbox"
)

func TestPagesAndScriptsAreServed(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	const (
		script = "text/javascript; charset=utf-8"
		page   = "text/html; charset=utf-8"
	)
	tests := []struct {
		path        string
		status      int
		contentType string
		contains    string
	}{
		{"/v1/iamport.js", 200, script, "certification"},
		{"/sandbox/v1/iamport.js", 200, script, "certification"},
		{"/js/iamport.payment-1.1.4.js", 200, script, "certification"},
		{"/js/iamport.payment-1.1.5.js", 200, script, "certification"},
		{"/js/iamport.payment-1.1.9.js", 200, script, "certification"},
		{"/js/iamport.payment-1.2.0.js", 200, script, "certification"},
		{"/js/iamport.payment-1.2.1.js", 200, script, "certification"},
		{"/v2/browser-sdk.js", 200, script, "requestIdentityVerification"},
		{"/sandbox/v2/browser-sdk.js", 200, script, "requestIdentityVerification"},
		{"/sandbox/js/iamport.payment-1.1.4.js", 200, script, "certification"},
		{"/js/iamport.payment-1.1.3.js", 404, "", ""},
		{"/js/iamport.payment-1.2.2.js", 404, "", ""},
		{"/js/jquery.js", 404, "", ""},
		{"/", 200, page, "내 컴퓨터의 본인인증"},
		{"/sandbox", 200, page, sandbox.DefaultCode},
		{"/sandbox", 200, page, sandbox.DefaultStoreID},
		{"/sandbox", 200, page, sandbox.ChannelKeyKCPTest},
		{"/sandbox/", 200, page, "nineteen-tomorrow"},
		{"/sandbox/assets/sandbox.css", 200, "text/css; charset=utf-8", "prefers-color-scheme"},
		{"/sandbox/assets/window.js", 200, script, "postMessage"},
		{"/sandbox/assets/home.js", 200, script, "IMP.certification"},
		{"/sandbox/assets/icon.svg", 200, "image/svg+xml", "<svg"},
		{"/sandbox/assets/ko.json", 404, "", ""},
		{"/sandbox/assets/..%2fko.json", 404, "", ""},
		{"/sandbox/nothing", 404, "", ""},
	}
	for _, tt := range tests {
		w := serve(s, request("GET", tt.path, ""))
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, w.Code, tt.status)
			continue
		}
		if tt.status == 200 && (w.Header().Get("Content-Type") != tt.contentType || !strings.Contains(w.Body.String(), tt.contains)) {
			t.Errorf("%s: type %q, or lacks %q", tt.path, w.Header().Get("Content-Type"), tt.contains)
		}
	}
}

func TestSDKMayBeLoadedByAnyOrigin(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	for path, want := range map[string]string{
		"/v1/iamport.js":              "cross-origin",
		"/v2/browser-sdk.js":          "cross-origin",
		"/sandbox/assets/sandbox.css": "same-origin",
		"/sandbox":                    "same-origin",
	} {
		if got := serve(s, request("GET", path, "")).Header().Get("Cross-Origin-Resource-Policy"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	popup := openWindow(t, s, params()).page.Header()
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	if got := popup.Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q", got)
	}
	if popup.Get("Cross-Origin-Opener-Policy") != "" {
		t.Error("an opener policy would cut the window off from its page")
	}
	if popup.Get("Cache-Control") != "no-store" || popup.Get("X-Frame-Options") != "DENY" {
		t.Error("the window may be stored or framed")
	}
	// A form is blocked if any redirect after it leads elsewhere, and the shop
	// may send visitors on to an app of another origin.
	redirect := openWindow(t, s, params("m_redirect_url", "https://shop.example:8443/return?x=1")).page.Header()
	if got := redirect.Get("Content-Security-Policy"); got != want+" http: https:" {
		t.Errorf("policy with m_redirect_url %q", got)
	}
}

// The strict policy blocks inline scripts and styles; none may be there.
func TestPagesHaveNothingInline(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|https?://[^"]*\.(js|css|woff2?)`)
	files, err := filepath.Glob("static/*.html")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.Find(text); found != nil {
			t.Errorf("%s has %q", name, found)
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	tests := []struct{ name, query, accept, want string }{
		{"neither", "", "", "ko"},
		{"korean browser", "", "ko-KR,ko;q=0.9,en;q=0.8", "ko"},
		{"english browser", "", "en-US,en;q=0.9,ko;q=0.8", "en"},
		{"another browser that reads english", "", "fr, en;q=0.5", "en"},
		{"another browser", "", "fr", "ko"},
		{"asked for english", "?lang=en", "ko", "en"},
		{"asked for korean", "?lang=ko", "en", "ko"},
		{"asked for something else", "?lang=fr", "en", "en"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page := serve(s, request("GET", "/sandbox"+tt.query, "", "Accept-Language", tt.accept)).Body.String()
			if !strings.Contains(page, `<html lang="`+tt.want+`">`) {
				t.Errorf("not in %s", tt.want)
			}
			if strings.Contains(page, "Identity verification on your machine") != (tt.want == "en") {
				t.Error("the text is in the other language")
			}
		})
	}
}

func TestWindowKeepsItsLanguage(t *testing.T) {
	t.Parallel()
	v := openWindow(t, newSandbox(t, at(noon)), params("lang", "en"))
	v.sees("Choose a carrier and a test person")
	v.sees(`/choose?lang=en"`)
	v.sees(`href="?lang=ko"`)
}

// A refused window keeps its parameters when the language is changed.
func TestRefusedWindowInTheOtherLanguage(t *testing.T) {
	t.Parallel()
	w := serve(newSandbox(t, at(noon)), request("GET", "/sandbox/window?"+params("pg", "x").Encode(), ""))
	m := regexp.MustCompile(`class="language" href="([^"]*)"`).FindStringSubmatch(w.Body.String())
	if m == nil || !strings.Contains(m[1], "pg=x") || !strings.Contains(m[1], "lang=en") {
		t.Errorf("link %q", m)
	}
}

func TestTextsAreTheSameInBothLanguages(t *testing.T) {
	t.Parallel()
	ko, en := texts(t, "ko"), texts(t, "en")
	for key, text := range ko {
		if en[key] == "" || strings.Count(en[key], "%") != strings.Count(text, "%") {
			t.Errorf("%q is missing in English or takes other values", key)
		}
	}
	for key := range en {
		if ko[key] == "" {
			t.Errorf("%q is missing in Korean", key)
		}
	}
	files, err := filepath.Glob("static/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.T\.(\w+)`).FindAllSubmatch(page, -1) {
			if ko[string(m[1])] == "" {
				t.Errorf("%s uses %q, which has no text", name, m[1])
			}
		}
	}
}

func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("static/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPagesEscapeWhatThePagePasses(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	evil := `"><script>alert(1)</script>`
	v := openWindow(t, s, params("company", evil, "merchant_uid", evil, "origin", evil))
	if strings.Contains(v.page.Body.String(), "<script>alert") {
		t.Error("a parameter became markup")
	}
	if v.told()["merchant_uid"] != evil {
		t.Error("merchant_uid did not come back as it was")
	}
}

func TestHomeShowsOnlyTheFakeCredentials(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Config{Key: "own-key", Secret: "own-secret", APISecret: "own-secret-v2"})
	if err != nil {
		t.Fatal(err)
	}
	page := serve(s, request("GET", "/sandbox", "")).Body.String()
	if strings.Contains(page, "own-key") || strings.Contains(page, "own-secret") || strings.Contains(page, "own-secret-v2") {
		t.Error("the page shows credentials that are somebody's own")
	}
	page = serve(newSandbox(t, at(noon)), request("GET", "/sandbox", "")).Body.String()
	if !strings.Contains(page, sandbox.DefaultKey) || !strings.Contains(page, sandbox.DefaultSecret) || !strings.Contains(page, sandbox.DefaultAPISecret) {
		t.Error("the page does not tell the default credentials")
	}
}

func TestOtherOriginsMayNotPost(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, at(noon))
	window := openWindow(t, s, params()).path
	for _, path := range []string{"/sandbox/verifications", window + "/close"} {
		for header, status := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 0, "": 0} {
			r := request("POST", path, `{"merchant_uid":"m","person":"adult"}`, "Content-Type", "text/plain")
			if header != "" {
				r.Header.Set("Sec-Fetch-Site", header)
			}
			w := serve(s, r)
			if (w.Code == 403) != (status == 403) {
				t.Errorf("%s from %q: status %d", path, header, w.Code)
			}
		}
	}
}
