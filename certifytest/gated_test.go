package certifytest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
)

// shop has routes with gates, with none, and with gates that are none.
func shop() http.Handler {
	mux := http.NewServeMux()
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	gate := certify.Require(certify.YouthProtection())
	mux.Handle("/wine/", gate(ok))
	mux.Handle("POST /orders/{id}/pay", gate(ok))
	mux.Handle("GET app.example/vip/{rest...}", gate(ok))
	mux.Handle("/moved/", gate(http.RedirectHandler("/wine/", http.StatusSeeOther)))
	mux.Handle("/unready", gate(http.NotFoundHandler()))
	mux.Handle("/closed", certify.Require(certify.All(certify.MinAge(19), certify.UnderAge(19)))(ok))
	mux.Handle("/free", ok)
	mux.Handle("GET /half", gate(ok))
	mux.Handle("/half", ok)
	mux.Handle("GET /paid", gate(ok))
	mux.Handle("POST /paid", http.RedirectHandler("/thanks", http.StatusSeeOther))
	mux.Handle("GET /read", gate(ok))                                          // others are 405
	mux.HandleFunc("/own-page", func(w http.ResponseWriter, r *http.Request) { // as SessionConfig.Deny may send a form to the start page
		if _, ok := certify.FromContext(r.Context()); !ok && r.Method == http.MethodPost && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
			http.Redirect(w, r, "/certifications/?reason=verification_required", http.StatusSeeOther)
			return
		}
		gate(ok).ServeHTTP(w, r)
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
			return
		}
		gate(ok).ServeHTTP(w, r)
	})
	mux.HandleFunc("/by-presence", func(w http.ResponseWriter, r *http.Request) { // as many a hand-written gate does
		if _, err := r.Cookie("__Host-certify"); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/scripts-only", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			gate(ok).ServeHTTP(w, r)
		}
	})
	return mux
}

func TestGated(t *testing.T) {
	t.Parallel()
	s := certifytest.NewSessions(t, certify.SessionConfig{})
	certifytest.Gated(t, s.Load(shop()), certifytest.Cookie(t, s, certifytest.Adult()),
		"GET /wine/", "/wine/{$}", "POST /wine/red", "  /wine/ ", "POST /orders/{id}/pay", "GET app.example/vip/{rest...}", "/moved/", "HEAD /wine/", "/unready", "/read", "/own-page")
}

// openTo are the complaints about a path without a gate.
func openTo(path string, methods ...string) (found []string) {
	for _, m := range methods {
		for _, who := range []string{"a script without a claim", "a script with a forged claim", "a navigation without a claim"} {
			found = append(found, m+" "+path+" answers 200 to "+who)
		}
	}
	return found
}

func TestGatedFindsGaps(t *testing.T) {
	t.Parallel()
	sessions := certifytest.NewSessions(t, certify.SessionConfig{})
	cookie := certifytest.Cookie(t, sessions, certifytest.Adult())
	loaded := sessions.Load(shop())
	for _, tc := range []struct {
		name  string
		h     http.Handler
		route string
		want  []string // the ends of the complaints
	}{
		{"gated", loaded, "GET /wine/", nil},
		{"no gate", loaded, "GET /free", []string{"200 to a script without a claim", "200 to a script with a forged claim", "200 to a navigation without a claim"}},
		{"a gate that looks for a cookie and not at it", loaded, "GET /by-presence", []string{"200 to a script with a forged claim"}},
		{"a gate for scripts alone", loaded, "GET /scripts-only", []string{"200 to a navigation without a claim"}},
		{"a gate for nobody", loaded, "GET /closed", []string{"403 to the person with the claim"}},
		{"no such route", loaded, "GET /typo", []string{"404 to a script without a claim", "404 to a script with a forged claim", "404 to a navigation without a claim"}},
		{"outside Load", shop(), "GET /wine/", []string{"500 to a script without a claim", "500 to a script with a forged claim", "500 to a navigation without a claim"}},
		{"a method that nobody gated", loaded, "/half", openTo("/half", "POST", "PUT", "PATCH", "DELETE")},
		{"a form that goes on to a page", loaded, "/paid", []string{
			"POST /paid answers 303 to a script without a claim", "POST /paid answers 303 to a script with a forged claim", "POST /paid answers 303 to a navigation without a claim",
		}},
		{"a form that goes on to a page, for scripts not", loaded, "POST /form", []string{"POST /form answers 303 to a navigation without a claim"}},
		{"no method has a gate", loaded, "/free", openTo("/free", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")},
		{"no route", loaded, "GET /%zz", []string{`invalid URL escape "%zz"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			found := certifytest.Complaints(tc.h, cookie, tc.route)
			if !slices.EqualFunc(found, tc.want, strings.HasSuffix) {
				t.Errorf("%q", found)
			}
		})
	}
}

// A minor's claim is no way in, and the test says so.
func TestGatedKnowsPolicies(t *testing.T) {
	t.Parallel()
	clock := certifytest.NewClock(time.Date(2026, 8, 10, 12, 0, 0, 0, time.UTC))
	s := certifytest.NewSessions(t, certify.SessionConfig{Now: clock.Now})
	found := certifytest.Complaints(s.Load(shop()), certifytest.Cookie(t, s, certifytest.Minor()), "GET /wine/")
	if len(found) != 1 || !strings.HasSuffix(found[0], "403 to the person with the claim") {
		t.Errorf("%q", found)
	}
	adult := certifytest.Cookie(t, s, certifytest.Adult())
	if found := certifytest.Complaints(s.Load(shop()), adult, "GET /wine/"); len(found) != 0 {
		t.Errorf("%q", found)
	}
	clock.Advance(certify.DefaultTTL)
	if found := certifytest.Complaints(s.Load(shop()), adult, "GET /wine/"); len(found) != 1 {
		t.Errorf("%q", found)
	}
	clock.Advance(-time.Second)
	if found := certifytest.Complaints(s.Load(shop()), adult, "GET /wine/"); len(found) != 0 {
		t.Errorf("%q", found)
	}
}
