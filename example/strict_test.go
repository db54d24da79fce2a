package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// strictSite is a site for members, whose login cookie is SameSite=Strict. It
// is on localhost, which to the sandbox on 127.0.0.1 is another site.
func strictSite(t *testing.T, cfg shopConfig) http.Handler {
	t.Helper()
	account := func(r *http.Request) (string, error) {
		if c, err := r.Cookie("login"); err == nil {
			return c.Value, nil
		}
		return "", nil
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: onLocalhost(cfg.origin), Keys: cfg.keys, Logger: cfg.logger, Now: cfg.now, Account: account,
	})
	if err != nil {
		t.Fatal(err)
	}
	verification, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: cfg.provider, Pepper: cfg.pepper})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", verification)
	mux.Handle("/certifications/", verification)
	mux.Handle("GET /wine", certify.Require(certify.YouthProtection())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "보름")
	})))
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "login", Value: "member-1", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/certifications/?return_to=/wine", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return sessions.Load(mux)
}

func onLocalhost(origin string) string { return strings.Replace(origin, "127.0.0.1", "localhost", 1) }

// A phone comes back from the provider without the login, and is let in all
// the same, under the verification that was paid.
func TestBrowserStrictLoginOnAPhone(t *testing.T) {
	t.Parallel()
	s := newStall(t, func(cfg shopConfig) http.Handler { return strictSite(t, cfg) })
	s.shop = onLocalhost(s.shop)
	b := s.browse(t, phone)
	b.open("/login")
	b.click("#verify")
	b.choose(sandbox.Adult)
	b.enter(right)
	b.at("/wine", "보름")
	if !strings.Contains(s.output.String(), "attempt_other_account") {
		t.Error("the login was there at once: the test proves nothing")
	}
}
