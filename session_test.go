package certify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// serve asks h for a page, with pairs of header names and values.
func serve(h http.Handler, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "https://shop.example/wine", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// wine is a gated page of s.
func wine(s *certify.Sessions) http.Handler {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	return s.Load(certify.Require(certify.YouthProtection())(page))
}

func TestSetKeys(t *testing.T) {
	t.Parallel()
	public, err := certify.ParseJWKS(testKeys(t, ed25519Line).JWKS())
	if err != nil {
		t.Fatal(err)
	}
	f := newForgers(t)
	r := newReader(t)
	if err := r.SetKeys(public); err == nil || r.verdict(f.hs.claim()) != "" {
		t.Errorf("keys that cannot sign replaced some that can: %v", err)
	}
	forget := func(c *certify.SessionConfig) { c.Keys, c.InsecureForgetRevocations = public, true }
	r = newReader(t, forget)
	if r.verdict(f.ed.claim()) != "" || r.verdict(f.es.claim()) != certify.CodeClaimWrongKey {
		t.Error("before")
	}
	if err := r.SetKeys(testKeys(t, p256Line)); err != nil {
		t.Fatal(err)
	}
	if r.verdict(f.ed.claim()) != certify.CodeClaimWrongKey || r.verdict(f.es.claim()) != "" {
		t.Error("after")
	}
}

// Whoever verifies only says so when asked to issue.
func TestPublicKeysCannotIssue(t *testing.T) {
	t.Parallel()
	public, err := certify.ParseJWKS(testKeys(t, ed25519Line).JWKS())
	if err != nil {
		t.Fatal(err)
	}
	s := quiet(t, func(c *certify.SessionConfig) { c.Keys, c.InsecureForgetRevocations = public, true })
	_, err = certify.NewHandler(certify.HandlerConfig{Sessions: s, Provider: &fakeProvider{now: func() time.Time { return noon }}, Pepper: testPepper})
	if err == nil || !strings.Contains(err.Error(), "public keys only") {
		t.Errorf("error %v", err)
	}
}

// loginCookie is the account of an app that trusts a cookie.
func loginCookie(r *http.Request) (string, error) {
	c, err := r.Cookie("login")
	if err != nil {
		return "", nil
	}
	return c.Value, nil
}

// A claim counts for the account it was issued to: whoever signs out, and
// whoever signs in as somebody else, carries nothing over.
func TestAccountBinding(t *testing.T) {
	t.Parallel()
	f := newForgers(t).hs
	for _, tc := range []struct {
		name  string
		sub   string
		login string
		want  certify.Code // "" is entry
	}{
		{"the account's own", `"member-7"`, "member-7", ""},
		{"signed in as another", `"member-7"`, "member-8", certify.CodeClaimOtherAccount},
		{"signed out", `"member-7"`, "", certify.CodeClaimOtherAccount},
		{"a claim of nobody's, signed in", "", "member-7", certify.CodeClaimOtherAccount},
		{"a claim of nobody's, signed out", "", "", certify.CodeClaimOtherAccount},
		{"an account that begins like it", `"member-7"`, "member-70", certify.CodeClaimOtherAccount},
		{"an account that differs in case", `"member-7"`, "Member-7", certify.CodeClaimOtherAccount},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := quiet(t, func(c *certify.SessionConfig) { c.Account = loginCookie })
			cookies := []string{"Cookie", "__Host-certify=" + f.claim("sub", tc.sub)}
			if tc.login != "" {
				cookies = append(cookies, "Cookie", "login="+tc.login)
			}
			for range 2 { // the second time the signature is known
				w := serve(wine(s), cookies...)
				if entered := w.Code == http.StatusOK; entered != (tc.want == "") || !entered && !strings.Contains(w.Body.String(), string(tc.want)) {
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
			}
			if c, err := s.Read(t.Context(), f.claim("sub", tc.sub)); err != nil || c.AccountCompared() {
				t.Errorf("Read knows no request, and compares: %v, error %v", c, err)
			}
		})
	}
}

// Only where an account was compared may a policy rely on it.
func TestAccountCompared(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]func(*http.Request) (string, error){"with Account": loginCookie, "without": nil} {
		s := quiet(t, func(c *certify.SessionConfig) { c.Account = account })
		gate := s.Load(certify.Require(certify.YouthMedia())(http.NotFoundHandler()))
		w := serve(gate, "Cookie", "login=member-7; __Host-certify="+newForgers(t).hs.claim())
		if passed := w.Code == http.StatusNotFound; passed != (account != nil) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
}

// What stands between Load and the gate may sign the visitor in.
func TestAccountSeesTheContextOfTheGate(t *testing.T) {
	t.Parallel()
	type user struct{}
	s := quiet(t, func(c *certify.SessionConfig) {
		c.Account = func(r *http.Request) (string, error) { name, _ := r.Context().Value(user{}).(string); return name, nil }
	})
	gate := certify.Require(certify.MinAge(19))(http.NotFoundHandler())
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), user{}, "member-7")))
	})
	if w := serve(s.Load(login), "Cookie", "__Host-certify="+newForgers(t).hs.claim()); w.Code != http.StatusNotFound {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// An Account that panics lets nobody in, nor does one that ends the request
// under an app that recovers.
func TestAccountPanics(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		with   any
		aborts bool
		status int
	}{
		{"a fault", "database", false, http.StatusServiceUnavailable},
		{"the end of the request", http.ErrAbortHandler, true, http.StatusInternalServerError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := quiet(t, func(c *certify.SessionConfig) { c.Account = func(*http.Request) (string, error) { panic(tc.with) } })
			anybody := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return nil })
			gate := certify.Require(anybody)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("entered") }))
			app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				func() {
					defer func() {
						if v := recover(); (v == http.ErrAbortHandler) != tc.aborts {
							t.Errorf("the app recovers %v", v)
						}
					}()
					certify.FromContext(r.Context())
				}()
				if c, ok := certify.FromContext(r.Context()); ok || c != nil {
					t.Errorf("claim %v, %v", c, ok)
				}
				gate.ServeHTTP(w, r)
			})
			if w := serve(s.Load(app), "Cookie", "__Host-certify="+newForgers(t).hs.claim()); w.Code != tc.status {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// A countingStore counts what it is asked for.
type countingStore struct {
	certify.Store
	gets atomic.Int64
}

func (s *countingStore) Get(ctx context.Context, key string) (string, bool, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, key)
}

// Gates within gates, and a handler that asks, cost one look at the token and
// two questions to the Store; routes that do not ask cost none.
func TestOneVerificationForARequest(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: certify.NewMemoryStore(0, nil)}
	s := quiet(t, func(c *certify.SessionConfig) { c.Store = store })
	var page http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _ := certify.FromContext(r.Context())
		if again, ok := certify.FromContext(r.Context()); !ok || again != first {
			t.Error("another claim")
		}
	})
	open := s.Load(http.NotFoundHandler())
	for range 3 {
		page = certify.Require(certify.MinAge(19))(page)
	}
	cookie := []string{"Cookie", "__Host-certify=" + newForgers(t).hs.claim("sub", "")}
	serve(open, cookie...)
	if n := store.gets.Load(); n != 0 {
		t.Errorf("%d looks at the Store for a page without a gate", n)
	}
	if w := serve(s.Load(s.Load(page)), cookie...); w.Code != http.StatusOK || store.gets.Load() != 2 {
		t.Errorf("status %d, %d looks at the Store", w.Code, store.gets.Load())
	}
}

// Within another Sessions' Load the inner one counts.
func TestLoadWithinLoad(t *testing.T) {
	t.Parallel()
	shop := quiet(t)
	other := quiet(t, func(c *certify.SessionConfig) { c.Origin = "https://other.example" })
	cookie := []string{"Cookie", "__Host-certify=" + newForgers(t).hs.claim()}
	if w := serve(other.Load(wine(shop)), cookie...); w.Code != http.StatusOK {
		t.Errorf("inside: status %d: %s", w.Code, w.Body)
	}
	if w := serve(shop.Load(wine(other)), cookie...); w.Code != http.StatusUnauthorized {
		t.Errorf("outside: status %d", w.Code)
	}
}

// On plain http another program of the same machine may set a cookie of the
// same name: it must not keep the visitor out, nor let any number be tried.
func TestCookiesOfOneName(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	b := s.browser()
	b.pass()
	good := "certify=" + b.cookie("certify")
	bad := strings.Repeat("certify=planted; ", 3)
	for _, tc := range []struct {
		name, cookies string
		status        int
		code          string
	}{
		{"alone", good, 200, ""},
		{"first", good + "; certify=planted", 200, ""},
		{"behind three", bad + good, 200, ""},
		{"behind empty ones", strings.Repeat("certify=; ", 9) + good, 200, ""},
		{"behind four", bad + "certify=planted; " + good, 401, "claim_malformed"},
		{"under another name", "Certify=" + b.cookie("certify"), 401, "verification_required"},
		{"under the name for https", "__Host-" + good, 401, "verification_required"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := s.browser().get("/cellar", "Cookie", tc.cookies); a.StatusCode != tc.status || a.code() != tc.code {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestSecureCookieIsTheOnlyOneOverHTTPS(t *testing.T) {
	t.Parallel()
	token := newForgers(t).hs.claim()
	if w := serve(wine(quiet(t)), "Cookie", "__Host-certify="+token); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if w := serve(wine(quiet(t)), "Cookie", "certify="+token); w.Code != http.StatusUnauthorized {
		t.Errorf("a cookie that a sibling host can plant: status %d", w.Code)
	}
}

// A claim that the app asked to last outlives the browser's window, for as
// long as the claim itself.
func TestLastingCookie(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ttl    time.Duration
		maxAge int
	}{{12 * time.Hour, 0}, {24 * time.Hour, 0}, {25 * time.Hour, 25 * 3600}, {certify.MaxTTL, 365 * 24 * 3600}} {
		t.Run(fmt.Sprint(tc.ttl), func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
				c.TTL, c.Account, c.InsecureForgetRevocations = tc.ttl, func(*http.Request) (string, error) { return "member-7", nil }, true
			}}).browser()
			id := b.provider.verify("imp_1", b.begin("/cellar"))
			a := b.post("/certifications", `{"imp_uid":"`+id+`"}`)
			for _, c := range a.Cookies() {
				if c.Name == "certify" && c.MaxAge != tc.maxAge {
					t.Errorf("Max-Age %d, want %d", c.MaxAge, tc.maxAge)
				}
			}
			if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
				t.Errorf("the gate: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// An account that JSON cannot carry would never be the same again.
func TestAccountsOfAnyText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account string
		status  int
	}{
		"an e-mail address": {"<kim+1@shop.example>&", 200}, "in Korean": {"회원-7", 200}, "of 200 bytes": {strings.Repeat("a", 200), 200},
		"not UTF-8": {"a\xffb", 500}, "of 1,000 bytes": {strings.Repeat("a", 1000), 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
				c.Account = func(*http.Request) (string, error) { return tc.account, nil }
			}}).browser()
			id := b.provider.verify("imp_1", b.begin("/cellar"))
			if a := b.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != tc.status {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			if a := b.get("/cellar"); (a.StatusCode == 200) != (tc.status == 200) {
				t.Errorf("the gate: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// Tokens are for the log neither, whatever is wrong with them.
func TestRefusalsAreLoggedWithoutTheToken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var log bytes.Buffer
	s := quiet(t, func(c *certify.SessionConfig) {
		c.Bearer = true
		c.Event = func(_ context.Context, e certify.Event) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&log, "%+v\n", e)
		}
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	for _, h := range hostileTokens(t) {
		serve(wine(s), "Authorization", "Bearer "+h.token)
	}
	mu.Lock()
	defer mu.Unlock()
	noSecrets(t, "the log", log.String())
	for _, want := range []string{"its kid names no key of ours", "its typ is not certify+jwt", "claim_expired"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	if strings.Contains(log.String(), "member-7") {
		t.Error("the log names an account")
	}
}

var errDown = errors.New("dial tcp 10.0.0.7:6379: connection refused")
