package iamport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

func TestRetriesPass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		first func(*http.Request) (*http.Response, error)
	}{
		{"500", jsonAnswer(500, "")},
		{"503", answer(503, "text/html", "")},
		{"connection broken", broken},
		{"body broken", func(r *http.Request) (*http.Response, error) {
			resp, err := jsonAnswer(200, "")(r)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"code":0`), brokenReader{}))
			return resp, err
		}},
		{"hanging", hang},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				v.token = inTurn(tt.first, v.token)
				if _, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID); err != nil {
					t.Errorf("getToken: %v", err)
				}
				v = newVendor(t, "danal")
				v.other = inTurn(tt.first, v.other)
				if _, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID); err != nil {
					t.Errorf("certifications: %v", err)
				}
				if n := v.count("GET"); n != 2 {
					t.Errorf("the record was asked for %d times, want 2", n)
				}
			})
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestBackoff: 200 ms and 400 ms, each between half and one and a half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	waits := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			v := newVendor(t, "danal")
			v.other = func(r *http.Request) (*http.Response, error) {
				at = append(at, time.Now())
				return jsonAnswer(503, "")(r)
			}
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
		name         string
		token, other func(*http.Request) (*http.Response, error)
	}{
		{"token hangs", hang, hang},
		{"record hangs", tokenFor("tok-1", time.Minute), hang},
		{"all slow and failing", slow(3*time.Second, jsonAnswer(503, "")), hang},
		{"token slow, record hangs", slow(4*time.Second, tokenFor("tok-1", time.Minute)), hang},
		{"endless 401s, slowly", slow(4*time.Second, tokenFor("tok-1", time.Minute)), slow(4*time.Second, jsonAnswer(401, ""))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := newProvider(t, testConfig(&vendor{token: tt.token, other: tt.other})).Lookup(t.Context(), danalID)
				wantCode(t, err, certify.CodeProviderUnavailable)
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("took %v, more than the default timeout", took)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("the error blames the caller's deadline")
				}
				<-time.After(10 * time.Second) // a token's fetch may outlive its callers, by no more than this
			})
		})
	}
}

func TestLookupObeysContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		token, other func(*http.Request) (*http.Response, error)
	}{
		{"waiting for a token", hang, hang},
		{"waiting for a record", tokenFor("tok-1", time.Minute), hang},
		{"waiting to try again", tokenFor("tok-1", time.Minute), slow(900*time.Millisecond, jsonAnswer(503, ""))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProvider(t, testConfig(&vendor{token: tt.token, other: tt.other}))
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second-time.Millisecond, func() { cancel(errors.New(testSecret)) })
				start := time.Now()
				_, err := p.Lookup(ctx, danalID)
				wantCode(t, err, certify.CodeProviderUnavailable)
				if took := time.Since(start); took >= 2*time.Second {
					t.Errorf("took %v after being cancelled", took)
				}
				ctx, cancelTimeout := context.WithTimeout(t.Context(), time.Second)
				defer cancelTimeout()
				_, err = p.Lookup(ctx, danalID)
				wantCode(t, err, certify.CodeProviderUnavailable)
				<-time.After(10 * time.Second)
			})
		})
	}
}

func TestContextErrorIsWrapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.other = hang
		p := newProvider(t, testConfig(v))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := p.Lookup(ctx, danalID); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want one that wraps context.Canceled", err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Lookup(ctx, danalID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want one that wraps context.DeadlineExceeded", err)
		}
	})
}

// TestNoTryWithoutTime: a caller's end is met without another request, and
// what is known by then is told at once.
func TestNoTryWithoutTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t, "danal")
		v.other = slow(900*time.Millisecond, jsonAnswer(503, ""))
		p := newProvider(t, testConfig(v))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(950*time.Millisecond, cancel)
		_, err := p.Lookup(ctx, danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		if n := v.count("GET"); n != 1 {
			t.Errorf("%d requests, want 1: the caller left before the second", n)
		}
		v.other = slow(400*time.Millisecond, jsonAnswer(503, ""))
		ctx, cancel = context.WithTimeout(t.Context(), 450*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err = p.Lookup(ctx, danalID)
		wantCode(t, err, certify.CodeProviderUnavailable)
		if took := time.Since(start); took != 400*time.Millisecond || !strings.HasSuffix(err.Error(), "HTTP 503") {
			t.Errorf("after %v: %v; want the 503 as soon as no second try fits", took, err)
		}
	})
}

func TestTransportFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "no such host", Name: testSecret}, "host name not found"},
		{&net.OpError{Op: "dial", Err: errors.New(testSecret)}, "connection failed"},
		{&tls.CertificateVerificationError{Err: errors.New(testSecret)}, "TLS certificate not trusted"},
		{tls.AlertError(40), "TLS handshake failed"},
		{context.DeadlineExceeded, "timeout"},
		{context.Canceled, "connection failed"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t, "danal")
				v.other = func(*http.Request) (*http.Response, error) { return nil, tt.err }
				_, err := newProvider(t, testConfig(v)).Lookup(t.Context(), danalID)
				wantCode(t, err, certify.CodeProviderUnavailable)
				if !strings.HasSuffix(err.Error(), tt.want) {
					t.Errorf("error = %v, want one about %q", err, tt.want)
				}
				if errors.Is(err, tt.err) {
					t.Error("the error wraps the transport's, which may say anything")
				}
			})
		})
	}
}
