package portone_test

import (
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
	"github.com/certify-go/certify/portone"
)

//go:embed testdata/*.json
var testdata embed.FS

const (
	testSecret = "s3cret-of-the-shop"
	testStore  = "store-0001"
	danalID    = "b0000000000000000000000000000001" // of testdata/danal.json
)

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testNow is after every fixture's verifiedAt.
func testNow() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) }

// A sent request, as the vendor sees it.
type sent struct {
	method, uri string
	header      http.Header
	body        string
}

type answerer func(*http.Request) (*http.Response, error)

// vendor stands in for the network. It answers with the function in its
// field, and remembers what it was asked.
type vendor struct {
	answer answerer

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
	return v.answer(r)
}

func (v *vendor) sent() []sent {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]sent(nil), v.got...)
}

func answer(status int, contentType, body string) answerer {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {contentType}},
			Body:   io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}

func jsonAnswer(status int, body string) answerer {
	return answer(status, "application/json", body)
}

// inTurn answers with each of as once, and with the last from then on.
func inTurn(as ...answerer) answerer {
	var mu sync.Mutex
	return func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		a := as[0]
		if len(as) > 1 {
			as = as[1:]
		}
		mu.Unlock()
		return a(r)
	}
}

// hang answers when the request is given up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// slow answers with a after d, unless the request is given up first.
func slow(d time.Duration, a answerer) answerer {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return a(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// broken is a transport error whose text must not get out.
func broken(*http.Request) (*http.Response, error) {
	return nil, errors.New("dial tcp 192.0.2.1:443: " + testSecret)
}

// newVendor answers with the fixture.
func newVendor(t testing.TB, name string) *vendor {
	t.Helper()
	return &vendor{answer: jsonAnswer(200, fixture(t, name))}
}

func testConfig(v http.RoundTripper) portone.Config {
	return portone.Config{
		StoreID: testStore, Secret: testSecret,
		ChannelKeys: []string{"channel-key-live-1", "channel-key-live-2", "channel-key-live-3"},
		Transport:   v,
		Now:         testNow,
	}
}

func newProvider(t testing.TB, cfg portone.Config) *portone.Provider {
	t.Helper()
	p, err := portone.New(cfg)
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
	shown.RetryAfter = 0                                                                                            // a time, whose digits may be anything
	text := strings.ReplaceAll(fmt.Sprintf("%v %+v %#v %v %#v", err, err, shown, pe.Err, pe.Err), pe.AttemptID, "") // which is of nobody
	for _, secret := range []string{testSecret, "00000000", "시험", "사용자", "1975", "MC0GCC", "9999", "5003", "8001017", "654321", "192.0.2", "/identity-verifications"} {
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
	return strings.Replace(body, old, new, 1)
}
