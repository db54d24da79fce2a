package certify_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

func TestTrustedOrigins(t *testing.T) {
	t.Parallel()
	const app = "https://app.shop.example"
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.TrustedOrigins = []string{app} }}).browser()
	from := func(origin string) []string { return []string{"Origin", origin, "Sec-Fetch-Site", "same-site"} }

	for _, tc := range []struct {
		name, origin, returnTo string
		status                 int
		code                   string
	}{
		{"the app", app, app + "/wine?a=1", 201, ""},
		{"the app, to this site", app, "/cellar", 201, ""},
		{"another", "https://other.shop.example", "/cellar", 403, "cross_origin"},
		{"plain http", "http://app.shop.example", "/cellar", 403, "cross_origin"},
		{"a longer host", app + ".attacker.example", "/cellar", 403, "cross_origin"},
		{"to a longer host", app, app + ".attacker.example/", 400, "return_path_refused"},
		{"to another port", app, app + ":8443/", 400, "return_path_refused"},
		{"to a user at another host", app, app + "@attacker.example/", 400, "return_path_refused"},
		{"to the bare origin", app, app, 400, "return_path_refused"},
		{"to a host behind the origin", app, app + "//attacker.example", 400, "return_path_refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.post("/certifications/attempts", `{"return_to":"`+tc.returnTo+`"}`, from(tc.origin)...)
			if a.StatusCode != tc.status || a.code() != tc.code {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}

	attempt := b.post("/certifications/attempts", `{"return_to":"`+app+`/wine"}`, from(app)...).json(t)["merchant_uid"].(string)
	b.provider.verify("imp_1", attempt)
	a := b.get("/certifications/redirect?imp_uid=imp_1&merchant_uid="+attempt, navigation...)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != app+"/wine" {
		t.Errorf("status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.get("/certifications/claim", from(app)...); a.StatusCode != http.StatusForbidden {
		t.Errorf("another origin reads the claim: status %d", a.StatusCode)
	}
}

// A start on another name of the site is refused before it costs a fee, and the
// operator is told both names.
func TestStartsOnAnotherName(t *testing.T) {
	t.Parallel()
	long := "https://" + strings.Repeat("w", 300)
	for _, tc := range []struct {
		name, origin string
		status       int
		told         string
	}{
		{"www.", "https://www.shop.example", 403, `visitors are at \"https://www.shop.example\", `},
		{"plain http", "http://shop.example", 403, `visitors are at \"http://shop.example\", `},
		{"a port", "https://shop.example:8443", 403, `visitors are at \"https://shop.example:8443\", `},
		{"too long", long, 403, `visitors are at \"another origin\", `},
		{"no ASCII", "https://쇼핑", 403, `visitors are at \"another origin\", `},
		{"words", `https://x.example/"any-words`, 403, `visitors are at \"another origin\", `},
		{"no scheme", "call:01012345678", 403, `visitors are at \"another origin\", `},
		{"the origin", "https://shop.example", 201, ""},
		{"a trusted one", "https://app.shop.example", 201, ""},
		{"a form that does not say", "null", 201, ""},
		{"no browser", "", 201, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteConfig{
				sessions: func(c *certify.SessionConfig) { c.Origin = "https://shop.example" },
				handler:  func(c *certify.HandlerConfig) { c.TrustedOrigins = []string{"https://app.shop.example"} },
			})
			w := s.startAt(tc.origin)
			if w.Code != tc.status || w.Code == 403 && (!strings.Contains(w.Body.String(), `"cross_origin"`) || w.Header().Get("Set-Cookie") != "") {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			log := s.log.String()
			if told := strings.Contains(log, "operator_fault"); told != (tc.told != "") || !strings.Contains(log, tc.told) || strings.Contains(log, long) {
				t.Errorf("the operator is told: %s", log)
			}
			s.startAt("https://other.shop.example")
			if tc.told != "" && strings.Count(s.log.String(), "operator_fault") != 1 {
				t.Errorf("anybody can fill the log: %s", s.log)
			}
		})
	}
}

// startAt begins an attempt as a page of that origin does.
func (s *site) startAt(origin string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "https://www.shop.example/certifications/attempts", nil)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	return w
}

// Behind a front server that rewrites Host, this site's pages are known by the
// origin they have in browsers, also to those without Fetch Metadata.
func TestBehindAnotherHost(t *testing.T) {
	t.Parallel()
	const shop = "https://shop.example"
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Origin = shop }})
	for _, tc := range []struct {
		name, method, path, header, value string
		status                            int
		says                              string
	}{
		{"its page begins", "POST", "/certifications/attempts", "Origin", shop, 201, `"merchant_uid"`},
		{"another site's does not", "POST", "/certifications/attempts", "Origin", "https://attacker.example", 403, "cross_origin"},
		{"its plain http does not", "POST", "/certifications/attempts", "Origin", "http://shop.example", 403, "cross_origin"},
		{"its page is returned to", "GET", "/cellar", "Referer", shop + "/wine/list", 401, "return_to=%2Fwine%2Flist"},
		{"its page on plain http is not", "GET", "/cellar", "Referer", "http://shop.example/wine/list", 401, `reason=verification_required"`},
		{"another site's is not", "GET", "/cellar", "Referer", "https://attacker.example/wine/list", 401, `reason=verification_required"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, "http://127.0.0.1:8080"+tc.path, nil)
			r.Header.Set(tc.header, tc.value)
			w := httptest.NewRecorder()
			s.Config.Handler.ServeHTTP(w, r)
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// A gate whose start page is on another host says where to come back to.
func TestStartURLOnAnotherHost(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.StartURL = "https://shop.example/certifications/" }}).browser()
	a := b.get("/cellar?a=1", navigation...)
	want := "https://shop.example/certifications/?reason=verification_required&return_to=" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(b.URL) + "%2Fcellar%3Fa%3D1"
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want {
		t.Errorf("status %d to %q, want %q", a.StatusCode, a.Header.Get("Location"), want)
	}
}
