package certify_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// What the gate costs in front of every request. Not parallel: allocations are
// counted.
func TestGateAllocations(t *testing.T) {
	token := newForgers(t).hs.claim()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	sum := sha256.Sum256([]byte("certify account\x00member-7"))
	revoked := quiet(t, func(c *certify.SessionConfig) {
		c.Bearer, c.Store = true, certify.NewMemoryStore(0, nil)
		for key, epoch := range map[string]string{"account:all": "e0123456789abcdef", "account:" + b64url.EncodeToString(sum[:]): "eABCDEFGHIJKLMNOP"} {
			if err := c.Store.Put(t.Context(), key, epoch, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	})
	later := newForgers(t).hs.claim("site_epoch", `"e0123456789abcdef"`, "account_epoch", `"eABCDEFGHIJKLMNOP"`)
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	asks := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { certify.FromContext(r.Context()) })
	adults := certify.Require(certify.All(certify.YouthProtection(), certify.Not(certify.Foreigner())))
	for _, tc := range []struct {
		name          string
		handler       http.Handler
		header, value string
		most          float64
	}{
		{"no gate", s.Load(page), "Authorization", "Bearer " + token, 2},
		{"bearer", s.Load(adults(page)), "Authorization", "Bearer " + token, 2},
		{"cookie", s.Load(adults(page)), "Cookie", "a=b; __Host-certify=" + token + "; c=d", 2},
		{"in epochs of its own", revoked.Load(adults(page)), "Authorization", "Bearer " + later, 2},
		{"two gates", s.Load(adults(adults(page))), "Authorization", "Bearer " + token, 2},
		{"a handler that asks", s.Load(adults(asks)), "Authorization", "Bearer " + token, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "https://shop.example/wine", nil)
			r.Header.Set(tc.header, tc.value)
			w := &bareWriter{header: http.Header{}, status: http.StatusOK}
			n := testing.AllocsPerRun(100, func() { clear(w.header); tc.handler.ServeHTTP(w, r) })
			if w.status != http.StatusOK || n > tc.most {
				t.Errorf("status %d, %v allocations, at most %v", w.status, n, tc.most)
			}
		})
	}
}

type bareWriter struct {
	header http.Header
	status int
}

func (w *bareWriter) Header() http.Header         { return w.header }
func (w *bareWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *bareWriter) WriteHeader(status int)      { w.status = status }

// Nobody else sees what a handler does to its claim, though the policies before
// it looked at one that all requests share.
func TestHandlersHaveClaimsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	greedy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := certify.FromContext(r.Context())
		again, _ := certify.FromContext(r.Context())
		if !ok || c != again || c.Age != 36 {
			t.Errorf("%v, the same %v, age %d", ok, c == again, c.Age)
		}
		c.Age, c.BirthYear, c.Subject = 5, 2020, "another"
	})
	gate := s.Load(certify.Require(certify.YouthProtection())(greedy))
	ungated := s.Load(greedy)
	token := newForgers(t).hs.claim()
	for range 3 {
		for _, h := range []http.Handler{gate, ungated} {
			if w := serve(h, "Authorization", "Bearer "+token); w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
		}
	}
	if c, err := s.Read(context.Background(), token); err != nil || c.Age != 36 {
		t.Errorf("claim %+v, error %v", c, err)
	}
}

// What stands around the gate may have set the same headers, and what stands
// behind it may add to them.
func TestGateKeepsHeaders(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	token := newForgers(t).hs.claim()
	adults := certify.Require(certify.YouthProtection())
	const gated = "private, no-cache"
	for _, tc := range []struct {
		name                        string
		cacheControl, vary, add     []string
		wantCacheControl, wantVarys []string
	}{
		{"none", nil, nil, nil, []string{gated}, []string{"Authorization, Cookie"}},
		{"no-store", []string{"no-store"}, nil, nil, []string{"no-store"}, []string{"Authorization, Cookie"}},
		{"No-Store with more", []string{"public, No-Store"}, nil, nil, []string{"public, No-Store"}, []string{"Authorization, Cookie"}},
		{"no-store in a second line", []string{"max-age=0", "no-store"}, nil, nil, []string{"max-age=0", "no-store"}, []string{"Authorization, Cookie"}},
		{"private", []string{"private"}, nil, nil, []string{gated}, []string{"Authorization, Cookie"}},
		{"private with more", []string{"private, max-age=5"}, nil, nil, []string{gated + ", max-age=5"}, []string{"Authorization, Cookie"}},
		{"no-cache", []string{"no-cache"}, nil, nil, []string{gated}, []string{"Authorization, Cookie"}},
		{"must-revalidate", []string{"max-age=0, must-revalidate"}, nil, nil, []string{gated + ", max-age=0, must-revalidate"}, []string{"Authorization, Cookie"}},
		{"two lines", []string{"max-age=0,", "no-transform"}, nil, nil, []string{gated + ", max-age=0, no-transform"}, []string{"Authorization, Cookie"}},
		{"public", []string{"Public, max-age=5, s-maxage=9"}, nil, nil, []string{gated + ", max-age=5"}, []string{"Authorization, Cookie"}},
		{"some headers alone", []string{`private="Set-Cookie, X", no-cache="X", max-age=5`}, nil, nil, []string{gated + ", max-age=5"}, []string{"Authorization, Cookie"}},
		{"no-store of who does not understand", []string{"must-understand, no-store, max-age=60, public"}, nil, nil, []string{gated + ", no-store"}, []string{"Authorization, Cookie"}},
		{"Vary", nil, []string{"Accept-Encoding"}, nil, []string{gated}, []string{"Accept-Encoding", "Authorization, Cookie"}},
		{"Vary said already", nil, []string{"Authorization, Cookie"}, nil, []string{gated}, []string{"Authorization, Cookie"}},
		{"the handler adds", nil, nil, []string{"must-revalidate"}, []string{gated, "must-revalidate"}, []string{"Authorization, Cookie", "must-revalidate"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for _, v := range tc.add {
					w.Header().Add("Cache-Control", v)
					w.Header().Add("Vary", v)
				}
			})
			for _, gate := range []http.Handler{s.Load(adults(page)), s.Load(adults(adults(page)))} {
				w := httptest.NewRecorder()
				for _, v := range tc.cacheControl {
					w.Header().Add("Cache-Control", v)
				}
				for _, v := range tc.vary {
					w.Header().Add("Vary", v)
				}
				r := httptest.NewRequest("GET", "https://shop.example/wine", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				gate.ServeHTTP(w, r)
				got := w.Header()
				if !slices.Equal(got["Cache-Control"], tc.wantCacheControl) || !slices.Equal(got["Vary"], tc.wantVarys) {
					t.Errorf("Cache-Control %q, Vary %q", got["Cache-Control"], got["Vary"])
				}
			}
		})
	}
}

// A handler may serve parts of one page at once, each behind a gate.
func TestGatesAtOnce(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) { c.Bearer = true })
	part := certify.Require(certify.YouthProtection())(http.NotFoundHandler())
	whole := s.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := make([]*httptest.ResponseRecorder, 8)
		var done sync.WaitGroup
		for i := range parts {
			parts[i] = httptest.NewRecorder()
			done.Go(func() { part.ServeHTTP(parts[i], r) })
		}
		done.Wait()
		for _, p := range parts {
			if cc := p.Header()["Cache-Control"]; len(cc) != 1 || cc[0] != "private, no-cache" {
				t.Errorf("Cache-Control %q", cc)
				continue
			}
			p.Header()["Cache-Control"][0] = "no-store" // which is this part's alone
		}
	}))
	serve(whole, "Authorization", "Bearer "+newForgers(t).hs.claim())
}

// An inquisitive is a logger and a Store that ask for the claim of the request
// they are called for, as loggers do that add the user to each line.
type inquisitive struct {
	slog.Handler
	certify.Store
}

func (inquisitive) Enabled(context.Context, slog.Level) bool { return true }

func (inquisitive) Handle(ctx context.Context, _ slog.Record) error {
	certify.FromContext(ctx)
	return nil
}

func (inquisitive) Get(ctx context.Context, _ string) (string, bool, error) {
	certify.FromContext(ctx)
	return "", false, errors.New("connection refused")
}

func TestOutageWithAnInquisitiveLogger(t *testing.T) {
	t.Parallel()
	s := quiet(t, func(c *certify.SessionConfig) {
		c.Bearer, c.Store, c.Logger = true, inquisitive{}, slog.New(inquisitive{})
	})
	gate := s.Load(certify.Require(certify.YouthProtection())(http.NotFoundHandler()))
	token := newForgers(t).hs.claim()
	answer := make(chan int, 1)
	go func() { answer <- serve(gate, "Authorization", "Bearer "+token).Code }()
	select {
	case status := <-answer:
		if status != http.StatusServiceUnavailable {
			t.Errorf("status %d", status)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the gate waits for itself")
	}
}
