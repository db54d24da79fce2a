package certify_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// An Account that cannot tell is 503 everywhere, and nothing is lost.
func TestAccountCannotTell(t *testing.T) {
	t.Parallel()
	var fails atomic.Bool
	b := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) {
			c.Account = func(*http.Request) (string, error) {
				if fails.Load() {
					return "", errors.Join(errors.New(secretName), certify.CodeClaimRevoked)
				}
				return "alice", nil
			}
		},
		handler: func(c *certify.HandlerConfig) { c.Checks = map[string]certify.Policy{"adult": certify.MinAge(19)} },
	}).browser()
	b.pass()
	b.provider.verify("imp_1", b.begin("/cellar"))
	fails.Store(true)
	for name, a := range map[string]answer{
		"a gate":               b.get("/cellar"),
		"a start page":         b.get("/certifications/"),
		"a start page, behind": b.get("/certifications/?return_to=/cellar"),
		"a start":              b.post("/certifications/attempts", `{}`),
		"a callback":           b.post("/certifications", `{"imp_uid":"imp_1"}`),
		"the claim":            b.get("/certifications/claim"),
		"a check":              b.get("/certifications/check?policy=adult"),
	} {
		if a.StatusCode != 503 || a.code() != "account_unavailable" || strings.Contains(a.body, "reverify") {
			t.Errorf("%s: status %d: %s", name, a.StatusCode, a.body)
		}
	}
	if !strings.Contains(b.log.String(), "SessionConfig.Account returned an error of type *errors.joinError") {
		t.Errorf("the operator hears nothing: %s", b.log.String())
	}
	fails.Store(false)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
		t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
	}
}

// The error of a SignIn keeps its headers, and the claim, and the visitor may
// come again, for a recovery that revoked its account, too.
func TestSignInFails(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{"for a claim": `{}`, "for a purpose": `{"purpose":"recovery"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			var s *site
			s = newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"recovery"}
				c.Accept = func(r *http.Request, id *certify.Identity) (string, error) {
					if id.Purpose != "" {
						return "bob", s.sessions.RevokeAccount(r.Context(), "bob")
					}
					return "bob", nil
				}
				c.SignIn = func(w http.ResponseWriter, r *http.Request, id *certify.Identity, account string) error {
					_ = setLogin(w, r, id, account)
					switch calls.Add(1) {
					case 1:
						return errors.New(secretName)
					case 2:
						panic(secretName)
					}
					return nil
				}
			}})
			b := s.browser()
			s.provider.verify("imp_1", b.post("/certifications/attempts", start).json(t)["merchant_uid"].(string))
			for range 2 {
				if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 500 || len(a.Header.Values("Set-Cookie")) != 0 {
					t.Errorf("status %d: %s %v", a.StatusCode, a.body, a.Header.Values("Set-Cookie"))
				}
			}
			for _, want := range []string{"HandlerConfig.SignIn returned an error of type *errors.errorString", "HandlerConfig.SignIn panicked with a value of type string in", "signin_test.go:"} {
				if !strings.Contains(s.log.String(), want) {
					t.Errorf("the log has no %q", want)
				}
			}
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 || !signsIn(a) {
				t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// After the account's claims were revoked a repeat asks no hook.
func TestARepeatAfterRevocationAsksNobody(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{"for a claim": `{}`, "for a purpose": `{"purpose":"recovery"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted, signedIn atomic.Int64
			b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"recovery"}
				c.Accept = func(*http.Request, *certify.Identity) (string, error) { accepted.Add(1); return "bob", nil }
				c.SignIn = func(http.ResponseWriter, *http.Request, *certify.Identity, string) error { signedIn.Add(1); return nil }
			}}).browser()
			b.provider.verify("imp_1", b.post("/certifications/attempts", start).json(t)["merchant_uid"].(string))
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			b.wait(time.Minute)
			if err := b.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.code() != "claim_revoked" || accepted.Load() != 1 || signedIn.Load() != 1 {
				t.Errorf("status %d, Accept asked %d times, SignIn %d: %s", a.StatusCode, accepted.Load(), signedIn.Load(), a.body)
			}
		})
	}
}

// What revokes the account while a repeat is being answered counts for it.
func TestARepeatBesideARevocationSignsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]string{"for a claim": `{}`, "for a purpose": `{"purpose":"recovery"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var accepted, signedIn atomic.Int64
			var s *site
			s = newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Purposes = []string{"recovery"}
				c.Accept = func(r *http.Request, _ *certify.Identity) (string, error) {
					if accepted.Add(1) == 2 {
						return "bob", s.sessions.RevokeAccount(r.Context(), "bob")
					}
					return "bob", nil
				}
				c.SignIn = func(http.ResponseWriter, *http.Request, *certify.Identity, string) error { signedIn.Add(1); return nil }
			}})
			b := s.browser()
			s.provider.verify("imp_1", b.post("/certifications/attempts", start).json(t)["merchant_uid"].(string))
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.code() != "claim_revoked" || signedIn.Load() != 1 {
				t.Errorf("status %d, SignIn asked %d times: %s", a.StatusCode, signedIn.Load(), a.body)
			}
		})
	}
}

// A logout that comes while SignIn runs waits for it, and revokes the claim.
func TestALogoutWaitsForSignIn(t *testing.T) {
	t.Parallel()
	s, p := newPausedSite(t, "sign-in", certify.NewMemoryStore(0, nil))
	b := s.browser()
	s.provider.verify("imp_1", b.begin("/"))
	cookies := b.attemptCookies()
	p.next.Store(true)
	done := s.browser().aside("POST", "/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies)
	p.wait(t, done)
	out := b.aside("POST", "/certifications/logout", "", "Cookie", cookies)
	for s.sessions.LoggedOut() == 0 {
		time.Sleep(time.Millisecond) // until the logout has reached the callback
	}
	select {
	case <-out:
		t.Error("the logout did not wait")
	default:
	}
	p.release()
	if a := <-done; a.StatusCode != 200 {
		t.Errorf("the callback: status %d: %s", a.StatusCode, a.body)
	}
	<-out
	if a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.code() != "claim_revoked" || signsIn(a) {
		t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
	}
}

// A hook that ends the old session first keeps what is being answered.
func TestAHookMayLogOut(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{"Accept", "SignIn"} {
		t.Run(hook, func(t *testing.T) {
			t.Parallel()
			second := new(atomic.Pointer[certify.Handler])
			logout := func(w http.ResponseWriter, r *http.Request) error {
				return second.Load().Logout(w, r)
			}
			s := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.Accept = func(r *http.Request, _ *certify.Identity) (string, error) {
					if hook == "Accept" {
						return "bob", logout(httptest.NewRecorder(), r)
					}
					return "bob", nil
				}
				c.SignIn = func(w http.ResponseWriter, r *http.Request, _ *certify.Identity, _ string) error {
					if hook == "SignIn" {
						return logout(w, r)
					}
					return nil
				}
			}})
			h, err := certify.NewHandler(certify.HandlerConfig{Sessions: s.sessions, Provider: s.provider, Pepper: testPepper})
			if err != nil {
				t.Fatal(err)
			}
			second.Store(h)
			b := s.browser()
			b.pass()
			old := b.cookie("certify")
			b.provider.verify("imp_2", b.begin("/cellar"))
			for range 2 {
				if a := b.post("/certifications", `{"imp_uid":"imp_2"}`); a.StatusCode != 200 {
					t.Fatalf("status %d: %s", a.StatusCode, a.body)
				}
				if a := b.get("/cellar"); a.StatusCode != 200 {
					t.Errorf("the new claim: status %d: %s", a.StatusCode, a.body)
				}
			}
			if _, err := s.sessions.Read(t.Context(), old); !errors.Is(err, certify.CodeClaimRevoked) {
				t.Errorf("the old claim: %v", err)
			}
		})
	}
}

// A policy that fails is a fault with its name, also where another one admits.
func TestAPolicyThatFailsIsAFault(t *testing.T) {
	t.Parallel()
	broken := certify.PolicyFunc(func(time.Time, *certify.Claim) error { return errors.New(secretName) })
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.Handle("/any", certify.Require(certify.Any(broken, certify.MinAge(19)))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	}}).browser()
	b.pass()
	if a := b.get("/any"); a.StatusCode != 200 {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if !strings.Contains(b.log.String(), "operator_fault\" code=policy_failed policy=\"a policy of this site\"") {
		t.Errorf("the operator hears nothing: %s", b.log.String())
	}
}

func TestClaimsMarshalWithoutTheirAccount(t *testing.T) {
	t.Parallel()
	c := certify.Claim{ID: "secret-id", Subject: "secret-account", DIHash: "secret-hash", Txn: "secret-txn", Age: 36, BirthYear: 1990}
	for name, v := range map[string]any{
		"a pointer": &c, "a value": c, "a field": struct{ C certify.Claim }{c}, "a map": map[string]certify.Claim{"c": c}, "a slice": []certify.Claim{c},
	} {
		body, err := json.Marshal(v)
		if err != nil || strings.Contains(string(body), "secret") || !strings.Contains(string(body), `"birth_year":1990`) {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
}

// A claim that has ended meanwhile is not handed out by a repeat.
func TestARepeatBringsNoEndedClaim(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.TTL = time.Minute }}).browser()
	b.provider.verify("imp_1", b.begin("/cellar"))
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	b.wait(2 * time.Minute)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.code() != "verification_out_of_time" || len(a.Header.Values("Set-Cookie")) != 0 {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// A slowRevocation is a Store whose first revocation of a claim takes long.
type slowRevocation struct {
	certify.Store
	begun            atomic.Bool
	arrived, release chan struct{}
}

func (s *slowRevocation) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if strings.HasPrefix(key, "revoked:") && s.begun.CompareAndSwap(false, true) {
		close(s.arrived)
		<-s.release
	}
	return s.Store.Put(ctx, key, value, ttl)
}

// TestALogoutThatIsBeingWritten: the Store does not know of the logout yet, and
// the callback beside it signs nobody in all the same.
func TestALogoutThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	store := &slowRevocation{Store: certify.NewMemoryStore(0, nil), arrived: make(chan struct{}), release: make(chan struct{})}
	s, p := newPausedSite(t, "accept", store)
	b := s.browser()
	s.provider.verify("imp_1", b.begin("/"))
	cookies := b.attemptCookies()
	p.next.Store(true)
	done := s.browser().aside("POST", "/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies)
	p.wait(t, done)
	out := b.aside("POST", "/certifications/logout", "", "Cookie", cookies)
	<-store.arrived
	p.release()
	if a := <-done; a.code() != "claim_revoked" || signsIn(a) {
		t.Errorf("the callback: status %d, signed in: %v", a.StatusCode, signsIn(a))
	}
	close(store.release)
	if a := <-out; a.StatusCode != http.StatusNoContent {
		t.Errorf("the logout: status %d", a.StatusCode)
	}
}
