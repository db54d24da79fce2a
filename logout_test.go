package certify_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/certify-go/certify"
)

// Somebody signs out while their callback waits, in another tab: for the
// provider, or for the app.
func TestLogoutEndsACallbackUnderWay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, start string
		inAccept    bool
		refused     bool // by the provider
		code        string
		entries     int // in the Store
	}{
		{"during the lookup", `{}`, false, false, "claim_revoked", 2},
		{"during the lookup, for a purpose", `{"purpose":"recovery"}`, false, false, "claim_revoked", 2},
		{"during Accept", `{}`, true, false, "claim_revoked", 2},
		{"during Accept, for a purpose", `{"purpose":"recovery"}`, true, false, "claim_revoked", 2},
		{"with nothing verified", `{}`, false, true, "verification_refused", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := certify.NewMemoryStore(0, nil)
			arrived, release := make(chan string), make(chan struct{})
			wait := func() {
				arrived <- "here"
				<-release
			}
			s := newSite(t, siteConfig{
				sessions: func(c *certify.SessionConfig) { c.Store, c.InsecureForgetRevocations = store, true },
				handler: func(c *certify.HandlerConfig) {
					c.Purposes = []string{"recovery"}
					c.Accept = func(w http.ResponseWriter, _ *http.Request, _ *certify.Identity) (string, error) {
						if tc.inAccept {
							wait()
						}
						http.SetCookie(w, &http.Cookie{Name: "login", Value: "bob", Path: "/"})
						return "bob", nil
					}
				},
			})
			b := s.browser()
			attempt := b.post("/certifications/attempts", tc.start).json(t)["merchant_uid"].(string)
			cookies := b.attemptCookies()
			if !tc.refused {
				s.provider.verify("imp_1", attempt)
			}
			s.provider.fail = func(string) error {
				if !tc.inAccept {
					wait()
				}
				return nil
			}
			done := make(chan answer)
			go func() { done <- s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies) }()
			<-arrived
			if a := b.post("/certifications/logout", ""); a.StatusCode != http.StatusNoContent {
				t.Errorf("signing out: status %d: %s", a.StatusCode, a.body)
			}
			close(release)
			a := <-done
			if a.code() != tc.code || strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), ";"), "bob") {
				t.Errorf("status %d: %s %v", a.StatusCode, a.body, a.Header.Values("Set-Cookie"))
			}
			if n := store.Len(); n != tc.entries {
				t.Errorf("%d entries in the store, want %d", n, tc.entries)
			}
			if tc.refused {
				return
			}
			s.provider.fail, tc.inAccept = nil, false
			if a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.code() != tc.code {
				t.Errorf("a repeat: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// What is known of callbacks under way ends with them, two of one attempt too.
func TestCallbacksUnderWayAreForgotten(t *testing.T) {
	t.Parallel()
	var handler *certify.Handler
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		found, _ := mux.Handler(&http.Request{Method: "GET", URL: &url.URL{Path: "/certifications"}})
		handler = found.(*certify.Handler)
	}}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	cookies := b.attemptCookies()
	arrived, release := b.provider.hold("imp_1")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { b.site.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies) })
	}
	<-arrived
	if n := handler.UnderWay(); n != 1 {
		t.Errorf("callbacks of %d attempts are under way", n)
	}
	release()
	wg.Wait()
	if n := handler.UnderWay(); n != 0 {
		t.Errorf("%d attempts are remembered", n)
	}
}
