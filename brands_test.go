package certify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// oldAttempt is an attempt as it was signed before attempts named their site.
func oldAttempt(t *testing.T, id, purpose, returnTo string) (cookie string) {
	t.Helper()
	f := hs256Forger(t, testKey)
	f.sign = hmacSHA256(derive(t, keyBytes(t, testKey), "certify attempt v1", 32))
	token := f.token(f.header("typ", `"certify-attempt+jwt"`), jsonObject([]string{
		"jti", `"` + id + `"`, "iat", "1786330800", "provider", `"fake"`, "return_to", `"` + returnTo + `"`, "purpose", `"` + purpose + `"`,
	}))
	return "certify-attempt-" + id + "=" + token
}

// Whoever comes back with an attempt that is no longer for anything here can
// begin anew: not for what the start page would refuse, nor with its path.
func TestAnAttemptThatIsGoneStartsAgain(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789abcdef"
	for purpose, want := range map[string]string{
		"guardian":    "/certifications/?purpose=guardian&return_to=%2Fcellar",
		"admin-reset": "/certifications/",
	} {
		t.Run(purpose, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"guardian"}
				c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
			}}).browser()
			a := b.post("/certifications", `{"success":false,"imp_uid":"imp_404"}`, "Cookie", oldAttempt(t, id, purpose, "/cellar"))
			start, _ := a.json(t)["verify_url"].(string)
			if page := b.get(start, navigation...); start != want || page.StatusCode != http.StatusOK {
				t.Errorf("%s leads to %s: status %d", a.code(), start, page.StatusCode)
			}
		})
	}
}

// A fee that the configuration loses is told to the operator, once in a while.
func TestStrayAttemptsAreTold(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789abcdef"
	elsewhere := newSite(t, siteConfig{}).browser()
	begunThere := elsewhere.begin("/")
	for _, tc := range []struct {
		name, cookie, body string
		wait               time.Duration
		told               string
	}{
		{"a purpose that is gone", oldAttempt(t, id, "admin-reset", "/"), `{"imp_uid":"imp_1"}`, 0, `the purpose \"admin-reset\", which`},
		{"another audience", elsewhere.attemptCookies(), `{"imp_uid":"imp_1"}`, 0, "another audience than"},
		{"a callback for another attempt", elsewhere.attemptCookies(), `{"imp_uid":"imp_1","merchant_uid":"` + id + `"}`, 0, ""},
		{"too late in any case", elsewhere.attemptCookies(), `{"imp_uid":"imp_1"}`, 90 * time.Minute, ""},
		{"a lost cookie", "", `{"imp_uid":"imp_1"}`, 0, ""},
		{"a forged one", "certify-attempt-" + begunThere + "=a.b.c", `{"imp_uid":"imp_1"}`, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			b.wait(tc.wait)
			for range 3 {
				if a := b.post("/certifications", tc.body, "Cookie", tc.cookie); a.code() != "attempt_missing" {
					t.Errorf("status %d: %s", a.StatusCode, a.body)
				}
			}
			log, want := b.log.String(), 0
			if tc.told != "" {
				want = 1
			}
			if strings.Count(log, "operator_fault") != want || !strings.Contains(log, tc.told) {
				t.Errorf("the operator is told:\n%s", log)
			}
		})
	}
}

// Sites of one company may have the same keys, and each its own purposes, its
// own Accept and its own places to return to.
func TestSitesOfTheSameKeys(t *testing.T) {
	t.Parallel()
	const id, elsewhere = "0123456789abcdef0123456789abcdef", "https://spa.b.example/x"
	purposes := func(list ...string) func(*certify.HandlerConfig) {
		return func(c *certify.HandlerConfig) {
			c.Purposes, c.NativeApps = list, true
			c.Accept = func(_ *http.Request, _ *certify.Identity) (string, error) { return "", nil }
		}
	}
	bearer := func(c *certify.SessionConfig) { c.Bearer = true }
	other := newSite(t, siteConfig{sessions: bearer, handler: purposes("guardian", "admin-reset")})
	begunThere := func(t *testing.T, a string) (attempt, cookie string) {
		b := other.browser()
		attempt = b.post("/certifications/attempts", a).json(t)["merchant_uid"].(string)
		return attempt, b.attemptCookies()
	}
	for _, tc := range []struct {
		name  string
		begin func(t *testing.T, s *site) (attempt, cookie string)
		code  string
		back  string
	}{
		{"its own", func(t *testing.T, s *site) (string, string) {
			b := s.browser()
			return b.begin("/cellar"), b.attemptCookies()
		}, "", "/cellar"},
		{"another site's", func(t *testing.T, s *site) (string, string) { return begunThere(t, `{}`) }, "attempt_missing", ""},
		{"another site's, with a purpose that both have", func(t *testing.T, s *site) (string, string) { return begunThere(t, `{"purpose":"guardian"}`) }, "attempt_missing", ""},
		{"of an older version", func(t *testing.T, _ *site) (string, string) { return id, oldAttempt(t, id, "", "/cellar") }, "", "/cellar"},
		{"with a purpose that is gone", func(t *testing.T, _ *site) (string, string) { return id, oldAttempt(t, id, "admin-reset", "/") }, "attempt_missing", ""},
		{"with a place that is not returned to", func(t *testing.T, _ *site) (string, string) { return id, oldAttempt(t, id, "", elsewhere) }, "", "/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, siteConfig{sessions: bearer, handler: purposes("guardian")})
			attempt, cookie := tc.begin(t, s)
			s.provider.verify("imp_1", attempt)
			a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookie)
			if a.code() != tc.code || tc.code == "" && a.json(t)["return_to"] != tc.back {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if asked := s.provider.lookups; tc.code != "" && asked != 0 {
				t.Errorf("the provider was asked %d times", asked)
			}
			s.browser().post("/certifications/logout", "", "Cookie", cookie)
			gone := s.browser().get("/certifications/redirect?imp_uid=imp_1", append(navigation, "Cookie", cookie)...)
			if to := gone.Header.Get("Location"); strings.HasPrefix(to, "https:") || tc.code == "" && to != tc.back {
				t.Errorf("after signing out: status %d to %q", gone.StatusCode, to)
			}
		})
	}
	t.Run("another site's app", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, siteConfig{sessions: bearer, handler: purposes("guardian")})
		_, begun, _ := other.rawPost(t, "/certifications/native/attempts", `{}`)
		s.provider.verify("imp_1", begun["merchant_uid"].(string))
		if status, doc, _ := s.rawPost(t, "/certifications/native/confirm", `{"imp_uid":"imp_1","attempt":"`+begun["attempt"].(string)+`"}`); doc["code"] != "attempt_missing" {
			t.Errorf("status %d, code %v", status, doc["code"])
		}
	})
}
