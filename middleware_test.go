package certify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func TestGateRefusals(t *testing.T) {
	t.Parallel()
	minor := func(id *certify.Identity) { id.BirthDate = born(t, "2010-01-01", noon) }
	fetch := []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "*/*"}
	for _, tc := range []struct {
		name   string
		method string
		path   string
		header []string
		before func(*browser)
		status int
		start  string // where a navigation is sent to
		code   string // of a problem document
	}{
		{"nobody, navigating", "GET", "/cellar?shelf=2", navigation, nil, 303, "/certifications/?reason=verification_required&return_to=%2Fcellar%3Fshelf%3D2", ""},
		{"nobody, in an old browser", "GET", "/cellar", []string{"Accept", "text/html,*/*;q=0.8"}, nil, 303, "/certifications/?reason=verification_required&return_to=%2Fcellar", ""},
		{"nobody, by fetch", "GET", "/cellar", fetch, nil, 401, "", "verification_required"},
		{"nobody, by fetch that would take html", "GET", "/cellar", append([]string{"Accept", "text/html"}, fetch...), nil, 401, "", "verification_required"},
		{"nobody, by curl", "GET", "/cellar", nil, nil, 401, "", "verification_required"},
		{"nobody, posting a form", "POST", "/cellar", navigation, nil, 401, "", ""},
		{"a minor, navigating", "GET", "/cellar", navigation, func(b *browser) { b.pass(minor) }, 403, "", ""},
		{"a minor, by fetch", "GET", "/cellar", fetch, func(b *browser) { b.pass(minor) }, 403, "", "underage"},
		{"expired", "GET", "/cellar", fetch, func(b *browser) { b.pass(); b.wait(12 * time.Hour) }, 401, "", "claim_expired"},
		{"expired, navigating", "GET", "/cellar", navigation, func(b *browser) { b.pass(); b.wait(12 * time.Hour) }, 303, "/certifications/?reason=claim_expired&return_to=%2Fcellar", ""},
		{"too old", "GET", "/pay", fetch, func(b *browser) { b.pass(); b.wait(11 * time.Minute) }, 401, "", "stale"},
		{"too old, navigating", "GET", "/pay", navigation, func(b *browser) { b.pass(); b.wait(11 * time.Minute) }, 303, "/certifications/?max_age=600&reason=stale&return_to=%2Fpay", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			if tc.before != nil {
				tc.before(b)
			}
			a := b.do(tc.method, tc.path, "", "", tc.header...)
			if a.StatusCode != tc.status || a.Header.Get("Location") != tc.start || tc.code != "" && a.code() != tc.code {
				t.Errorf("status %d to %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
			}
			if strings.Contains(a.body, "wine") || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("headers %v, body %s", a.Header, a.body)
			}
			for _, name := range []string{"Cookie", "Sec-Fetch-Mode", "Accept"} {
				if !strings.Contains(a.Header.Get("Vary"), name) {
					t.Errorf("Vary is %q without %s", a.Header.Get("Vary"), name)
				}
			}
		})
	}
}

// An unsafe request cannot be repeated by a redirect: the visitor gets a page,
// and is sent back to where the form was.
func TestUnsafeRequestsReturnToTheirPage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for _, tc := range []struct{ name, referer, want string }{
		{"from this site", b.URL + "/basket?a=1", "return_to=%2Fbasket%3Fa%3D1"},
		{"from another", "https://attacker.example/cellar", "/certifications/?reason=verification_required"},
		{"from nowhere", "", "/certifications/?reason=verification_required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.do("POST", "/cellar", "", "", append([]string{"Referer", tc.referer}, navigation...)...)
			returns := strings.Contains(a.body, "return_to")
			if a.StatusCode != 401 || !strings.Contains(a.body, tc.want) || returns != strings.Contains(tc.want, "return_to") {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Bearer = true }})
	holder := s.browser()
	holder.pass()
	token := holder.cookie("certify")
	realm := `Bearer realm="` + s.URL + `"`
	for _, tc := range []struct {
		name      string
		header    []string
		wait      time.Duration
		status    int
		challenge string
	}{
		{"good", []string{"Authorization", "Bearer " + token}, 0, 200, ""},
		{"scheme in another case", []string{"Authorization", "bearer " + token}, 0, 200, ""},
		{"none", nil, 0, 401, realm},
		{"bad, with a good cookie", []string{"Authorization", "Bearer x", "Cookie", "certify=" + token}, 0, 401, realm + `, error="invalid_token", error_description="The claim is not valid"`},
		{"empty, with a good cookie", []string{"Authorization", "Bearer", "Cookie", "certify=" + token}, 0, 401, realm + `, error="invalid_token", error_description="The claim is not valid"`},
		{"another scheme, with a good cookie", []string{"Authorization", "Basic eA==", "Cookie", "certify=" + token}, 0, 200, ""},
		{"two headers", []string{"Authorization", "Bearer " + token, "Authorization", "Basic eA=="}, 0, 400, ""},
		{"too old", []string{"Authorization", "Bearer " + token}, 11 * time.Minute, 401, realm + `, error="insufficient_user_authentication", error_description="the verification is too old", max_age=600`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.wait(tc.wait)
			a := s.browser().get("/pay", tc.header...)
			if a.StatusCode != tc.status || a.Header.Get("WWW-Authenticate") != tc.challenge {
				t.Errorf("status %d, challenge %q: %s", a.StatusCode, a.Header.Get("WWW-Authenticate"), a.body)
			}
			if a.StatusCode == 200 && a.Header.Get("Vary") != "Authorization, Cookie" {
				t.Errorf("Vary %q", a.Header.Get("Vary"))
			}
		})
	}
	t.Run("never from the URL or the body", func(t *testing.T) {
		if a := s.browser().get("/cellar?access_token="+token, navigation...); a.StatusCode != 303 {
			t.Errorf("URL: status %d", a.StatusCode)
		}
		if a := s.browser().do("POST", "/cellar", "application/x-www-form-urlencoded", "access_token="+token); a.code() != "verification_required" {
			t.Errorf("body: status %d", a.StatusCode)
		}
	})
	t.Run("off by default", func(t *testing.T) {
		t.Parallel()
		off := newSite(t, siteConfig{}).browser()
		off.pass()
		a := off.site.browser().get("/cellar", "Authorization", "Bearer "+off.cookie("certify"))
		if a.StatusCode != 401 || a.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("status %d", a.StatusCode)
		}
	})
}

func TestGateWithoutLoad(t *testing.T) {
	t.Parallel()
	gate := certify.Require(certify.MinAge(1))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("admitted") }))
	w := httptest.NewRecorder()
	gate.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
	if _, ok := certify.FromContext(context.Background()); ok {
		t.Error("a claim out of nowhere")
	}
}

// A gate around the whole app has the start page behind it: visitors get an
// error instead of a redirect in a circle, and the operator is told.
func TestGatedStartPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	mux := s.Config.Handler
	s.Config.Handler = s.sessions.Load(certify.Require(certify.YouthProtection())(mux))
	b := s.browser()
	for _, tc := range []struct {
		name, method, path string
		header             []string
		status             int
		code               string
	}{
		{"the way there", "GET", "/cellar", navigation, 303, ""},
		{"the start page", "GET", "/certifications/?return_to=/cellar", navigation, 500, "internal"},
		{"a script", "GET", "/certifications/", nil, 500, "internal"},
		{"the callback", "POST", "/certifications", nil, 401, "verification_required"},
	} {
		a := b.do(tc.method, tc.path, "", "", tc.header...)
		if a.StatusCode != tc.status || !strings.Contains(a.body, tc.code) || a.StatusCode != 303 && a.Header.Get("Location") != "" {
			t.Errorf("%s: status %d to %q: %s", tc.name, a.StatusCode, a.Header.Get("Location"), a.body)
		}
	}
	if log := s.log.String(); !strings.Contains(log, "operator_fault") || !strings.Contains(log, "mount the Handler outside Require") {
		t.Errorf("the operator is told: %s", log)
	}
}

func TestWiringPanics(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{})
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: b.sessions, Provider: b.provider, Pepper: testPepper})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		wire func()
	}{
		{"no policy", func() { certify.Require(nil) }},
		{"no handler", func() { certify.Require(certify.MinAge(19))(nil) }},
		{"a gated callback", func() { certify.Require(certify.MinAge(19))(handler) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tc.wire()
		})
	}
}

// The gate does what policies and hooks say only in one direction: to refuse.
func TestNothingButNilAdmits(t *testing.T) {
	t.Parallel()
	var typedNil *certify.Denial
	for _, tc := range []struct {
		name   string
		policy certify.Policy
		status int
		code   string
	}{
		{"a plain error", certify.PolicyFunc(func(time.Time, *certify.Claim) error { return errors.New("홍길동") }), 500, "policy_failed"},
		{"a typed nil", certify.PolicyFunc(func(time.Time, *certify.Claim) error { return typedNil }), 500, "policy_failed"},
		{"a panic", certify.PolicyFunc(func(time.Time, *certify.Claim) error { panic("홍길동") }), 500, "policy_failed"},
		{"a denial of its own", certify.PolicyFunc(func(time.Time, *certify.Claim) error {
			return &certify.Denial{Code: "members_only", Detail: "회원 전용입니다."}
		}), 403, "members_only"},
		{"a claim's code", certify.PolicyFunc(func(time.Time, *certify.Claim) error { return certify.CodeClaimExpired }), 403, "claim_expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
				mux.Handle("/own", certify.Require(tc.policy)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("admitted") })))
			}}).browser()
			b.pass()
			if a := b.get("/own"); a.StatusCode != tc.status || a.code() != tc.code {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestDenyCannotAdmit(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Deny = func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, certify.CodeVerificationRequired) {
				_, _ = io.WriteString(w, "please verify")
			}
		}
	}}).browser()
	if a := b.get("/cellar"); a.StatusCode != 200 || a.body != "please verify" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2015-01-01", noon) })
	if a := b.get("/cellar"); a.body != "" {
		t.Errorf("body %s", a.body)
	}
}

func TestReasonsOfACombinedPolicy(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2010-01-01", noon) })
	b.wait(time.Hour)
	a := b.get("/pay", "Accept-Language", "en")
	doc := a.json(t)
	if a.StatusCode != 403 || doc["code"] != "underage" || len(doc["reasons"].([]any)) != 2 || doc["remedy"] != nil || doc["verify_url"] != nil {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if doc["type"] != "https://github.com/certify-go/certify/blob/main/docs/problems.md#underage" {
		t.Errorf("type %v", doc["type"])
	}
}

func TestFromContext(t *testing.T) {
	t.Parallel()
	got := make(chan *certify.Claim, 1)
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			c, ok := certify.FromContext(r.Context())
			if !ok {
				c = nil
			}
			got <- c
		})
	}}).browser()
	b.get("/")
	if c := <-got; c != nil {
		t.Error("a claim of nobody")
	}
	b.pass()
	b.get("/")
	c := <-got
	if c == nil || c.Age != 36 || c.BirthYear != 1990 || c.Nationality != certify.NationalityKorean || !c.AuthTime.Equal(noon) || c.DIHash == "" || c.Txn == "" || c.ID == "" {
		t.Errorf("claim %+v", c)
	}
	if strings.Contains(c.DIHash, secretDI) {
		t.Error("the DI itself is in the claim")
	}
}

func TestClaimLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*certify.Identity)
		check  func(*certify.Claim) bool
	}{
		{"no DI", func(id *certify.Identity) { id.DI = "" }, func(c *certify.Claim) bool { return c.DIHash == "" }},
		{"nationality unknown", func(id *certify.Identity) { id.Nationality = certify.NationalityUnknown }, func(c *certify.Claim) bool { return c.Nationality == certify.NationalityUnknown }},
		{"nationality typed by the person", func(id *certify.Identity) { id.NationalitySelfAsserted = true }, func(c *certify.Claim) bool { return c.Nationality == certify.NationalityUnknown }},
		{"foreigner", func(id *certify.Identity) { id.Nationality = certify.NationalityForeigner }, func(c *certify.Claim) bool { return c.Nationality == certify.NationalityForeigner }},
		{"the provider's clock is ahead", func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(90 * time.Second) }, func(c *certify.Claim) bool { return c.AuthTime.Equal(noon) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			b.pass(tc.change)
			c, err := b.sessions.Read(t.Context(), b.cookie("certify"))
			if err != nil || !tc.check(c) {
				t.Errorf("claim %+v, error %v", c, err)
			}
		})
	}
}

// Pages over https carry cookies that no other host can plant.
func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	provider := &fakeProvider{now: func() time.Time { return noon }}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: testKeys(t), Now: provider.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: provider, Pepper: testPepper})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "https://shop.example/certifications/attempts", nil)
	handler.ServeHTTP(w, r)
	attempt := w.Result().Cookies()[0]
	id := provider.verify("imp_1", strings.TrimPrefix(attempt.Name, "__Host-certify-attempt-"))
	r = httptest.NewRequest("POST", "https://shop.example/certifications", bytes.NewReader([]byte("imp_uid="+id)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(attempt)
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	claim := w.Result().Cookies()[0]
	if claim.Name != "__Host-certify" || claim.MaxAge != 0 || len(claim.Value) >= 1024 || attempt.MaxAge != 90*60 {
		t.Errorf("claim cookie %q for %d s with %d bytes, attempt for %d s", claim.Name, claim.MaxAge, len(claim.Value), attempt.MaxAge)
	}
	for _, c := range []*http.Cookie{attempt, claim} {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %s: %+v", c.Name, c)
		}
	}
}

func TestStartPage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.HelpURL = "/help" }}).browser()
	for _, tc := range []struct {
		name, path, language string
		status               int
		want                 string
	}{
		{"Korean", "/certifications/?return_to=/cellar", "", 200, "휴대폰 본인인증"},
		{"English", "/certifications?return_to=/cellar", "en-GB,ko;q=0.5", 200, "Verify with your phone"},
		{"says why", "/certifications/?return_to=/pay&reason=stale", "en", 200, "For safety, please verify once more."},
		{"help", "/certifications/", "en", 200, `href="/help"`},
		{"an unknown reason is not echoed", "/certifications/?reason=%3Cscript%3Ealert(1)%3C/script%3E", "en", 200, "This page needs an identity verification."},
		{"a return path elsewhere", "/certifications/?return_to=//attacker.example", "en", 400, "not on this site"},
		{"a return path to itself", "/certifications/?return_to=/x/../certifications/", "en", 400, "not on this site"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.get(tc.path, append([]string{"Accept-Language", tc.language}, navigation...)...)
			if a.StatusCode != tc.status || !strings.Contains(a.body, tc.want) || strings.Contains(a.body, "alert(1)") || strings.Contains(a.body, "attacker") {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if len(a.Header.Values("Set-Cookie")) != 0 {
				t.Error("a GET of the start page sets a cookie")
			}
			csp := a.Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "'strict-dynamic'") ||
				a.Header.Get("Referrer-Policy") != "strict-origin" || a.Header.Get("Cross-Origin-Opener-Policy") != "same-origin-allow-popups" {
				t.Errorf("headers %v", a.Header)
			}
		})
	}
}

func TestAttemptAnswer(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	a := b.post("/certifications/attempts", `{"return_to":"/cellar"}`)
	doc := a.json(t)
	uid, _ := doc["merchant_uid"].(string)
	if a.StatusCode != 201 || len(uid) != 32 || strings.Trim(uid, "0123456789abcdef") != "" {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if doc["return_to"] != "/cellar" || doc["expires_at"] != noon.Add(30*time.Minute).UTC().Format(time.RFC3339) || !strings.Contains(a.body, b.URL+"/certifications/redirect") {
		t.Errorf("answer %s", a.body)
	}
	for _, path := range []string{"https://attacker.example/", "//attacker.example", "/\\attacker.example", "cellar", "/certifications/redirect", "/" + strings.Repeat("p", 2048)} {
		if a := b.post("/certifications/attempts", "return_to="+url.QueryEscape(path), "Content-Type", "application/x-www-form-urlencoded"); a.StatusCode != 400 || a.code() != "return_path_refused" {
			t.Errorf("return_to %q: status %d: %s", path, a.StatusCode, a.body)
		}
	}
}
