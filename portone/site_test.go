package portone_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

// A site is an app with a Handler, and one visitor's browser.
type site struct {
	sandboxAt
	url     string
	browser *http.Client
	log     *logbook
}

// A logbook is what the site tells its operator.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newSite(t *testing.T) site {
	t.Helper()
	return newSiteWith(t, func(*portone.Config) {})
}

func newSiteWith(t *testing.T, change func(*portone.Config)) site {
	t.Helper()
	s := newSandboxAt(t, time.Now())
	change(&s.cfg)
	said := &logbook{}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	key, err := certify.GenerateKey("HS256")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := certify.ParseKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: web.URL, Keys: keys, Logger: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	pepper, err := certify.ParsePepper(certify.GeneratePepper())
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: newProvider(t, s.cfg), Pepper: pepper})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/certifications/", handler)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return site{s, web.URL + "/certifications", &http.Client{Jar: jar}, said}
}

func (s site) post(path, body string) (int, map[string]any) {
	s.t.Helper()
	resp, err := s.browser.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (s site) begin() string {
	s.t.Helper()
	_, answer := s.post("/attempts", "{}")
	id, _ := answer["identityVerificationId"].(string)
	if len(id) != 32 {
		s.t.Fatalf("the attempt has the id %q", id)
	}
	return id
}

// TestHandler runs the whole: attempt, window, callback, claim.
func TestHandler(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.begin()
	callback := `{"transactionType":"IDENTITY_VERIFICATION","identityVerificationId":"` + id + `","identityVerificationTxId":"x"}`
	if status, problem := s.post("/confirm", callback); status == http.StatusOK || problem["code"] != string(certify.CodeVerificationPending) {
		t.Errorf("before the window opened: %d %v", status, problem["code"])
	}
	if _, err := s.server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult, Fail: true}); err != nil {
		t.Fatal(err)
	}
	if _, problem := s.post("/confirm", `{"identityVerificationId":"`+id+`","code":"x"}`); problem["code"] != string(certify.CodeVerificationCancelled) {
		t.Errorf("after a failure: %v", problem["code"])
	}
	if _, err := s.server.VerifyIdentity(sandbox.IdentityVerification{ID: id, Person: sandbox.Adult}); err != nil {
		t.Fatal(err)
	}
	thief := newSite(t)
	thief.url = s.url
	thief.begin()
	if status, problem := thief.post("/confirm", callback); status != http.StatusForbidden || problem["code"] != string(certify.CodeAttemptMissing) {
		t.Errorf("another browser: %d %v", status, problem["code"])
	}
	status, answer := s.post("/confirm", callback)
	claim, _ := answer["claim"].(map[string]any)
	if status != http.StatusOK || claim["birth_year"] != 1990.0 {
		t.Errorf("the callback: %d", status)
	}
}

// TestHandlerWithOwnForm follows the package documentation's four steps.
func TestHandlerWithOwnForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, ctx, r := newProvider(t, s.cfg), t.Context(), s.sendRequest(sandbox.Adult)
	id := s.begin()
	if err := p.Send(ctx, id, r); err != nil {
		t.Fatal(err)
	}
	if err := p.Confirm(ctx, id, s.server.SentCode(r.PhoneNumber)); err != nil {
		t.Fatal(err)
	}
	callback := `{"identityVerificationId":"` + id + `"}`
	thief := newSite(t)
	thief.url = s.url
	thief.begin()
	if status, _ := thief.post("/confirm", callback); status != http.StatusForbidden {
		t.Errorf("another browser: %d", status)
	}
	if status, answer := s.post("/confirm", callback); status != http.StatusOK || answer["claim"] == nil {
		t.Errorf("the callback: %d", status)
	}
}
