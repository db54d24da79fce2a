package certify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

// A claim that was read a moment ago, and is remembered as verified, is
// refused from the next request on.
func TestRevokedAtOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		revoke func(b *browser) error
	}{
		{"signed out", func(b *browser) error { b.post("/certifications/logout", ""); return nil }},
		{"by its id", func(b *browser) error { return b.sessions.Revoke(b.t.Context(), b.jti(), noon.Add(12*time.Hour)) }},
		{"by its account", func(b *browser) error { return b.sessions.RevokeAccount(b.t.Context(), "member-7") }},
		{"replaced", func(b *browser) error { b.pass(); return nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
				c.Account = func(*http.Request) (string, error) { return "member-7", nil }
			}}).browser()
			b.pass()
			held := "certify=" + b.cookie("certify")
			thief := b.site.browser()
			for range 2 {
				if a := thief.get("/cellar", "Cookie", held); a.StatusCode != http.StatusOK {
					t.Fatalf("before: status %d: %s", a.StatusCode, a.body)
				}
			}
			if err := tc.revoke(b); err != nil {
				t.Fatal(err)
			}
			if a := thief.get("/cellar", "Cookie", held); a.StatusCode != http.StatusUnauthorized || a.code() != "claim_revoked" {
				t.Errorf("after: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// A bearer token is signed out, too.
func TestLogoutOfABearerToken(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Bearer = true }}).browser()
	b.pass()
	app, bearer := b.site.browser(), []string{"Authorization", "Bearer " + b.cookie("certify")}
	if a := app.get("/cellar", bearer...); a.StatusCode != http.StatusOK {
		t.Fatalf("before: status %d: %s", a.StatusCode, a.body)
	}
	if a := app.post("/certifications/logout", "", append(bearer, bearer...)...); a.StatusCode != http.StatusBadRequest {
		t.Errorf("two headers: status %d", a.StatusCode)
	}
	if a := app.post("/certifications/logout", "", bearer...); a.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if a := app.get("/cellar", bearer...); a.code() != "claim_revoked" {
		t.Errorf("after: status %d: %s", a.StatusCode, a.body)
	}
}

func TestRevokeAccount(t *testing.T) {
	t.Parallel()
	f := newForgers(t).hs
	iat := func(d time.Duration) []string {
		sec := fmt.Sprint(noon.Add(d).Unix())
		return []string{"iat", sec, "auth_time", sec}
	}
	for _, tc := range []struct {
		name  string
		token string
		want  certify.Code
	}{
		{"issued before", f.claim(), certify.CodeClaimRevoked},
		{"issued in the same second", f.claim(iat(0)...), certify.CodeClaimRevoked},
		{"issued by a clock that is ahead", f.claim(iat(40 * time.Second)...), certify.CodeClaimRevoked},
		{"issued in an epoch that does not run", f.claim("account_epoch", `"e0123456789abcdef"`), certify.CodeClaimRevoked},
		{"another account's", f.claim("sub", `"member-8"`), ""},
		{"nobody's", f.claim("sub", ""), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t)
			if code := r.verdict(tc.token); code != "" {
				t.Fatal(code)
			}
			if err := r.RevokeAccount(t.Context(), "member-7"); err != nil {
				t.Fatal(err)
			}
			r.wait(30 * time.Second)
			if code := r.verdict(tc.token); code != tc.want {
				t.Errorf("%q, want %q", code, tc.want)
			}
		})
	}
	if err := newReader(t).RevokeAccount(t.Context(), ""); err == nil {
		t.Error("the account of nobody was revoked")
	}
}

// A notebook writes down what a Store is told.
type notebook struct {
	certify.Store
	mu    sync.Mutex
	notes []string
}

func (n *notebook) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, key+" for "+ttl.String())
	return n.Store.Put(ctx, key, value, ttl)
}

// A revocation is remembered until no clock takes the token for alive.
func TestRevoke(t *testing.T) {
	t.Parallel()
	const aYear = "revoked:jti-1 for 8760h1m0s"
	for _, tc := range []struct {
		name, jti string
		exp       time.Time
		note      string
		wrong     bool
	}{
		{"an hour to live", "jti-1", noon.Add(time.Hour), "revoked:jti-1 for 12h1m0s", false},
		{"13 hours to live", "jti-1", noon.Add(13 * time.Hour), "revoked:jti-1 for 13h1m0s", false},
		{"expired just now", "jti-1", noon, "revoked:jti-1 for 12h1m0s", false},
		{"expired an hour ago, by a clock that may be ahead", "jti-1", noon.Add(-time.Hour), "revoked:jti-1 for 12h1m0s", false},
		{"a year to live", "jti-1", noon.Add(certify.MaxTTL), aYear, false},
		{"longer than any claim", "jti-1", noon.Add(certify.MaxTTL + time.Second), aYear, false},
		{"in the year 9999", "jti-1", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), aYear, false},
		{"not known", "jti-1", time.Time{}, aYear, false},
		{"64 bytes", strings.Repeat("j", 64), noon, "revoked:" + strings.Repeat("j", 64) + " for 12h1m0s", false},
		{"no id", "", noon.Add(time.Hour), "", true},
		{"no id, expired", "", noon.Add(-time.Hour), "", true},
		{"an id too long", strings.Repeat("j", 65), noon.Add(time.Hour), "", true},
		{"an id with a line end", "jti\n", noon.Add(time.Hour), "", true},
		{"an id in Korean", "식별자", noon.Add(time.Hour), "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			notes := &notebook{Store: certify.NewMemoryStore(0, nil)}
			err := quiet(t, func(c *certify.SessionConfig) { c.Store = notes }).Revoke(t.Context(), tc.jti, tc.exp)
			if (err != nil) != tc.wrong {
				t.Errorf("error %v", err)
			}
			var want []string
			if tc.note != "" {
				want = []string{tc.note}
			}
			if !slices.Equal(notes.notes, want) {
				t.Errorf("the Store was told %q, want %q", notes.notes, want)
			}
		})
	}
}

func (n *notebook) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, key+" for "+ttl.String())
	return n.Store.PutIfAbsent(ctx, key, value, ttl)
}

// What RevokeAccount and RevokeAll write outlives every claim and attempt of
// before. The clock outlives what names its ticks.
func TestRevocationsAreRemembered(t *testing.T) {
	t.Parallel()
	for key, revoke := range map[string]func(*certify.Sessions) error{
		"account:all": func(s *certify.Sessions) error { return s.RevokeAll(t.Context()) },
		"account:":    func(s *certify.Sessions) error { return s.RevokeAccount(t.Context(), "bob") },
	} {
		notes := &notebook{Store: certify.NewMemoryStore(0, nil)}
		if err := revoke(quiet(t, func(c *certify.SessionConfig) { c.Store = notes })); err != nil {
			t.Fatal(err)
		}
		want := []struct{ key, life string }{{key, "8760h1m0s"}, {"clock", "17520h0m0s"}, {"clock:", "17520h0m0s"}, {"clock", "17520h0m0s"}, {"epoch:e", "8760h1m0s"}}
		for i, note := range notes.notes {
			if i >= len(want) || !strings.HasPrefix(note, want[i].key) || !strings.HasSuffix(note, " for "+want[i].life) {
				t.Errorf("note %d: %s", i, note)
			}
		}
		if len(notes.notes) != len(want) {
			t.Errorf("%d notes, want %d", len(notes.notes), len(want))
		}
	}
}

// Two instances share a Store. One's clock is 50 s behind, so that a claim lives
// longer there: what the other revokes is refused there to the end. The claim
// outlives their TTL, which would hide this.
func TestRevocationsOutliveSlowClocks(t *testing.T) {
	t.Parallel()
	fast, slow := testClock{t: noon}, testClock{t: noon.Add(-50 * time.Second)}
	store := certify.NewMemoryStore(0, fast.now)
	store.SetElapsed(func() time.Duration { return fast.now().Sub(noon) })
	a := newReader(t, func(c *certify.SessionConfig) { c.Store, c.Now, c.TTL = store, fast.now, time.Hour })
	b := newReader(t, func(c *certify.SessionConfig) { c.Store, c.Now, c.TTL = store, slow.now, time.Hour })
	token := newForgers(t).hs.claim()
	if a.verdict(token) != "" || b.verdict(token) != "" {
		t.Fatal("before")
	}
	if err := a.Revoke(t.Context(), "0123456789abcdefghijkl", noon.Add(11*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{11*time.Hour - time.Second, 11*time.Hour + 49*time.Second} {
		fast.wait(noon.Add(at).Sub(fast.now()))
		slow.wait(noon.Add(at - 50*time.Second).Sub(slow.now()))
		if code := b.verdict(token); code != certify.CodeClaimRevoked {
			t.Errorf("after %s the slow one says %q", at, code)
		}
	}
}

// Nobody gets in while nobody can tell who was signed out.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var details []string
	store := &failingStore{Store: certify.NewMemoryStore(0, nil)}
	s := quiet(t, func(c *certify.SessionConfig) {
		c.Store, c.Bearer = store, true
		c.Event = func(_ context.Context, e certify.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind == certify.EventFault {
				details = append(details, string(e.Code)+": "+e.Detail)
			}
		}
	})
	token := newForgers(t).ed.claim()
	credential := []string{"Authorization", "Bearer " + token}
	if w := serve(wine(s), credential...); w.Code != http.StatusOK {
		t.Fatalf("before: status %d: %s", w.Code, w.Body)
	}
	store.set(errDown)
	for range 3 {
		w := serve(wine(s), credential...)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "10.0.0.7") || !strings.Contains(w.Body.String(), "store_unavailable") {
			t.Errorf("down: status %d: %s", w.Code, w.Body)
		}
	}
	if c, err := s.Read(t.Context(), token); c != nil || err != certify.CodeStoreUnavailable {
		t.Errorf("Read: claim %v, error %v", c, err)
	}
	if err := s.Revoke(t.Context(), "jti", noon.Add(time.Hour)); err != certify.CodeStoreUnavailable {
		t.Errorf("Revoke: %v", err)
	}
	if err := s.RevokeAccount(t.Context(), "member-7"); err != certify.CodeStoreUnavailable {
		t.Errorf("RevokeAccount: %v", err)
	}
	store.set(nil)
	if w := serve(wine(s), credential...); w.Code != http.StatusOK {
		t.Errorf("up again: status %d: %s", w.Code, w.Body)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "store_unavailable: " + errDown.Error(); len(details) != 6 || details[0] != want {
		t.Errorf("the operator was told %q", details)
	}
}

// A Store that loses its connection between two questions, or holds what
// nobody wrote, is not taken for one that knows nothing.
func TestStoreHalfDown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		get  func(key string) (string, bool, error)
		want certify.Code
	}{
		{"accounts cannot be read", func(key string) (string, bool, error) {
			if strings.HasPrefix(key, "account:") {
				return "", false, errDown
			}
			return "", false, nil
		}, certify.CodeStoreUnavailable},
		{"ids cannot be read", func(key string) (string, bool, error) {
			if strings.HasPrefix(key, "revoked:") {
				return "", false, errDown
			}
			return "", false, nil
		}, certify.CodeStoreUnavailable},
		{"an account's entry is garbage", func(key string) (string, bool, error) {
			return "soon", strings.HasPrefix(key, "account:"), nil
		}, certify.CodeClaimRevoked},
		{"an id's entry is empty", func(key string) (string, bool, error) {
			return "", strings.HasPrefix(key, "revoked:"), nil
		}, certify.CodeClaimRevoked},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t, func(c *certify.SessionConfig) { c.Store = scriptedStore{get: tc.get} })
			if code := r.verdict(newForgers(t).hs.claim()); code != tc.want {
				t.Errorf("%q, want %q", code, tc.want)
			}
		})
	}
}

type scriptedStore struct {
	certify.Store
	get func(key string) (string, bool, error)
}

func (s scriptedStore) Get(_ context.Context, key string) (string, bool, error) { return s.get(key) }

// On plain http a planted cookie must not hide that the Store is down.
func TestStoreDownBehindAPlantedCookie(t *testing.T) {
	t.Parallel()
	store := &failingStore{Store: certify.NewMemoryStore(0, nil)}
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Store = store }}).browser()
	b.pass()
	store.set(errDown)
	if a := b.site.browser().get("/cellar", "Cookie", "certify=planted; certify="+b.cookie("certify")); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// A silentStore never answers.
type silentStore struct{}

func (silentStore) PutIfAbsent(ctx context.Context, _, _ string, _ time.Duration) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

func (silentStore) Put(ctx context.Context, _, _ string, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func (silentStore) Get(ctx context.Context, _ string) (string, bool, error) {
	<-ctx.Done()
	return "", false, ctx.Err()
}

// leavesAfter is a visitor who does not wait, where context.WithTimeout is a
// deadline of the app's.
func leavesAfter(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, leave := context.WithCancel(ctx)
	time.AfterFunc(d, leave)
	return ctx, leave
}

func TestStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		faults := 0
		s := quiet(t, func(c *certify.SessionConfig) {
			c.Store, c.Bearer = silentStore{}, true
			c.Event = func(_ context.Context, e certify.Event) {
				if e.Kind == certify.EventFault {
					faults++
				}
			}
		})
		begun := time.Now()
		w := serve(wine(s), "Authorization", "Bearer "+newForgers(t).hs.claim())
		if took := time.Since(begun); w.Code != http.StatusServiceUnavailable || took != 3*time.Second || faults != 1 {
			t.Errorf("status %d after %s, %d faults", w.Code, took, faults)
		}
		if err := s.Revoke(t.Context(), "jti", noon.Add(time.Hour)); err != certify.CodeStoreUnavailable {
			t.Errorf("Revoke: %v", err)
		}
		for want, within := range []func(context.Context, time.Duration) (context.Context, context.CancelFunc){leavesAfter, context.WithTimeout} {
			ctx, end := within(t.Context(), time.Second)
			defer end()
			begun = time.Now()
			r := httptest.NewRequestWithContext(ctx, "GET", "https://shop.example/wine", nil)
			r.Header.Set("Authorization", "Bearer "+newForgers(t).hs.claim())
			w, faults = httptest.NewRecorder(), 0
			wine(s).ServeHTTP(w, r)
			if took := time.Since(begun); w.Code != http.StatusServiceUnavailable || took != time.Second || faults != want {
				t.Errorf("%v: status %d after %s, %d faults, want %d", ctx.Err(), w.Code, took, faults, want)
			}
		}
	})
}
