package certifytest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/sandbox"
)

// newApp is the app under test. It takes what it needs from outside, the
// Sessions among it.
func newApp(sessions *certify.Sessions) http.Handler {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /wine/", certify.Require(certify.YouthProtection())(page))
	mux.Handle("POST /pay", certify.Require(certify.All(certify.YouthProtection(), certify.FreshWithin(10*time.Minute)))(page))
	return sessions.Load(mux)
}

// TestPay is in docs/testing.md.
func TestPay(t *testing.T) {
	justNow, tooLate := certifytest.Foreigner(), certifytest.Foreigner()
	tooLate.VerifiedAgo = 11 * time.Minute
	for name, tc := range map[string]struct {
		person certifytest.Person
		status int
	}{
		"an adult":                             {certifytest.Adult(), http.StatusOK},
		"a minor":                              {certifytest.Minor(), http.StatusForbidden},
		"19 this year":                         {certifytest.Person{Born: "2007-12-31"}, http.StatusOK},
		"a foreigner":                          {justNow, http.StatusOK},
		"a foreigner, verified 11 minutes ago": {tooLate, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			clock := certifytest.NewClock(time.Date(2026, 8, 10, 12, 0, 0, 0, time.UTC))
			sessions := certifytest.NewSessions(t, certify.SessionConfig{Now: clock.Now})
			r := httptest.NewRequest("POST", "/pay", nil)
			r.AddCookie(certifytest.Cookie(t, sessions, tc.person))
			w := httptest.NewRecorder()
			newApp(sessions).ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
		})
	}
}

// TestRoutes is in docs/testing.md.
func TestRoutes(t *testing.T) {
	sessions := certifytest.NewSessions(t, certify.SessionConfig{})
	certifytest.Gated(t, newApp(sessions), certifytest.Cookie(t, sessions, certifytest.Adult()),
		"GET /wine/", "GET /wine/red", "POST /pay")
}

// A request of an adult, in a line. For a site that reads bearer tokens the
// cookie's Value is one.
func ExampleCookie() {
	_ = func(t *testing.T) { // a test of the app's
		sessions := certifytest.NewSessions(t, certify.SessionConfig{Bearer: true})
		app := newApp(sessions)

		r := httptest.NewRequest("GET", "/wine/", nil)
		r.AddCookie(certifytest.Cookie(t, sessions, certifytest.Adult()))
		app.ServeHTTP(httptest.NewRecorder(), r)

		r = httptest.NewRequest("GET", "/wine/", nil)
		r.Header.Set("Authorization", "Bearer "+certifytest.Cookie(t, sessions, certifytest.Minor()).Value)
		app.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// The app's own login is added to every request, so that a refusal is certify's.
func ExampleGated() {
	_ = func(t *testing.T) {
		sessions := certifytest.NewSessions(t, certify.SessionConfig{
			Account: func(r *http.Request) (string, error) { return r.Header.Get("X-Demo-Login"), nil }, // the app's own login
		})
		app := newApp(sessions)
		member := certifytest.Adult()
		member.Account = "mira"
		signedIn := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Demo-Login", "mira")
			app.ServeHTTP(w, r)
		})
		certifytest.Gated(t, signedIn, certifytest.Cookie(t, sessions, member), "GET /wine/", "POST /pay")
	}
}

// The whole way, with the provider's service played by the sandbox.
func ExampleNewSandbox() {
	_ = func(t *testing.T) {
		sb := certifytest.NewSandbox(t, nil)
		handler, err := certify.NewHandler(certify.HandlerConfig{
			Sessions: certifytest.NewSessions(t, certify.SessionConfig{}),
			Provider: sb.IAMPort, // or sb.PortOne
			Pepper:   make([]byte, 32),
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = handler // serve it; POST /certifications/attempts names an attempt, and then
		done, err := sb.Verify(sandbox.Verification{MerchantUID: "the attempt's id", Person: sandbox.Minor})
		if err != nil {
			t.Fatal(err)
		}
		_ = done.ImpUID // goes to POST /certifications
	}
}
