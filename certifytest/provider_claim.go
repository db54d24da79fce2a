package certifytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

const shopOrigin = "https://shop.example"

// A shop is a site with the provider behind its Handler, and no network.
type shop struct {
	*providerTest
	t        *testing.T
	sessions *certify.Sessions
	handler  *certify.Handler
	pepper   []byte
}

func newShop(t *testing.T, s *providerTest) *shop {
	t.Helper()
	keys, err := certify.ParseKeys("hs256-secret:" + strings.Repeat("A", 43))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{Origin: shopOrigin, Keys: keys, Now: s.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	pepper := []byte(strings.Repeat("pepper", 6))
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: s.p, Pepper: pepper})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{s, t, sessions, handler, pepper}
}

func (s *shop) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

// pass verifies from the attempt to the claim, as a page or as a phone that is
// sent back.
func (s *shop) pass(phone bool) *certify.Claim {
	s.t.Helper()
	begin := httptest.NewRequest(http.MethodPost, shopOrigin+"/certifications/attempts", strings.NewReader("{}"))
	begin.Header.Set("Content-Type", "application/json")
	begun := s.serve(begin)
	if begun.StatusCode != http.StatusCreated || len(begun.Cookies()) != 1 {
		s.t.Fatalf("no attempt can be begun: HTTP %d", begun.StatusCode)
	}
	ticket := begun.Cookies()[0]
	with := func(method, path, body string) *http.Request {
		r := httptest.NewRequest(method, shopOrigin+"/certifications"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(ticket)
		return r
	}
	_, id, _ := strings.Cut(ticket.Name, "-attempt-")
	a, err := s.handler.Attempt(with(http.MethodGet, "/", ""), id)
	if err != nil {
		s.t.Fatal(err)
	}
	values, _ := s.verify(s.t, a, EndVerified)
	back := with(http.MethodPost, "/confirm", values.Encode())
	status := http.StatusOK
	if phone {
		back, status = with(http.MethodGet, "/redirect?"+values.Encode(), ""), http.StatusSeeOther
	}
	return s.claim(s.serve(back), status)
}

func (s *shop) claim(res *http.Response, status int) *certify.Claim {
	s.t.Helper()
	if res.StatusCode != status {
		var problem struct{ Code string }
		_ = json.NewDecoder(res.Body).Decode(&problem)
		s.t.Fatalf("the callback is answered with HTTP %d %s, not %d", res.StatusCode, problem.Code, status)
	}
	for _, c := range res.Cookies() {
		if claim, err := s.sessions.Read(s.t.Context(), c.Value); err == nil {
			return claim
		}
	}
	s.t.Fatal("the callback brought no claim")
	return nil
}

func testProviderClaim(t *testing.T, pt *providerTest) {
	s := newShop(t, pt)
	who := s.Person
	nationality := who.Nationality
	if who.NationalitySelfAsserted {
		nationality = certify.NationalityUnknown
	}
	mac := hmac.New(sha256.New, s.pepper)
	mac.Write([]byte("di\x00" + who.DI))
	hash := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	if who.DI == "" {
		hash = ""
	}
	year, _, _ := who.BirthDate.Date()
	seen := make(map[string]bool)
	for _, phone := range []bool{false, true, false} {
		c := s.pass(phone)
		if c.DIHash != hash {
			t.Error("the claim's di_hash is not that of the person's DI")
		}
		if c.Age != who.BirthDate.AgeOn(s.Now()) || c.BirthYear != year || c.Nationality != nationality {
			t.Error("the claim's age, birth_year or foreigner is not the person's")
		}
		if seen[c.ID] || seen[c.Txn] {
			t.Error("two attempts brought the same jti or txn")
		}
		seen[c.ID], seen[c.Txn] = true, true
	}
}
