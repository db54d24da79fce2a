package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

const timeout = 10 * time.Second

func newClient(f roundTrip) *rest.Client {
	return rest.NewClient(rest.Config{Base: "https://api.example", Transport: f, Timeout: timeout})
}

func get(name string) rest.Request {
	return rest.Request{Name: name, Method: http.MethodGet, Path: "/records/1"}
}

// after answers with f after d, unless the request is given up first.
func after(d time.Duration, f roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return f(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// inTurn meets each request with the next function, and those after with the last.
func inTurn(fs ...roundTrip) roundTrip {
	var n atomic.Int64
	return func(r *http.Request) (*http.Response, error) {
		return fs[min(int(n.Add(1)), len(fs))-1](r)
	}
}

// TestSecondTry: it starts beside the first, and the first good answer counts.
func TestSecondTry(t *testing.T) {
	t.Parallel()
	ok, fail := answer(200, "", ""), answer(500, "", "")
	for _, tt := range []struct {
		name   string
		f      roundTrip
		took   time.Duration
		tries  int64
		status int // 0: no answer
	}{
		{"in time", after(4*time.Second, ok), 4 * time.Second, 1, 200},
		{"both slow", after(6*time.Second, ok), 6 * time.Second, 2, 200},
		{"both very slow", after(9*time.Second, ok), 9 * time.Second, 2, 200},
		{"the first hangs", inTurn(after(time.Hour, ok), after(time.Second, ok)), 6 * time.Second, 2, 200},
		{"the second fails", inTurn(after(7*time.Second, ok), fail), 7 * time.Second, 2, 200},
		{"the first fails late", inTurn(after(6*time.Second, fail), after(3*time.Second, ok)), 8 * time.Second, 2, 200},
		{"both fail", inTurn(after(6*time.Second, fail), after(2*time.Second, fail)), 7 * time.Second, 2, 500},
		{"both hang", after(time.Hour, ok), 10 * time.Second, 2, 0},
		{"too late", after(11*time.Second, ok), 10 * time.Second, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tries, open atomic.Int64
				c := newClient(func(r *http.Request) (*http.Response, error) {
					tries.Add(1)
					open.Add(1)
					defer open.Add(-1)
					return tt.f(r)
				})
				began := time.Now()
				a, err := c.Do(t.Context(), get("record"))
				if took := time.Since(began); took != tt.took || tries.Load() != tt.tries {
					t.Errorf("%d tries in %v, want %d in %v", tries.Load(), took, tt.tries, tt.took)
				}
				switch {
				case tt.status == 0 && !errors.Is(err, certify.CodeProviderUnavailable):
					t.Errorf("error = %v", err)
				case tt.status != 0 && (err != nil || a.Status != tt.status):
					t.Errorf("Do = %v, %v", a, err)
				}
				synctest.Wait()
				if open.Load() != 0 {
					t.Error("a request goes on although nobody waits for it")
				}
			})
		})
	}
}

// TestRetriesHaveABudget: a provider that fails gets few requests more than
// there are calls, and has all its retries again after a while of success.
func TestRetriesHaveABudget(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]roundTrip{
		"HTTP 500": answer(500, "", ""),
		"broken":   func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") },
		"hanging":  after(time.Hour, nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tries atomic.Int64
				var isDown atomic.Bool
				isDown.Store(true)
				c := newClient(func(r *http.Request) (*http.Response, error) {
					tries.Add(1)
					if isDown.Load() {
						return fail(r)
					}
					return answer(200, "", "")(r)
				})
				do := func(calls int) int64 {
					tries.Store(0)
					for range calls {
						_, _ = c.Do(t.Context(), get("record"))
					}
					return tries.Load()
				}
				if n := do(1); n < 2 {
					t.Errorf("the first call makes %d tries", n)
				}
				do(15)
				if n := do(100); n > 120 {
					t.Errorf("100 calls make %d requests", n)
				}
				isDown.Store(false)
				do(30)
				isDown.Store(true)
				if n := do(1); n < 2 {
					t.Error("there is no second try after the recovery")
				}
			})
		})
	}
}

// TestRetryAfter reads both forms of RFC 9110, section 10.2.3, within bounds.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Sat, 21 Nov 2026 03:00:00 GMT"
	for _, tt := range []struct {
		name   string
		status int
		value  string
		want   time.Duration
	}{
		{"seconds", 429, "30", 30 * time.Second},
		{"seconds of a 503", 503, "30", 30 * time.Second},
		{"spaces", 429, " 30 ", 30 * time.Second},
		{"none, at once", 429, "0", time.Second},
		{"a day", 429, "86400", 5 * time.Minute},
		{"more than an int64", 429, "99999999999999999999", 5 * time.Minute},
		{"a date", 503, "Sat, 21 Nov 2026 03:00:42 GMT", 42 * time.Second},
		{"an older form of date", 503, "Saturday, 21-Nov-26 03:00:42 GMT", 42 * time.Second},
		{"a date that has passed", 503, "Sat, 21 Nov 2026 02:00:00 GMT", time.Second},
		{"a date far ahead", 503, "Sun, 21 Nov 2027 03:00:00 GMT", 5 * time.Minute},
		{"negative", 503, "-1", 0},
		{"a fraction", 503, "1.5", 0},
		{"nonsense", 503, "soon", 0},
		{"none", 503, "", 0},
		{"none of a 429", 429, "", 5 * time.Second},
		{"another failure", 500, "30", 0},
		{"a success", 200, "30", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newClient(func(r *http.Request) (*http.Response, error) {
					resp, err := answer(tt.status, "", "")(r)
					resp.Header.Set("Retry-After", tt.value)
					resp.Header.Set("Date", date)
					return resp, err
				})
				a, err := c.Do(t.Context(), get("record"))
				if err != nil || a.RetryAfter != tt.want || a.Refusal().RetryAfter != tt.want {
					t.Errorf("RetryAfter = %v, %v; want %v", a.RetryAfter, err, tt.want)
				}
			})
		})
	}
}

// TestPauses: who is told to wait asks nothing until then; other requests, and
// those with an effect, go on.
func TestPauses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		status        int
		authorization string
		once          bool
		pause         time.Duration
	}{
		{"too many", 429, "", false, 5 * time.Second},
		{"forbidden", 403, "Bearer t", false, 5 * time.Second},
		{"credentials refused", 401, "", false, 5 * time.Second},
		{"a token refused", 401, "Bearer t", false, 0},
		{"too many, with an effect", 429, "", true, 0},
		{"not found", 404, "", false, 0},
		{"success", 200, "", false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				var mu sync.Mutex
				c := newClient(func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					tries++
					return answer(tt.status, "", "")(r)
				})
				r := get("record")
				r.Authorization, r.Once = tt.authorization, tt.once
				do := func(r rest.Request) *rest.Answer {
					a, err := c.Do(t.Context(), r)
					if err != nil || a.Status != tt.status {
						t.Fatalf("Do = %v, %v", a, err)
					}
					return a
				}
				do(r)
				<-time.After(tt.pause / 2)
				second := do(r)
				other := r
				other.Name = "another"
				do(other)
				if want := 3; tt.pause == 0 && tries != want || tt.pause > 0 && (tries != want-1 || second.RetryAfter != tt.pause/2) {
					t.Errorf("%d requests, and %v to wait", tries, second.RetryAfter)
				}
				<-time.After(tt.pause)
				before := tries
				do(r)
				if tries != before+1 {
					t.Error("the pause does not end")
				}
			})
		})
	}
}

// TestConnectionsAreKept: as many as certify's default of lookups at a time.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const lookups = 64
	var made atomic.Int64
	arrived := make(chan struct{}, lookups)
	leave := make(chan struct{})
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-leave
	}))
	api.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			made.Add(1)
		}
	}
	api.Start()
	defer api.Close()
	c := rest.NewClient(rest.Config{Base: api.URL, Timeout: time.Minute})
	for range 5 {
		var all sync.WaitGroup
		for range lookups {
			all.Go(func() {
				r := get("record")
				r.Once = true // no second try on a slow machine
				if _, err := c.Do(t.Context(), r); err != nil {
					t.Error(err)
				}
			})
		}
		for range lookups {
			<-arrived
		}
		for range lookups {
			leave <- struct{}{}
		}
		all.Wait()
	}
	if n := made.Load(); n > lookups+lookups/4 { // one may be on its way back when the next burst begins
		t.Errorf("%d connections for %d lookups at a time", n, lookups)
	}
}

// TestHeadersAreBounded: an answer with a header of 100 KiB is none.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]bool{32 << 10: true, 100 << 10: false} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", size))
		}))
		c := rest.NewClient(rest.Config{Base: api.URL, Timeout: time.Minute})
		r := get("record")
		r.Once = true
		if _, err := c.Do(t.Context(), r); (err == nil) != want {
			t.Errorf("a header of %d bytes: %v", size, err)
		}
		api.Close()
	}
}

// TestHandshakesAreBounded: a host that takes the connection and says nothing
// is given up after five seconds, so that a try with an effect tells it early.
func TestHandshakesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := rest.NewTransport()
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			return ours, nil
		}
		c := rest.NewClient(rest.Config{Base: "https://api.example", Transport: transport, Timeout: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		r := get("record")
		r.Once = true
		_, err := c.Do(ctx, r)
		if took := time.Since(began); took != 5*time.Second || !strings.HasSuffix(fmt.Sprint(err), "timeout") {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
