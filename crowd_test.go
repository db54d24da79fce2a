package certify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

// A crowd is many browsers of one site in a bubble of synctest, with no
// network between, and a provider whose lookups take time.
type crowd struct {
	t        *testing.T
	handler  http.Handler
	provider *fakeProvider
	latency  time.Duration
	busy     atomic.Int64 // lookups that are under way
	most     atomic.Int64
}

func newCrowd(t *testing.T, latency time.Duration, change ...func(*certify.HandlerConfig)) *crowd {
	c := &crowd{t: t, latency: latency, provider: &fakeProvider{now: time.Now}}
	s := quiet(t, func(cfg *certify.SessionConfig) { cfg.Now, cfg.Keys, cfg.Bearer = nil, testKeys(t), true })
	cfg := certify.HandlerConfig{Sessions: s, Provider: slowProvider{c.provider, c}, Pepper: testPepper, NativeApps: true}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if c.handler, err = certify.NewHandler(cfg); err != nil {
		t.Fatal(err)
	}
	return c
}

// A slowProvider takes the crowd's latency for a lookup.
type slowProvider struct {
	*fakeProvider
	crowd *crowd
}

func (p slowProvider) Lookup(ctx context.Context, id string) (*certify.Identity, error) {
	n := p.crowd.busy.Add(1)
	defer p.crowd.busy.Add(-1)
	for most := p.crowd.most.Load(); n > most && !p.crowd.most.CompareAndSwap(most, n); {
		most = p.crowd.most.Load()
	}
	select {
	case <-time.After(p.crowd.latency):
		return p.fakeProvider.Lookup(ctx, id)
	case <-ctx.Done():
		return nil, &certify.ProviderError{Code: certify.CodeProviderUnavailable, Detail: "cancelled", Err: ctx.Err()}
	}
}

func (c *crowd) lookups() int {
	c.provider.mu.Lock()
	defer c.provider.mu.Unlock()
	return c.provider.lookups
}

func (c *crowd) post(ctx context.Context, path, body, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, "POST", "https://shop.example"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// begin returns the attempt's id and its cookie.
func (c *crowd) begin() (id, cookie string) {
	w := c.post(c.t.Context(), "/certifications/attempts", `{"return_to":"/"}`, "")
	var begun struct {
		ID string `json:"merchant_uid"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &begun); err != nil || w.Code != http.StatusCreated {
		c.t.Fatalf("begin: status %d: %s", w.Code, w.Body)
	}
	cookie, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return begun.ID, cookie
}

func (c *crowd) confirm(ctx context.Context, id, cookie string) *httptest.ResponseRecorder {
	return c.post(ctx, "/certifications", `{"imp_uid":"`+id+`"}`, cookie)
}

func codeIn(w *httptest.ResponseRecorder) string {
	var m struct{ Code string }
	_ = json.Unmarshal(w.Body.Bytes(), &m)
	return m.Code
}

// Attempts that repeat themselves as fast as they can keep nobody out.
func TestAttackersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		record func(c *crowd, n int, attempt string) // of the attackers
	}{
		{"ids that are made up", func(*crowd, int, string) {}},
		{"records that are not finished", nil},
		{"records of their own", func(c *crowd, n int, attempt string) { c.provider.verify(fmt.Sprintf("imp_bad%d", n), attempt) }},
		{"a provider that fails for them", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 700*time.Millisecond)
				c.provider.fail = func(id string) error {
					switch {
					case !strings.HasPrefix(id, "imp_bad"):
						return nil
					case tc.name == "records that are not finished":
						return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
					case tc.name == "a provider that fails for them":
						return &certify.ProviderError{Code: certify.CodeProviderUnavailable, Detail: "500"}
					}
					return nil
				}
				ctx, stop := context.WithCancel(t.Context())
				var attackers, honest sync.WaitGroup
				for n := range 80 {
					id, cookie := c.begin()
					if tc.record != nil {
						tc.record(c, n, id)
					}
					for range 4 { // connections of each
						attackers.Go(func() {
							for ctx.Err() == nil {
								c.confirm(ctx, fmt.Sprintf("imp_bad%d", n), cookie)
								time.Sleep(10 * time.Millisecond)
							}
						})
					}
				}
				time.Sleep(3 * time.Second)
				for n := range 20 {
					honest.Go(func() {
						id, cookie := c.begin()
						c.provider.verify(fmt.Sprintf("imp_good%d", n), id)
						begun := time.Now()
						w := c.confirm(t.Context(), fmt.Sprintf("imp_good%d", n), cookie)
						if took := time.Since(begun); w.Code != http.StatusOK || took > 5*time.Second {
							t.Errorf("an honest visitor: status %d after %s: %s", w.Code, took, w.Body)
						}
					})
				}
				honest.Wait()
				stop()
				attackers.Wait()
				if most := c.most.Load(); most > certify.DefaultMaxLookups {
					t.Errorf("%d lookups at a time", most)
				}
			})
		})
	}
}

// An attempt asks for ten ids. Those that it asked for it may ask for again.
func TestAnAttemptAsksForFewIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, time.Millisecond)
		id, cookie := c.begin()
		c.provider.verify("imp_own", id)
		if w := c.confirm(t.Context(), "imp_own", cookie); w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		for n := range 300 {
			if w := c.confirm(t.Context(), fmt.Sprintf("imp_made_up%d", n), cookie); codeIn(w) != "verification_refused" {
				t.Fatalf("a made-up id: status %d: %s", w.Code, w.Body)
			}
		}
		if n := c.lookups(); n != 10 {
			t.Errorf("%d lookups, want 10", n)
		}
		if w := c.confirm(t.Context(), "imp_own", cookie); w.Code != http.StatusOK {
			t.Errorf("the attempt's own id after that: status %d: %s", w.Code, w.Body)
		}
		other, otherCookie := c.begin()
		c.provider.verify("imp_other", other)
		if w := c.confirm(t.Context(), "imp_other", otherCookie); w.Code != http.StatusOK {
			t.Errorf("another attempt: status %d: %s", w.Code, w.Body)
		}
	})
}

func TestANativeAttemptAsksForFewIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, time.Millisecond)
		w := c.post(t.Context(), "/certifications/native/attempts", `{}`, "")
		var begun struct{ Attempt string }
		if err := json.Unmarshal(w.Body.Bytes(), &begun); err != nil || begun.Attempt == "" {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		for n := range 30 {
			w := c.post(t.Context(), "/certifications/native/confirm", fmt.Sprintf(`{"attempt":%q,"imp_uid":"imp_%d"}`, begun.Attempt, n), "")
			if codeIn(w) != "verification_refused" {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
		}
		if n := c.lookups(); n != 10 {
			t.Errorf("%d lookups, want 10", n)
		}
	})
}

// Callbacks of one attempt and id that come at once share one lookup.
func TestCallbacksShareALookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, time.Second)
		id, cookie := c.begin()
		c.provider.verify("imp_1", id)
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if w := c.confirm(t.Context(), "imp_1", cookie); w.Code != http.StatusOK {
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
			})
		}
		synctest.Wait()
		if w := c.confirm(t.Context(), "imp_1", cookie); codeIn(w) != "provider_unavailable" {
			t.Errorf("the 33rd: status %d: %s", w.Code, w.Body)
		}
		all.Wait()
		if n := c.lookups(); n != 1 {
			t.Errorf("%d lookups", n)
		}
	})
}

// Whoever leaves during a lookup that others share does not spoil it for them.
func TestAVisitorWhoLeavesSpoilsNoLookup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, time.Second)
		id, cookie := c.begin()
		c.provider.verify("imp_1", id)
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.confirm(ctx, "imp_1", cookie) })
		synctest.Wait()
		all.Go(func() {
			if w := c.confirm(t.Context(), "imp_1", cookie); w.Code != http.StatusOK {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
		synctest.Wait()
		leave()
		all.Wait()
	})
}

// A slot is waited for, but not for long.
func TestASlotIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		latency time.Duration
		status  int
		took    time.Duration
	}{{2 * time.Second, 200, 4 * time.Second}, {4 * time.Second, 503, 3 * time.Second}} {
		t.Run(tc.latency.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, tc.latency, func(c *certify.HandlerConfig) { c.MaxLookups = 1 })
				first, firstCookie := c.begin()
				second, secondCookie := c.begin()
				c.provider.verify("imp_1", first)
				c.provider.verify("imp_2", second)
				var all sync.WaitGroup
				all.Go(func() { c.confirm(t.Context(), "imp_1", firstCookie) })
				synctest.Wait()
				begun := time.Now()
				w := c.confirm(t.Context(), "imp_2", secondCookie)
				if took := time.Since(begun); w.Code != tc.status || took != tc.took {
					t.Errorf("status %d after %s: %s", w.Code, took, w.Body)
				}
				all.Wait()
			})
		})
	}
}

// One attempt holds one slot, whatever ids it asks for; and what is pending is
// not asked for again at once.
func TestAnAttemptIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, 100*time.Millisecond)
		_, cookie := c.begin()
		c.provider.fail = func(string) error {
			return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
		}
		var all sync.WaitGroup
		for n := range 5 {
			all.Go(func() { c.confirm(t.Context(), fmt.Sprintf("imp_%d", n), cookie) })
		}
		all.Wait()
		if most := c.most.Load(); most != 1 {
			t.Errorf("%d lookups of one attempt at a time", most)
		}
		c.provider.mu.Lock()
		c.provider.lookups = 0
		c.provider.mu.Unlock()
		time.Sleep(time.Minute)
		for begun := time.Now(); time.Since(begun) < 7*time.Second; time.Sleep(10 * time.Millisecond) {
			c.post(t.Context(), "/certifications", `{"imp_uid":"imp_1","success":false}`, cookie)
		}
		if n := c.lookups(); n > 10 {
			t.Errorf("%d lookups of a pending record in 7 s", n)
		}
	})
}
