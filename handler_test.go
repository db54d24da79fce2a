package certify_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A heldClaim is what the browser's cookie says.
type heldClaim struct {
	ID     string `json:"jti"`
	DIHash string `json:"di_hash"`
}

// claim reads the claim that the browser holds; without one it is empty.
func (b *browser) claim() (c heldClaim) {
	b.t.Helper()
	parts := strings.Split(b.cookie("certify"), ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *browser) jti() string { return b.claim().ID }

func TestVerificationOpensTheGate(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("before: status %d", a.StatusCode)
	}
	attempt := b.begin("/cellar?shelf=1")
	id := b.provider.verify("imp_1", attempt)
	a := b.post("/certifications", `{"imp_uid":"`+id+`"}`)
	if a.StatusCode != http.StatusOK || a.json(t)["return_to"] != "/cellar?shelf=1" {
		t.Fatalf("callback: status %d: %s", a.StatusCode, a.body)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the callback's Cache-Control is %q", got)
	}
	a = b.get("/cellar", navigation...)
	if a.StatusCode != http.StatusOK || a.body != "wine" {
		t.Fatalf("after: status %d: %s", a.StatusCode, a.body)
	}
	if cc, vary := a.Header.Get("Cache-Control"), a.Header.Get("Vary"); cc != "private, no-cache" || vary != "Cookie" {
		t.Errorf("a gated answer has Cache-Control %q and Vary %q", cc, vary)
	}
}

// The vendor's guides send the id in these ways, the third by mistake: jQuery
// sends form text under whatever label it is told.
func TestBodyForms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, path, contentType, body string }{
		{"JSON", "/certifications", "application/json", `{"imp_uid":"%s"}`},
		{"JSON with all that the SDK gave", "/certifications/confirm", "application/json; charset=utf-8", `{"success":true,"imp_uid":"%s","pg_type":"certification","error_code":null,"n":1,"x":{"y":[]}}`},
		{"form", "/certifications/confirm", "application/x-www-form-urlencoded; charset=UTF-8", "imp_uid=%s"},
		{"form text labelled JSON", "/certifications", "application/json", "imp_uid=%s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			id := b.provider.verify("imp_1", b.begin("/cellar"))
			a := b.do("POST", tc.path, tc.contentType, fmt.Sprintf(tc.body, id))
			if a.StatusCode != http.StatusOK || b.get("/cellar").StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			first := b.jti()
			if again := b.do("POST", tc.path, tc.contentType, fmt.Sprintf(tc.body, id)); again.StatusCode != http.StatusOK || b.jti() != first {
				t.Errorf("again: status %d, jti %q after %q", again.StatusCode, b.jti(), first)
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, query string }{
		{"as documented", "imp_uid=%s&merchant_uid=%s&success=true"},
		{"without merchant_uid", "imp_uid=%[1]s&success=true"},
		{"badly encoded by a wrapper", "imp_uid=%s&merchant_uid=%s&error_msg=%%ZZ;&error_code=null"},
		{"claiming to have failed", "imp_uid=%s&merchant_uid=%s&success=false&error_msg=<script>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			b.begin("/other")
			attempt := b.begin("/cellar")
			b.begin("/third")
			path := "/certifications/redirect?" + fmt.Sprintf(tc.query, b.provider.verify("imp_1", attempt), attempt)
			for range 2 {
				a := b.get(path, navigation...)
				if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
					t.Fatalf("status %d to %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
				}
			}
			if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
				t.Errorf("the gate answers %d", a.StatusCode)
			}
		})
	}
}

func TestANewClaimReplacesTheOld(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	old := b.cookie("certify")
	b.wait(11 * time.Minute)
	if a := b.get("/pay"); a.StatusCode != http.StatusUnauthorized || a.code() != "stale" || a.json(t)["max_age"] != 600.0 {
		t.Fatalf("stale: status %d: %s", a.StatusCode, a.body)
	}
	a := b.get("/pay?order=1", navigation...)
	start, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusSeeOther || start.Query().Get("return_to") != "/pay?order=1" {
		t.Fatalf("status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.get(start.String(), navigation...); a.StatusCode != http.StatusOK {
		t.Errorf("the start page sends a stale claim back: status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	b.pass()
	if a := b.get("/pay"); a.StatusCode != http.StatusOK {
		t.Errorf("verified again: status %d: %s", a.StatusCode, a.body)
	}
	if a := b.get(start.String(), navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the start page asks for a fee again: status %d", a.StatusCode)
	}
	if a := b.site.browser().get("/cellar", "Cookie", "certify="+old); a.code() != "claim_revoked" {
		t.Errorf("the old claim: status %d: %s", a.StatusCode, a.body)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	token := b.cookie("certify")
	if a := b.get("/certifications/logout"); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET: status %d", a.StatusCode)
	}
	if a := b.post("/certifications/logout", ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if b.cookie("certify") != "" || b.attemptCookies() != "" {
		t.Error("cookies are left")
	}
	if a := b.get("/cellar", "Cookie", "certify="+token); a.code() != "claim_revoked" {
		t.Errorf("the token: status %d: %s", a.StatusCode, a.body)
	}
	if a := b.post("/certifications/logout", "", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a form: status %d", a.StatusCode)
	}
}

func TestClaimForThePage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/certifications/claim"); a.StatusCode != http.StatusUnauthorized || a.code() != "verification_required" {
		t.Errorf("without: status %d: %s", a.StatusCode, a.body)
	}
	b.pass()
	a := b.get("/certifications/claim", "Sec-Fetch-Site", "same-origin")
	want := map[string]any{"age": 36.0, "birth_year": 1990.0, "foreigner": false, "auth_time": float64(noon.Unix()), "exp": float64(noon.Add(12 * time.Hour).Unix())}
	if got := a.json(t); len(got) != len(want) {
		t.Errorf("claim: %s", a.body)
	} else {
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %v, want %v", name, got[name], value)
			}
		}
	}
	if a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", a.Header)
	}
	for _, site := range []string{"same-site", "cross-site"} {
		if a := b.get("/certifications/claim", "Sec-Fetch-Site", site); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", site, a.StatusCode)
		}
	}
}

func TestAllowedMethods(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for path, want := range map[string]string{
		"": "GET, HEAD, POST", "/": "GET, HEAD", "/attempts": "POST", "/claim": "GET, HEAD", "/redirect": "GET", "/logout": "POST", "/certify.js": "GET, HEAD",
	} {
		a := b.do("PUT", "/certifications"+path, "", "")
		if got := a.Header.Get("Allow"); a.StatusCode != http.StatusMethodNotAllowed || got != want {
			t.Errorf("%q: status %d, Allow %q, want %q", path, a.StatusCode, got, want)
		}
		for method := range strings.SplitSeq(want, ", ") {
			if a := b.do(method, "/certifications"+path, "", ""); a.StatusCode == http.StatusMethodNotAllowed {
				t.Errorf("%s %q is not allowed after all", method, path)
			}
		}
	}
}

// Without a claim a page is told where to verify for itself, whatever attempts
// the browser has, and a client with a token how its token is taken.
func TestClaimSaysWhereToVerify(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) { c.Bearer = true },
		handler: func(c *certify.HandlerConfig) {
			c.Purposes = []string{"guardian"}
			c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
		},
	}).browser()
	if a := b.post("/certifications/attempts", `{"return_to":"/consent","purpose":"guardian"}`); a.StatusCode != http.StatusCreated {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	realm := `Bearer realm="` + b.URL + `"`
	for _, tc := range []struct {
		name, header, value, verify, challenge string
	}{
		{"a script", "Referer", b.URL + "/wine?a=1", "/certifications/?reason=verification_required&return_to=%2Fwine%3Fa%3D1", realm},
		{"a page of the Handler's", "Referer", b.URL + "/certifications/?return_to=/cellar", "/certifications/?reason=verification_required", realm},
		{"a script that does not say whose", "Accept", "*/*", "/certifications/?reason=verification_required", realm},
		{"a bad token", "Authorization", "Bearer nonsense", "/certifications/?reason=claim_malformed", realm + `, error="invalid_token", error_description="The claim is not valid"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.get("/certifications/claim", tc.header, tc.value)
			if verify := a.json(t)["verify_url"]; a.StatusCode != http.StatusUnauthorized || verify != tc.verify || a.Header.Get("WWW-Authenticate") != tc.challenge {
				t.Errorf("status %d, %q, challenge %q", a.StatusCode, verify, a.Header.Get("WWW-Authenticate"))
			}
			if start := b.get(tc.verify, navigation...); start.StatusCode != http.StatusOK {
				t.Errorf("the start page answers %d", start.StatusCode)
			}
		})
	}
}

// Going back after signing out repeats the callback. The app is not asked to
// sign the person in again.
func TestARepeatAfterLogoutAsksNobody(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{"for a claim": `{"return_to":"/cellar"}`, "for a purpose": `{"return_to":"/cellar","purpose":"recovery"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testARepeatAfterLogout(t, start)
		})
	}
}

func testARepeatAfterLogout(t *testing.T, start string) {
	asked := 0
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Purposes = []string{"recovery"}
		c.Accept = func(*http.Request, *certify.Identity) (string, error) {
			asked++
			return "", nil
		}
	}}).browser()
	b.provider.verify("imp_1", b.post("/certifications/attempts", start).json(t)["merchant_uid"].(string))
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	cookies := b.attemptCookies()
	b.post("/certifications/logout", "")
	path := "/certifications/redirect?imp_uid=imp_1"
	if a := b.get(path, append([]string{"Cookie", cookies}, navigation...)...); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
		t.Errorf("navigating: status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.get(path, "Cookie", cookies); a.code() != "claim_revoked" {
		t.Errorf("by fetch: status %d: %s", a.StatusCode, a.body)
	}
	if asked != 1 || b.cookie("certify") != "" {
		t.Errorf("Accept was asked %d times, cookie %q", asked, b.cookie("certify"))
	}
}
