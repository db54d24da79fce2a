package certify_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/certify-go/certify"
)

// While the provider is asked, somebody else may sign in, in another tab or
// in the app's session of the same cookie.
func TestAccountChangesDuringTheLookup(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, before, after string
		accept              bool
		status              int
	}{
		{"nothing changes", "alice", "alice", false, 200},
		{"another account", "alice", "bob", false, 403},
		{"another account, named by Accept", "alice", "bob", true, 403},
		{"nobody any more", "alice", "", true, 403},
		{"somebody who was nobody", "", "bob", true, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var who atomic.Value
			who.Store(tc.before)
			signedIn := func(*http.Request) (string, error) { return who.Load().(string), nil }
			accepted := false
			b := newSite(t, siteConfig{
				sessions: func(c *certify.SessionConfig) { c.Account = signedIn },
				handler: func(c *certify.HandlerConfig) {
					if tc.accept {
						c.Accept = func(r *http.Request, _ *certify.Identity) (string, error) {
							accepted = true
							return signedIn(r)
						}
					}
				},
			}).browser()
			b.provider.verify("imp_1", b.begin("/cellar"))
			b.provider.fail = func(string) error { who.Store(tc.after); return nil }
			a := b.post("/certifications", `{"imp_uid":"imp_1"}`)
			if a.StatusCode != tc.status || tc.status == 403 && a.code() != "attempt_other_account" {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if tc.status == 200 {
				return
			}
			if gate := b.get("/cellar"); gate.StatusCode == 200 || accepted || b.cookie("certify") != "" {
				t.Errorf("the gate answers %d, Accept was asked: %v", gate.StatusCode, accepted)
			}
			who.Store(tc.before) // and nothing is lost
			b.provider.fail = nil
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 && tc.before != "" {
				t.Errorf("signed in as before: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// An app's Account may cost a query, which anybody could make it ask.
func TestAccountIsNotAskedForNothing(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) {
			c.Account = func(*http.Request) (string, error) { asked.Add(1); return "", nil }
		},
		handler: func(c *certify.HandlerConfig) {
			c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "alice", nil }
		},
	}).browser()
	for _, tc := range []struct {
		name   string
		a      answer
		status int
	}{
		{"a callback without an attempt", b.post("/certifications", `{"imp_uid":"imp_1"}`), 403},
		{"an empty one", b.post("/certifications", `{}`), 403},
		{"the start page, where Accept names the account", b.get("/certifications/", navigation...), 200},
	} {
		if tc.a.StatusCode != tc.status {
			t.Errorf("%s: status %d: %s", tc.name, tc.a.StatusCode, tc.a.body)
		}
	}
	if asked.Load() != 1 { // once after the first request, to find out whether it can be asked
		t.Errorf("asked %d times", asked.Load())
	}
}

// An app's Account may cost a query.
func TestAccountIsAskedFewTimes(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Account = func(*http.Request) (string, error) { asked.Add(1); return "alice", nil }
	}}).browser()
	for i, attempt := range strings.Fields("a b c d e f g h") {
		attempt = b.begin("/" + attempt)
		if i == 7 {
			b.provider.verify("imp_1", attempt)
		}
	}
	if n := asked.Swap(0); n != 8 {
		t.Errorf("asked %d times for 8 starts", n)
	}
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 || asked.Load() != 2 {
		t.Errorf("asked %d times for a callback: status %d: %s", asked.Load(), a.StatusCode, a.body)
	}
}
