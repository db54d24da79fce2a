package certify_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// setLogin is a SignIn by a cookie that names the account.
func setLogin(w http.ResponseWriter, _ *http.Request, _ *certify.Identity, account string) error {
	http.SetCookie(w, &http.Cookie{Name: "login", Value: account, Path: "/"})
	return nil
}

// A login cookie must not get out beside a refusal: here the account's claims
// were revoked, and somebody repeats the callback.
func TestSignInsHeadersComeWithAClaimOnly(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{"for a claim": `{}`, "for a purpose": `{"purpose":"recovery"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"recovery"}
				c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "bob", nil }
				c.SignIn = setLogin
			}}).browser()
			attempt := b.post("/certifications/attempts", start).json(t)["merchant_uid"].(string)
			b.provider.verify("imp_1", attempt)
			for range 2 { // a repeat signs in, too, until then
				if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 || len(a.Header.Values("Set-Cookie")) == 0 || b.cookie("login") != "bob" {
					t.Fatalf("status %d, login %q", a.StatusCode, b.cookie("login"))
				}
			}
			b.wait(time.Minute)
			if err := b.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			for _, header := range [][]string{nil, navigation} {
				a := b.get("/certifications/redirect?imp_uid=imp_1", header...)
				if strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), " "), "login") {
					t.Errorf("status %d sets the login: %v", a.StatusCode, a.Header.Values("Set-Cookie"))
				}
			}
		})
	}
}

// A recovery may sign out everywhere, and sign in whom it recovered: once, so
// that nobody who comes back in the browser's history undoes a later
// RevokeAccount, of the same second even.
func TestARecoveryRevokesItsAccount(t *testing.T) {
	t.Parallel()
	const phone = "on a phone"
	for _, tc := range []struct {
		name   string
		first  error // of Accept, the first time
		revoke bool  // by Accept; else by the app, after the callback
	}{
		{name: "by Accept", revoke: true},
		{name: phone, revoke: true},
		{name: "by Accept, which then fails", revoke: true, first: errors.New("the mail could not be sent")},
		{name: "later"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var s *site
			failure := tc.first
			s = newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"recovery"}
				c.SignIn = setLogin
				c.Accept = func(r *http.Request, _ *certify.Identity) (string, error) {
					if !tc.revoke {
						return "bob", nil
					}
					return "bob", errors.Join(s.sessions.RevokeAccount(r.Context(), "bob"), failure)
				}
			}})
			b := s.browser()
			attempt := b.post("/certifications/attempts", `{"purpose":"recovery"}`).json(t)["merchant_uid"].(string)
			s.provider.verify("imp_1", attempt)
			callback := func() answer {
				if tc.name == phone {
					return b.get("/certifications/redirect?imp_uid=imp_1", navigation...)
				}
				return b.post("/certifications", `{"imp_uid":"imp_1"}`)
			}
			if failure != nil {
				if a := callback(); a.StatusCode != 500 || signsIn(a) {
					t.Errorf("Accept fails: status %d: %s", a.StatusCode, a.body)
				}
				failure = nil
				b.wait(time.Minute)
			}
			if a := callback(); a.StatusCode >= 400 || !signsIn(a) {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if !tc.revoke {
				if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if a := callback(); signsIn(a) || tc.name != phone && a.code() != "claim_revoked" {
					t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
				}
				b.wait(time.Minute)
			}
		})
	}
}

// Whether a purpose was finished before, nobody can tell while the Store fails.
func TestAPurposeNeedsTheStore(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"Get", "Put"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			store := &forgetful{Store: certify.NewMemoryStore(0, nil), op: op}
			b := newSite(t, siteConfig{
				sessions: func(c *certify.SessionConfig) { c.Store = store },
				handler: func(c *certify.HandlerConfig) {
					c.Purposes = []string{"recovery"}
					c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "bob", nil }
					c.SignIn = setLogin
				},
			}).browser()
			attempt := b.post("/certifications/attempts", `{"purpose":"recovery"}`).json(t)["merchant_uid"].(string)
			b.provider.verify("imp_1", attempt)
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 503 || signsIn(a) {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			store.up.Store(true)
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 || !signsIn(a) {
				t.Errorf("later: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// A forgetful Store fails at what says that a purpose was finished.
type forgetful struct {
	certify.Store
	op string
	up atomic.Bool
}

func (f *forgetful) fails(op, key string) bool {
	return op == f.op && !f.up.Load() && strings.HasPrefix(key, "finished:")
}

func (f *forgetful) Get(ctx context.Context, key string) (string, bool, error) {
	if f.fails("Get", key) {
		return "", false, errDown
	}
	return f.Store.Get(ctx, key)
}

func (f *forgetful) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if f.fails("Put", key) {
		return errDown
	}
	return f.Store.Put(ctx, key, value, ttl)
}

// Whoever tries again tries the same.
func TestRetryKeepsThePurpose(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Purposes = []string{"signup"}
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
	}}).browser()
	b.begin("/cellar")
	b.wait(time.Second)
	b.post("/certifications/attempts", `{"return_to":"/welcome","purpose":"signup"}`)
	a := b.get("/certifications/redirect?success=false", navigation...)
	if want := "/certifications/?purpose=signup&amp;return_to=%2Fwelcome"; a.StatusCode != 409 || !strings.Contains(a.body, want) {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if doc := b.post("/certifications", `{"success":false}`).json(t); doc["verify_url"] != "/certifications/?purpose=signup&return_to=%2Fwelcome" {
		t.Errorf("verify_url %v", doc["verify_url"])
	}
}

// A policy of the app's may ask for a new verification, and gets one.
func TestAReverifyDenialLeadsToTheStartPage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.Handle("/vip", certify.Require(certify.PolicyFunc(func(time.Time, *certify.Claim) error {
			return &certify.Denial{Code: "vip_again", Remedy: certify.Reverify}
		}))(http.NotFoundHandler()))
	}}).browser()
	b.pass()
	start, _ := b.get("/vip").json(t)["verify_url"].(string)
	if a := b.get(start, navigation...); a.StatusCode != 200 {
		t.Errorf("%s: status %d to %q", start, a.StatusCode, a.Header.Get("Location"))
	}
}

// An account that is made of the claim would wait for itself.
func TestAccountSeesNoClaim(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Account = func(r *http.Request) (string, error) {
			if c, ok := certify.FromContext(r.Context()); ok {
				return c.Subject, nil
			}
			return "member-1", nil
		}
	}}).browser()
	b.pass()
	if a := b.get("/cellar"); a.StatusCode != 200 {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// What a script asks for is no page to return to; the page it runs on is.
func TestScriptsReturnToTheirPage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for _, tc := range []struct{ name, referer, want string }{
		{"on a page", b.URL + "/wine?a=1", "/certifications/?reason=verification_required&return_to=%2Fwine%3Fa%3D1"},
		{"nowhere", "", "/certifications/?reason=verification_required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.get("/cellar", "Sec-Fetch-Mode", "cors", "Referer", tc.referer)
			if got := a.json(t)["verify_url"]; got != tc.want {
				t.Errorf("verify_url %v, want %s", got, tc.want)
			}
		})
	}
}

// A claim that another server's fast clock made is good in a moment.
func TestAClaimFromTheFutureIsKept(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	b.wait(-61 * time.Second)
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusSeeOther || b.cookie("certify") == "" {
		t.Errorf("status %d, cookie %v", a.StatusCode, b.cookie("certify") != "")
	}
	if !strings.Contains(b.log.String(), "clocks of the servers differ") {
		t.Error("the operator hears nothing of it")
	}
	b.wait(time.Second)
	if a := b.get("/cellar"); a.StatusCode != 200 {
		t.Errorf("a second later: status %d: %s", a.StatusCode, a.body)
	}
}

func TestCertifysOwnFaultsAreSpelledOut(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) { c.Account = func(*http.Request) (string, error) { return "", nil } },
		handler: func(c *certify.HandlerConfig) {
			c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
		},
	}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 500 || !strings.Contains(b.log.String(), "Accept named no account") {
		t.Errorf("status %d: %s\n%s", a.StatusCode, a.body, b.log.String())
	}
}

// Two instances end an account's claims, the second by a clock that is behind.
func TestRevokeAccountNeverGoesBack(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "bob", nil }
	}}).browser()
	b.pass()
	for _, ahead := range []time.Duration{time.Second, -3 * time.Second, 3 * time.Second} {
		b.wait(ahead)
		if err := b.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
	}
	if a := b.get("/cellar"); a.code() != "claim_revoked" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// Browsers drop cookies of more than 4096 bytes, and with them a fee.
func TestLongReturnPaths(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	long := "/s?" + strings.Repeat("a=1&", 500)
	id := b.provider.verify("imp_1", b.begin(long))
	if a := b.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != 200 || a.json(t)["return_to"] != long {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	longest := "/s?" + strings.Repeat("&", 2045) // JSON may write six bytes for each
	a := b.do("POST", "/certifications/attempts", "application/x-www-form-urlencoded", "return_to="+url.QueryEscape(longest))
	if a.StatusCode != 201 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	for _, c := range a.Cookies() {
		if n := len(c.Name) + len(c.Value); n > 4096 { // RFC 6265 section 6.1
			t.Errorf("cookie %s: browsers drop one of %d bytes", c.Name, n)
		}
	}
	body := "return_to=" + url.QueryEscape("/"+strings.Repeat(`"`, 2000))
	if a := b.do("POST", "/certifications/attempts", "application/x-www-form-urlencoded", body); a.StatusCode != 400 || a.code() != "return_path_refused" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

func TestStricterCachingStays(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	b := s.browser()
	b.pass()
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		inner.ServeHTTP(w, r)
	})
	if a := b.get("/cellar"); a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, Cache-Control %q", a.StatusCode, a.Header.Get("Cache-Control"))
	}
}

// HEAD asks for a callback's answer without the callback.
func TestHeadCompletesNothing(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.provider.verify("imp_1", b.begin("/cellar"))
	if a := b.do("HEAD", "/certifications/redirect?imp_uid=imp_1", "", ""); a.StatusCode != 405 || b.cookie("certify") != "" || b.provider.lookups != 0 {
		t.Errorf("status %d after %d lookups", a.StatusCode, b.provider.lookups)
	}
}

// Wrapper SDKs write "null" for nothing: that is no failure.
func TestAWordForNothingIsNoFailure(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.provider.verify("imp_1", b.begin("/cellar"))
	b.provider.fail = func(string) error {
		return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
	}
	if a := b.get("/certifications/redirect?imp_uid=imp_1&success=true&code=null"); a.code() != "verification_pending" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// The address cannot put an alarming sentence on the start page.
func TestStartPageSaysOnlyWhatGatesSay(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for _, reason := range []string{"internal", "underage", "attempt_used", "account_refused"} {
		a := b.get("/certifications/?reason="+reason, "Accept-Language", "en")
		if a.StatusCode != 200 || !strings.Contains(a.body, "This page needs an identity verification.") {
			t.Errorf("%s: status %d: %s", reason, a.StatusCode, a.body)
		}
	}
}

// What the person typed is a claim only where the operator says so.
func TestInsecureSelfAssertedNationality(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.InsecureSelfAssertedNationality = true }}).browser()
	b.pass(func(id *certify.Identity) {
		id.Nationality, id.NationalitySelfAsserted = certify.NationalityForeigner, true
	})
	c, err := b.sessions.Read(t.Context(), b.cookie("certify"))
	if err != nil || c.Nationality != certify.NationalityForeigner {
		t.Errorf("claim %+v, error %v", c, err)
	}
}
