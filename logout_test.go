package certify_test

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/certify-go/certify"
)

// A pause holds up one callback after next, at its place: as long as the
// "body" comes, or the "account", the provider's "lookup" or "accept" is asked.
type pause struct {
	place   string
	next    atomic.Bool
	arrived chan string
	held    chan struct{}
	release func()
}

func (p *pause) at(place string) {
	if place == p.place && p.next.CompareAndSwap(true, false) {
		p.arrived <- place
		<-p.held
	}
}

type pausedBody struct {
	io.ReadCloser
	*pause
}

func (b pausedBody) Read(to []byte) (int, error) {
	b.at("body")
	return b.ReadCloser.Read(to)
}

// newPausedSite is a site for bob with a pause in its callback. A second
// Handler of the same Sessions signs out at /signout.
func newPausedSite(t *testing.T, place string, store certify.Store) (*site, *pause) {
	t.Helper()
	p := &pause{place: place, arrived: make(chan string, 1), held: make(chan struct{})}
	p.release = sync.OnceFunc(func() { close(p.held) })
	var second *certify.Handler
	s := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) {
			c.Store, c.InsecureForgetRevocations = store, true
			c.Account = func(*http.Request) (string, error) { p.at("account"); return "bob", nil }
		},
		handler: func(c *certify.HandlerConfig) {
			c.Purposes = []string{"recovery"}
			c.Accept = func(*http.Request, *certify.Identity) (string, error) {
				p.at("accept")
				return "bob", nil
			}
			c.SignIn = func(w http.ResponseWriter, _ *http.Request, _ *certify.Identity, account string) error {
				http.SetCookie(w, &http.Cookie{Name: "login", Value: account, Path: "/"})
				p.at("sign-in")
				return nil
			}
		},
		routes: func(mux *http.ServeMux) {
			mux.HandleFunc("POST /signout", func(w http.ResponseWriter, r *http.Request) {
				if err := second.Logout(w, r); err != nil {
					http.Error(w, err.Error(), http.StatusServiceUnavailable)
				}
			})
		},
	})
	t.Cleanup(p.release) // before the server waits for its requests
	s.provider.fail = func(string) error { p.at("lookup"); return nil }
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = pausedBody{r.Body, p}
		inner.ServeHTTP(w, r)
	})
	var err error
	if second, err = certify.NewHandler(certify.HandlerConfig{Sessions: s.sessions, Provider: s.provider, Pepper: testPepper}); err != nil {
		t.Fatal(err)
	}
	return s, p
}

// wait waits until the callback is held up.
func (p *pause) wait(t *testing.T, callback <-chan answer) {
	t.Helper()
	select {
	case <-p.arrived:
	case a := <-callback:
		t.Fatalf("the callback did not wait: status %d: %s", a.StatusCode, a.body)
	}
}

func signsIn(a answer) bool {
	return strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), ";"), "bob")
}

// Somebody signs out while their callback waits, in another tab: for its own
// body, for the provider, or for the app.
func TestLogoutEndsACallbackUnderWay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, start, place string
		path               string // of the callback
		out                string // where the visitor signs out
		refused            bool   // by the provider
	}{
		{name: "during the lookup", place: "lookup"},
		{name: "during the lookup, for a purpose", place: "lookup", start: `{"purpose":"recovery"}`},
		{name: "during Accept", place: "accept"},
		{name: "during Accept, for a purpose", place: "accept", start: `{"purpose":"recovery"}`},
		{name: "with nothing verified", place: "lookup", refused: true},
		{name: "while Account is asked", place: "account"},
		{name: "while Account is asked, on a phone", place: "account", path: "/certifications/redirect?imp_uid=imp_1"},
		{name: "while the body comes", place: "body"},
		{name: "by another Handler", place: "lookup", out: "/signout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := certify.NewMemoryStore(0, nil)
			s, p := newPausedSite(t, tc.place, store)
			b := s.browser()
			attempt := b.post("/certifications/attempts", cmp.Or(tc.start, `{}`)).json(t)["merchant_uid"].(string)
			cookies := b.attemptCookies()
			code, entries := "verification_refused", 1 // the clock
			if !tc.refused {
				s.provider.verify("imp_1", attempt)
				code, entries = "claim_revoked", 3
				if tc.place == "accept" {
					entries++ // the account that it named
				}
			}
			p.next.Store(true)
			method := "POST"
			if tc.path != "" {
				method = "GET"
			}
			done := s.browser().aside(method, cmp.Or(tc.path, "/certifications"), `{"imp_uid":"imp_1"}`, "Cookie", cookies)
			p.wait(t, done)
			if a := b.post(cmp.Or(tc.out, "/certifications/logout"), ""); a.StatusCode >= 300 {
				t.Errorf("signing out: status %d: %s", a.StatusCode, a.body)
			}
			p.release()
			if a := <-done; a.code() != code || signsIn(a) {
				t.Errorf("status %d: %s %v", a.StatusCode, a.body, a.Header.Values("Set-Cookie"))
			}
			if n := store.Len(); n != entries {
				t.Errorf("%d entries in the store, want %d", n, entries)
			}
			if a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.code() != code {
				t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// Where the Store fails the visitor is still signed in, and their callback
// goes on, unless another logout ended it.
func TestALogoutThatFailsEndsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before bool // another logout
		code   string
	}{
		{"alone", false, ""},
		{"after one that did not", true, "claim_revoked"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := &failingStore{Store: certify.NewMemoryStore(0, nil)}
			s, p := newPausedSite(t, "lookup", store)
			b := s.browser()
			s.provider.verify("imp_1", b.begin("/cellar"))
			cookies := b.attemptCookies()
			p.next.Store(true)
			done := s.browser().aside("POST", "/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies)
			p.wait(t, done)
			if tc.before {
				s.browser().post("/certifications/logout", "", "Cookie", cookies)
			}
			store.set(errDown)
			if a := b.post("/certifications/logout", ""); a.StatusCode != 503 || b.attemptCookies() != cookies {
				t.Errorf("signing out: status %d: %s", a.StatusCode, a.body)
			}
			store.set(nil)
			p.release()
			if a := <-done; a.code() != tc.code {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.code() != tc.code {
				t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// What is known of callbacks under way ends with the last of them.
func TestCallbacksUnderWayAreForgotten(t *testing.T) {
	t.Parallel()
	s, p := newPausedSite(t, "account", certify.NewMemoryStore(0, nil))
	b := s.browser()
	s.provider.verify("imp_1", b.begin("/"))
	cookies := b.attemptCookies()
	underWay := func(attempts, callbacks int) {
		t.Helper()
		if a, c := s.sessions.UnderWay(); a != attempts || c != callbacks {
			t.Errorf("%d callbacks of %d attempts are under way, want %d of %d", c, a, callbacks, attempts)
		}
	}
	var done []<-chan answer
	for range 2 {
		p.next.Store(true)
		callback := s.browser().aside("POST", "/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies)
		p.wait(t, callback)
		done = append(done, callback)
	}
	underWay(1, 2)
	b.post("/certifications", `{"imp_uid":"imp_1"}`)
	underWay(1, 2) // a third has come and gone
	p.release()
	for _, callback := range done {
		if a := <-callback; a.StatusCode != 200 {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	}
	underWay(0, 0)
}
