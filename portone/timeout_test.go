package portone_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
)

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func brokenBody(r *http.Request) (*http.Response, error) {
	resp, err := jsonAnswer(200, "")(r)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"status":`), brokenReader{}))
	return resp, err
}

func TestRetriesPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first answerer
	}{
		{"500", jsonAnswer(500, "")},
		{"503", answer(503, "text/html", "")},
		{"a PG's error", jsonAnswer(502, fixture(t, "pg_provider"))},
		{"connection broken", broken},
		{"body broken", brokenBody},
		{"hanging", hang},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				v.answer = inTurn(tt.first, v.answer)
				lookup(t, newProvider(t, testConfig(v)))
				if n := len(v.sent()); n != 2 {
					t.Errorf("the record was asked for %d times, want 2", n)
				}
			})
		})
	}
}

// TestBackoff: 200 ms and 400 ms, each between half and one and a half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	waits := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			v := &vendor{answer: func(r *http.Request) (*http.Response, error) {
				at = append(at, time.Now())
				return jsonAnswer(503, "")(r)
			}}
			_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
			wantCode(t, err, certify.CodeProviderUnavailable)
			if len(at) != 3 {
				t.Fatalf("%d tries, want 3", len(at))
			}
			first, second := at[1].Sub(at[0]), at[2].Sub(at[1])
			if first < 100*time.Millisecond || first > 300*time.Millisecond || second < 200*time.Millisecond || second > 600*time.Millisecond {
				t.Errorf("waited %v and %v", first, second)
			}
			waits[first] = true
		})
	}
	if len(waits) < 10 {
		t.Error("the waits have no jitter")
	}
}

func TestTimeoutBoundsEverything(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answer  answerer
		timeout time.Duration
	}{
		{"hanging", hang, 0},
		{"slow and failing", slow(3*time.Second, jsonAnswer(503, "")), 0},
		{"hanging, configured", hang, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig(&vendor{answer: tt.answer})
				cfg.Timeout = tt.timeout
				limit := tt.timeout
				if limit == 0 {
					limit = 10 * time.Second
				}
				start := time.Now()
				_, err := newProvider(t, cfg).Lookup(t.Context(), danalID)
				wantCode(t, err, certify.CodeProviderUnavailable)
				if took := time.Since(start); took > limit {
					t.Errorf("took %v, more than %v", took, limit)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("the error blames the caller's deadline")
				}
			})
		})
	}
}

func TestContextErrorIsWrapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, testConfig(&vendor{answer: hang}))
		for name, ask := range asks(p) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errors.New(testSecret)) })
			start := time.Now()
			err := ask(ctx)
			wantCode(t, err, certify.CodeProviderUnavailable)
			if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("%s: after %v error = %v, want at once one that wraps context.Canceled", name, time.Since(start), err)
			}
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: error = %v, want one that wraps context.DeadlineExceeded", name, err)
			}
			stop()
		}
	})
}

// asks are all ways to ask the vendor something.
func asks(p *portone.Provider) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Lookup": func(ctx context.Context) error {
			_, err := p.Lookup(ctx, danalID)
			return err
		},
		"Send":    func(ctx context.Context) error { return p.Send(ctx, danalID, sendRequest()) },
		"Confirm": func(ctx context.Context) error { return p.Confirm(ctx, danalID, "123456") },
		"Resend":  func(ctx context.Context) error { return p.Resend(ctx, danalID) },
	}
}

// TestNoTryWithoutTime: a caller's end is met without another request, and
// what is known by then is told at once.
func TestNoTryWithoutTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: slow(400*time.Millisecond, jsonAnswer(503, ""))}
		p := newProvider(t, testConfig(v))
		ctx, cancel := context.WithTimeout(t.Context(), 450*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := p.Lookup(ctx, danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		if took := time.Since(start); took != 400*time.Millisecond || !strings.HasSuffix(err.Error(), "HTTP 503") || len(v.sent()) != 1 {
			t.Errorf("after %v and %d tries: %v; want the 503 as soon as no second try fits", took, len(v.sent()), err)
		}
	})
}
