package iamport_test

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
)

//go:embed testdata/*.json
var testdata embed.FS

const (
	testKey    = "1111222233334444"
	testSecret = "s3cret-of-the-shop"
	danalID    = "imp_100000000001" // of testdata/danal.json
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testNow is after every fixture's certified_at.
func testNow() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) }

// A sent request, as the vendor sees it.
type sent struct {
	method, uri string
	header      http.Header
	body        string
}

// vendor stands in for the network. It answers getToken and everything else
// with the functions in its fields, and remembers what it was asked.
type vendor struct {
	token func(r *http.Request) (*http.Response, error)
	other func(r *http.Request) (*http.Response, error)

	mu  sync.Mutex
	got []sent
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	v.mu.Lock()
	v.got = append(v.got, sent{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	v.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/users/getToken") {
		return v.token(r)
	}
	return v.other(r)
}

func (v *vendor) sent() []sent {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]sent(nil), v.got...)
}

// count returns how many requests the vendor got whose method and URI start
// with prefix: "POST /users".
func (v *vendor) count(prefix string) (n int) {
	for _, s := range v.sent() {
		if strings.HasPrefix(s.method+" "+s.uri, prefix) {
			n++
		}
	}
	return n
}

func answer(status int, contentType, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {contentType}},
			Body:   io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

func jsonAnswer(status int, body string) func(*http.Request) (*http.Response, error) {
	return answer(status, "application/json; charset=utf-8", body)
}

// inTurn answers with each of fs once, and with the last from then on.
func inTurn(fs ...func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	var mu sync.Mutex
	return func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		f := fs[0]
		if len(fs) > 1 {
			fs = fs[1:]
		}
		mu.Unlock()
		return f(r)
	}
}

// hang answers when the request is given up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// slow answers with f after d, unless the request is given up first.
func slow(d time.Duration, f func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return f(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// broken is a transport error whose text must not get out.
func broken(*http.Request) (*http.Response, error) {
	return nil, errors.New("dial tcp 192.0.2.1:443: " + testSecret)
}

// tokenFor answers getToken as a server whose clock is nowhere near ours.
func tokenFor(value string, life time.Duration) func(*http.Request) (*http.Response, error) {
	const now = 1512446940
	return jsonAnswer(200, fmt.Sprintf(`{"code":0,"message":null,"response":{"access_token":%q,"now":%d,"expired_at":%d}}`,
		value, now, now+int(life.Seconds())))
}

// newVendor answers with a token and, to everything else, with the fixture.
func newVendor(t testing.TB, name string) *vendor {
	t.Helper()
	return &vendor{token: tokenFor("tok-1", 30*time.Minute), other: jsonAnswer(200, fixture(t, name))}
}

func testConfig(v http.RoundTripper) iamport.Config {
	return iamport.Config{
		Code: "imp00000001", Key: testKey, Secret: testSecret,
		PGProviders:           []string{"danal", "inicis_unified", "kcp_v2"},
		KCPWithoutTestChannel: true,
		Transport:             v,
		Now:                   testNow,
	}
}

func newProvider(t testing.TB, cfg iamport.Config) *iamport.Provider {
	t.Helper()
	p, err := iamport.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantCode checks the kind of an error, and that nothing of it, as far as it
// can be unwrapped, says what only the vendor and the person should know.
func wantCode(t testing.TB, err error, want certify.Code) {
	t.Helper()
	var pe *certify.ProviderError
	if !errors.As(err, &pe) {
		t.Fatalf("error = %v, want a *certify.ProviderError with %q", err, want)
	}
	if pe.Code != want {
		t.Fatalf("error = %v, want code %q", err, want)
	}
	if pe.Detail == "" {
		t.Error("the error has no Detail for the operator")
	}
	shown := *pe
	shown.RetryAfter = 0 // a time, whose digits may be anything
	text := fmt.Sprintf("%v %+v %#v %v", err, err, shown, pe.Err)
	for _, secret := range []string{testKey, testSecret, "tok-1", "tok-2", "100000000001", "시험", "인증", "0100000", "1975", "162918", "MC0GCC", "/certifications/"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error's text holds %q: %s", secret, text)
		}
	}
}

// replace changes one part of a fixture, which must be there.
func replace(t testing.TB, body, old, new string) string {
	t.Helper()
	if !strings.Contains(body, old) {
		t.Fatalf("the fixture has no %s", old)
	}
	return string(bytes.Replace([]byte(body), []byte(old), []byte(new), 1))
}
