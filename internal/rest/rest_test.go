package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/internal/rest"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, contentType, body string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// ask sends one request and counts the tries.
func ask(t *testing.T, f roundTrip, once bool) (a *rest.Answer, tries int, err error) {
	t.Helper()
	var count atomic.Int64
	counted := roundTrip(func(r *http.Request) (*http.Response, error) { count.Add(1); return f(r) })
	c := rest.NewClient(rest.Config{Base: "https://api.example", Transport: counted, Timeout: 10 * time.Second})
	ctx, cancel := rest.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err = c.Do(ctx, rest.Request{Name: "record", Method: http.MethodGet, Path: "/records/1?a=b", Once: once})
	return a, int(count.Load()), err
}

func TestTries(t *testing.T) {
	t.Parallel()
	broken := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("192.0.2.1") })
	hang := roundTrip(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	tests := []struct {
		name   string
		f      roundTrip
		once   bool
		tries  int
		took   time.Duration // at most
		failed bool
	}{
		{"success", answer(200, "", ""), false, 1, 0, false},
		{"no such thing", answer(404, "", ""), false, 1, 0, false},
		{"too many", answer(429, "", ""), false, 1, 0, false},
		{"redirect", answer(302, "", ""), false, 1, 0, false},
		{"server error", answer(500, "", ""), false, 3, 900 * time.Millisecond, false},
		{"broken", broken, false, 3, 900 * time.Millisecond, true},
		{"hanging", hang, false, 2, 10 * time.Second, true},
		{"server error, once", answer(500, "", ""), true, 1, 0, false},
		{"broken, once", broken, true, 1, 0, true},
		{"hanging, once", hang, true, 1, 10 * time.Second, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, tries, err := ask(t, tt.f, tt.once)
				if tries != tt.tries || time.Since(start) > tt.took || (err != nil) != tt.failed {
					t.Errorf("%d tries in %v, %v; want %d in at most %v", tries, time.Since(start), err, tt.tries, tt.took)
				}
				if err != nil && (!errors.Is(err, certify.CodeProviderUnavailable) || strings.Contains(err.Error(), "192.0.2.1") || errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("error = %v", err)
				}
			})
		})
	}
}

// TestAllTheTime: a second try starts beside the first and does not end it.
func TestAllTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := roundTrip(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(9 * time.Second):
				return answer(200, "", "")(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		if _, tries, err := ask(t, slow, true); err != nil || tries != 1 {
			t.Errorf("once: %d tries, %v", tries, err)
		}
		if _, tries, err := ask(t, slow, false); err != nil || tries != 2 {
			t.Errorf("not once: %d tries, %v; want the answer to the first of two", tries, err)
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var got []*http.Request
	cfg := rest.Config{Base: "https://api.example/v1/", Header: http.Header{"Tier": {"A1b"}}, Timeout: time.Second, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		got = append(got, r)
		return answer(200, "", "")(r)
	})}
	c := rest.NewClient(cfg)
	for _, r := range []rest.Request{
		{Method: "POST", Path: "/a", Authorization: "Bearer 1", Body: []byte(`{}`)},
		{Method: "GET", Path: "/b"},
	} {
		if _, err := c.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if got[0].URL.String() != "https://api.example/v1/a" || got[0].Header.Get("Authorization") != "Bearer 1" || got[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", got[0].URL, got[0].Header)
	}
	for _, absent := range []string{"Authorization", "Content-Type"} {
		if got[1].Header.Get(absent) != "" {
			t.Errorf("one request's %s reaches the next", absent)
		}
	}
	if got[1].Header.Get("Tier") != "A1b" || got[1].Header.Get("Accept") != "application/json" || len(cfg.Header) != 1 {
		t.Errorf("%v, and the configured %v", got[1].Header, cfg.Header)
	}
}

// TestOwnTransport: what a program does to http.DefaultTransport does not reach
// the credentials. It changes that for all, and so does not run in parallel.
func TestOwnTransport(t *testing.T) {
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	others := http.DefaultTransport
	defer func() { http.DefaultTransport = others }()
	http.DefaultTransport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("somebody else's") })
	a, err := rest.NewClient(rest.Config{Base: api.URL, Timeout: 10 * time.Second}).Do(t.Context(), rest.Request{Method: "GET", Path: "/", Once: true})
	if err != nil || a.Status != http.StatusNotFound {
		t.Errorf("Do = %v, %v", a, err)
	}
}

func TestNoURL(t *testing.T) {
	t.Parallel()
	_, err := rest.NewClient(rest.Config{Base: "https://api.example", Timeout: time.Second}).Do(t.Context(), rest.Request{Method: "GET", Path: "/\x00"})
	if !errors.Is(err, certify.CodeProviderInvalid) {
		t.Errorf("error = %v", err)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, contentType, body string
		ok                      bool
	}{
		{"object", "application/json", `{"a":1}`, true},
		{"charset and case", "Application/JSON; charset=utf-8", `{"a":1}`, true},
		{"1 MiB", "application/json", `{}` + strings.Repeat(" ", 1<<20-2), true},
		{"more", "application/json", `{}` + strings.Repeat(" ", 1<<20-1), false},
		{"another label", "text/plain", `{}`, false},
		{"no label", "", `{}`, false},
		{"malformed label", "application/json; =", `{}`, false},
		{"not UTF-8", "application/json", "{\"a\":\"\xff\"}", false},
		{"truncated", "application/json", `{"a":`, false},
		{"two values", "application/json", `{}{}`, false},
		{"nothing", "application/json", ``, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, _, err := ask(t, answer(200, tt.contentType, tt.body), false)
			if err != nil {
				t.Fatal(err)
			}
			data, err := a.JSON()
			if tt.ok && (err != nil || string(data) != tt.body) || !tt.ok && !errors.Is(err, certify.CodeProviderInvalid) {
				t.Errorf("JSON = %d bytes, %v", len(data), err)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]certify.Code{
		100: certify.CodeProviderInvalid, 199: certify.CodeProviderInvalid, 300: certify.CodeProviderInvalid, 302: certify.CodeProviderInvalid, 400: certify.CodeProviderInvalid, 409: certify.CodeProviderInvalid,
		408: certify.CodeProviderUnavailable, 429: certify.CodeProviderUnavailable, 500: certify.CodeProviderUnavailable, 599: certify.CodeProviderUnavailable,
	} {
		a, _, err := ask(t, answer(status, "", ""), true)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Refusal(); got.Code != want || !strings.HasPrefix(got.Detail, "record: HTTP ") || a.OK() {
			t.Errorf("%d: %v", status, got)
		} else if strings.Contains(got.Detail, "redirects are not followed") != (status >= 300 && status < 400) {
			t.Errorf("%d: %s", status, got.Detail)
		}
	}
	for _, status := range []int{200, 299} {
		if a, _, err := ask(t, answer(status, "", ""), true); err != nil || !a.OK() {
			t.Errorf("%d is a success", status)
		}
	}
}

// TestDecodeQuotesNothing: encoding/json's errors hold parts of the content.
func TestDecodeQuotesNothing(t *testing.T) {
	t.Parallel()
	var v struct {
		Born string `json:"born"`
	}
	for body, want := range map[string]string{
		`{"born":19750302}`: "certify: provider_invalid: record: born has another type than documented",
		`["1975"]`:          "certify: provider_invalid: record: not a JSON object",
		`{"1975`:            "certify: provider_invalid: record: not a JSON object",
		``:                  "certify: provider_invalid: record: not a JSON object",
	} {
		if err := rest.Decode([]byte(body), &v); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	if err := rest.Decode([]byte(`{"born":"1975-03-02","new":[]}`), &v); err != nil || v.Born != "1975-03-02" {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", " \t": "", "null": "", " undefined ": "", "MC0=": "MC0=", " MC0= ": "MC0=", "nullable": "nullable", "0": "0"} {
		if got := rest.Given(in); got != want {
			t.Errorf("Given(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"01000000000": "01000000000", "": "", "010-0": "", "０１０": "", "+82": "", strings.Repeat("1", 21): ""} {
		if got := rest.Phone(in); got != want {
			t.Errorf("Phone(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]bool{"1234": true, "12345": true, "123456": true, "123": false, "1234567": false, "12 45": false, "1234/": false, "1234:": false} {
		if rest.IsDigits(in, 4, 6) != want {
			t.Errorf("IsDigits(%q) = %t", in, !want)
		}
	}
	for in, want := range map[string]bool{"a": true, "!~": true, "": false, "a b": false, "a\n": false, "\x7f": false, "é": false, strings.Repeat("a", 512): true, strings.Repeat("a", 513): false} {
		if rest.IsToken(in) != want {
			t.Errorf("IsToken(%.9q) = %t", in, !want)
		}
	}
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		at   time.Time
		want bool
	}{
		{now, true}, {now.Add(24 * time.Hour), true}, {now.Add(24*time.Hour + 1), false}, {time.Unix(now.Unix()*1000, 0), false},
		{time.Unix(946684800, 0), true}, {time.Unix(946684799, 999), false}, {time.Time{}, false}, {time.Unix(-1<<62, 0), false},
	} {
		if rest.IsVerificationTime(tt.at, now) != tt.want {
			t.Errorf("IsVerificationTime(%v) = %t", tt.at, !tt.want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"https://api.example": true, "https://api.example/v1/": true, "http://localhost:1": true, "http://127.9.9.9": true, "http://[::1]:1/": true,
		"": false, "api.example": false, "/v1": false, "https://": false, "https://:443": false, "http://api.example": false, "http://10.0.0.1": false,
		"http://localhost.example": false, "ftp://localhost": false, "https://u@api.example": false, "https://api.example?": false, "https://api.example?a": false,
		"https://api.example/#": false, "https://api.example/\x7f": false,
	} {
		err := rest.CheckURL(in)
		if (err == nil) != want {
			t.Errorf("CheckURL(%q) = %v", in, err)
		}
	}
}
