package forwardauth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

var noon = time.Date(2026, 8, 10, 12, 0, 0, 0, time.FixedZone("KST", 9*3600))

// A failingStore fails while it has an error.
type failingStore struct {
	certify.Store
	mu  sync.Mutex
	err error
}

func (s *failingStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *failingStore) Get(ctx context.Context, key string) (string, bool, error) {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return "", false, err
	}
	return s.Store.Get(ctx, key)
}

// A visitor is a browser without scripts. It follows no redirect by itself.
type visitor struct {
	*front
	client *http.Client
}

func (f *front) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return &visitor{f, &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

func (a answer) json() (doc map[string]any) {
	_ = json.Unmarshal([]byte(a.body), &doc)
	return doc
}

func (v *visitor) do(method, path, body string, header ...string) answer {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, string(text)}
}

// open goes to a page; fetch is a script's request.
func (v *visitor) open(path string, header ...string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", append(header, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site", "Accept", "text/html")...)
}

func (v *visitor) fetch(method, path, body string, header ...string) answer {
	v.t.Helper()
	return v.do(method, path, body, append(header, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Accept", "application/json")...)
}

// verify goes the whole way as one of the sandbox's people, through the front
// server, and returns where the visitor is sent back to.
func (v *visitor) verify(person, returnTo string) string {
	v.t.Helper()
	body, _ := json.Marshal(map[string]string{"return_to": returnTo})
	begun := v.fetch(http.MethodPost, "/certifications/attempts", string(body), "Content-Type", "application/json")
	id, _ := begun.json()["merchant_uid"].(string)
	done, err := v.sandbox.Verify(sandbox.Verification{MerchantUID: id, Person: person})
	if err != nil {
		v.t.Fatalf("status %d: %v", begun.StatusCode, err)
	}
	a := v.fetch(http.MethodPost, "/certifications", `{"imp_uid":"`+done.ImpUID+`"}`, "Content-Type", "application/json")
	back, _ := a.json()["return_to"].(string)
	if a.StatusCode != http.StatusOK || back != returnTo {
		v.t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	return back
}

// keep puts a cookie into the browser.
func (v *visitor) keep(name, value string) {
	u, _ := url.Parse(v.url)
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func want(t *testing.T, what string, a answer, status int, parts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: status %d, want %d: %.300s", what, a.StatusCode, status, a.body)
	}
	for _, part := range parts {
		if !strings.Contains(a.body+"\n"+a.Header.Get("Location"), part) {
			t.Errorf("%s: %q is not in the answer: %.300s", what, part, a.body)
		}
	}
	if status != http.StatusOK && (strings.Contains(a.body, wineList) || strings.Contains(a.body, "paid")) {
		t.Errorf("%s: what is gated got out", what)
	}
}
