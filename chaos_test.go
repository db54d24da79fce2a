package certify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

// TestChaos plays random scripts of visits against a provider, a store and a
// clock that misbehave, and holds each answer against a model: nobody has a
// claim without a certified record that names an attempt of this browser and
// account, and nobody who verified and came back in time is left without one.
func TestChaos(t *testing.T) {
	scripts := 1000
	if testing.Short() {
		scripts = 50
	}
	before := heapInUse()
	for seed := range scripts {
		synctest.Test(t, func(t *testing.T) { // ends only when every goroutine in it has
			s := newScript(t, uint64(seed))
			for range 40 {
				s.step()
			}
			s.settle()
		})
		if t.Failed() {
			t.Fatalf("script %d", seed)
		}
	}
	if after := heapInUse(); after > before+32<<20 {
		t.Errorf("%d MiB in use before, %d after", before>>20, after>>20)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A script is one random play.
type script struct {
	t        *testing.T
	rand     *rand.Rand
	handler  http.Handler
	provider *fakeProvider
	store    *failingStore
	visitors []*visitor
	records  []*record
}

// A visitor is a browser in which somebody is signed in, or nobody.
type visitor struct {
	client  *http.Client
	account string
	tabs    []tab
	claim   string // the token held
}

type tab struct {
	id, account string
	begun       time.Time
	used        string // the verification redeemed under it
	ended       bool   // by logout, or by a newer claim
}

type record struct {
	id, attempt string
	verified    time.Time
	certified   bool
}

// direct sends requests to a handler without a network, which a bubble of
// synctest could not wait for.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host = r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	d.ServeHTTP(w, in)
	res := w.Result()
	res.Request = r
	return res, nil
}

const chaosOrigin = "http://127.0.0.1:8080"

func newScript(t *testing.T, seed uint64) *script {
	s := &script{t: t, rand: rand.New(rand.NewPCG(seed, 7)), provider: &fakeProvider{now: time.Now}}
	s.store = &failingStore{Store: certify.NewMemoryStore(0, nil)}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: chaosOrigin, Keys: testKeys(t), Store: s.store, Logger: slog.New(slog.DiscardHandler),
		Account: func(r *http.Request) (string, error) { return r.Header.Get("X-Test-Account"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: s.provider, Pepper: testPepper})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", handler)
	mux.Handle("/certifications/", handler)
	mux.Handle("/cellar", certify.Require(certify.MinAge(9))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "wine") }))) // a bubble begins in 2000
	s.handler = sessions.Load(mux)
	for i := range 2 {
		jar, _ := cookiejar.New(nil)
		s.visitors = append(s.visitors, &visitor{account: fmt.Sprint("member-", i), client: &http.Client{
			Jar: jar, Transport: direct{s.handler},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	}
	return s
}

// visit makes a request and refuses what no answer may be.
func (s *script) visit(v *visitor, method, path, body string) (status int, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, chaosOrigin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Test-Account", v.account)
	res, err := v.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	raw, _ := io.ReadAll(res.Body)
	text = string(raw)
	if res.StatusCode == 500 || res.StatusCode >= 400 && !strings.Contains(text, `"code":"`) {
		s.t.Errorf("%s %s: status %d: %s", method, path, res.StatusCode, text)
	}
	for _, secret := range []string{"홍길동", secretPhone, secretCI, secretDI} {
		if strings.Contains(text, secret) {
			s.t.Errorf("%s %s: personal data in the answer", method, path)
		}
	}
	return res.StatusCode, text
}

func (v *visitor) token() string {
	u, _ := url.Parse(chaosOrigin)
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == "certify" {
			return c.Value
		}
	}
	return ""
}

// step does one random thing.
func (s *script) step() {
	v := s.visitors[s.rand.IntN(len(s.visitors))]
	switch s.rand.IntN(12) {
	case 0, 1:
		s.begin(v)
	case 2, 3, 4:
		s.verify()
	case 5, 6, 7, 8:
		if len(s.records) > 0 {
			s.callback(v, s.records[s.rand.IntN(len(s.records))])
		}
	case 9:
		s.misbehave()
	case 10:
		time.Sleep(time.Duration(s.rand.IntN(int(20 * time.Minute))))
	case 11:
		if s.rand.IntN(3) > 0 {
			v.account = fmt.Sprint("member-", s.rand.IntN(2))
			return
		}
		s.logout(v)
	}
}

func (s *script) begin(v *visitor) {
	status, text := s.visit(v, "POST", "/certifications/attempts", `{"return_to":"/cellar"}`)
	if status == http.StatusServiceUnavailable { // the Store's fault, before any fee
		return
	}
	if status != http.StatusCreated {
		s.t.Fatalf("begin: status %d: %s", status, text)
	}
	_, rest, _ := strings.Cut(text, `"merchant_uid":"`)
	v.tabs = append(v.tabs, tab{id: rest[:32], account: v.account, begun: time.Now()})
	if len(v.tabs) > 8 {
		v.tabs = v.tabs[1:]
	}
}

// verify makes a record at the provider: certified or abandoned, for an
// attempt of anybody's or for none.
func (s *script) verify() {
	attempt := "mid_1642391207671"
	if v := s.visitors[s.rand.IntN(2)]; len(v.tabs) > 0 && s.rand.IntN(8) > 0 {
		attempt = v.tabs[s.rand.IntN(len(v.tabs))].id
	}
	r := &record{id: fmt.Sprintf("imp_%012d", len(s.records)), attempt: attempt, verified: time.Now(), certified: s.rand.IntN(4) > 0}
	s.provider.verify(r.id, attempt)
	s.records = append(s.records, r)
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	fault := s.provider.fail
	s.provider.fail = func(id string) error {
		if id == r.id && !r.certified {
			return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
		}
		if fault != nil {
			return fault(id)
		}
		return nil
	}
}

// lookupFaults are how a lookup may fail although the record is good.
var lookupFaults = []error{
	&certify.ProviderError{Code: certify.CodeProviderUnavailable, Detail: "timeout", Err: context.DeadlineExceeded},
	&certify.ProviderError{Code: certify.CodeProviderInvalid, Detail: "HTML"},
	&certify.ProviderError{Code: certify.CodeProviderMisconfigured, Detail: "401"},
	&certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not yet"},
	&certify.ProviderError{Code: certify.CodeVerificationRefused, Detail: "404 for now"},
}

// misbehave lets the provider or the store fail for a while.
func (s *script) misbehave() {
	if s.rand.IntN(3) == 0 {
		s.store.set(errors.New("connection reset"))
		return
	}
	until := time.Now().Add(time.Duration(s.rand.IntN(int(10 * time.Minute))))
	err := lookupFaults[s.rand.IntN(len(lookupFaults))]
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	fault := s.provider.fail
	s.provider.fail = func(id string) error {
		if time.Now().Before(until) {
			return err
		}
		if fault != nil {
			return fault(id)
		}
		return nil
	}
}

func (s *script) callback(v *visitor, r *record) (status int) {
	method, path, body := "POST", "/certifications", `{"imp_uid":"`+r.id+`"}`
	if s.rand.IntN(2) == 0 {
		method, path, body = "GET", "/certifications/redirect?imp_uid="+r.id, ""
	}
	status, text := s.visit(v, method, path, body)
	if token := v.token(); token != "" && token != v.claim {
		s.judge(v, r)
		v.claim = token
	}
	if strings.Contains(text, `"store_unavailable"`) && s.rand.IntN(2) == 0 {
		s.store.set(nil)
	}
	return status
}

// judge holds a claim that was just issued against the model.
func (s *script) judge(v *visitor, r *record) {
	mine := v.tab(r.attempt)
	switch {
	case mine == nil:
		s.t.Errorf("a claim for a record that names no attempt of this browser")
	case !r.certified:
		s.t.Errorf("a claim for a record that is not certified")
	case mine.account != v.account:
		s.t.Errorf("a claim for an attempt that another account began")
	case mine.ended:
		s.t.Errorf("a claim that had been ended came back")
	case mine.used != "" && mine.used != r.id:
		s.t.Errorf("a second verification under one attempt")
	case r.verified.Sub(mine.begun) > 30*time.Minute || time.Since(r.verified) > time.Hour:
		s.t.Errorf("a claim out of time")
	default:
		for i := range v.tabs {
			if v.tabs[i].used != "" && v.tabs[i].id != mine.id {
				v.tabs[i].ended = true // replaced
			}
		}
		mine.used = r.id
	}
}

func (v *visitor) tab(id string) *tab {
	for i := range v.tabs {
		if v.tabs[i].id == id {
			return &v.tabs[i]
		}
	}
	return nil
}

func (s *script) logout(v *visitor) {
	status, text := s.visit(v, "POST", "/certifications/logout", "")
	if status == http.StatusServiceUnavailable {
		return
	}
	if status != http.StatusNoContent || v.token() != "" {
		s.t.Errorf("logout: status %d: %s", status, text)
	}
	v.claim, v.tabs = "", nil
}

// settle ends all faults: now everybody who verified in time and did not lose
// the attempt gets a claim that opens the gate.
func (s *script) settle() {
	s.store.set(nil)
	time.Sleep(11 * time.Minute)
	for _, v := range s.visitors {
		for _, r := range s.records {
			mine := v.tab(r.attempt)
			if mine == nil || !r.certified || mine.ended || mine.used != "" && mine.used != r.id ||
				r.verified.Sub(mine.begun) > 30*time.Minute || time.Since(r.verified) > time.Hour {
				continue
			}
			v.account = mine.account
			if status := s.callback(v, r); status != http.StatusOK && status != http.StatusSeeOther {
				s.t.Errorf("a verification was lost: status %d", status)
			}
			if status, text := s.visit(v, "GET", "/cellar", ""); status != http.StatusOK {
				s.t.Errorf("the gate: status %d: %s", status, text)
			}
		}
	}
}
