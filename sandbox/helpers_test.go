package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/sandbox"
)

// clock stands still until told otherwise.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func at(s string) *clock {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return &clock{t: t}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

const noon = "2026-11-21T12:00:00+09:00"

func newSandbox(t testing.TB, c *clock) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request comes from this machine unless changed.
func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:50000", "127.0.0.1:8787"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type envelope struct {
	Code     *int            `json:"code"`
	Message  *string         `json:"message"`
	Response json.RawMessage `json:"response"`
}

func decode[T any](t testing.TB, r io.Reader) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(r).Decode(&v); err != nil {
		t.Fatalf("not the JSON expected: %v", err)
	}
	return v
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiredAt   int64  `json:"expired_at"`
	Now         int64  `json:"now"`
}

func token(t testing.TB, s *sandbox.Server) tokenAnswer {
	t.Helper()
	body := `{"imp_key":"` + sandbox.DefaultKey + `","imp_secret":"` + sandbox.DefaultSecret + `"}`
	w := serve(s, request("POST", "/users/getToken", body, "Content-Type", "application/json"))
	if w.Code != http.StatusOK {
		t.Fatalf("getToken: status %d", w.Code)
	}
	e := decode[envelope](t, w.Body)
	return decode[tokenAnswer](t, strings.NewReader(string(e.Response)))
}

func verify(t testing.TB, s *sandbox.Server, v sandbox.Verification) sandbox.Result {
	t.Helper()
	if v.MerchantUID == "" {
		v.MerchantUID = "attempt"
	}
	result, err := s.Verify(v)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// lookup reads a record over REST.
func lookup(t testing.TB, s *sandbox.Server, impUID string) map[string]any {
	t.Helper()
	w := serve(s, request("GET", "/certifications/"+impUID, "", "Authorization", "Bearer "+token(t, s).AccessToken))
	if w.Code != http.StatusOK {
		t.Fatalf("GET certification: status %d", w.Code)
	}
	e := decode[envelope](t, w.Body)
	if e.Code == nil || *e.Code != 0 || e.Message != nil {
		t.Fatal("a successful envelope has code 0 and message null")
	}
	return decode[map[string]any](t, strings.NewReader(string(e.Response)))
}
