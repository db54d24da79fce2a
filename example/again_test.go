package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
)

// A browser may show a file that did not change for long from its cache, and
// for days. A gated one it does not without asking the gate.
func TestBrowserAsksTheGateAgain(t *testing.T) {
	t.Parallel()
	var sessions *certify.Sessions
	var cookie *http.Cookie
	s := newStall(t, func(cfg shopConfig) http.Handler {
		var err error
		if sessions, err = certify.NewSessions(certify.SessionConfig{Origin: cfg.origin, Keys: cfg.keys, Logger: cfg.logger, StartURL: "/start/"}); err != nil {
			t.Fatal(err)
		}
		cookie = certifytest.Cookie(t, sessions, certifytest.Adult())
		mux := http.NewServeMux()
		mux.Handle("GET /list.html", certify.Require(certify.YouthProtection())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "list.html", time.Now().Add(-100*24*time.Hour), strings.NewReader("<!doctype html><title>list</title>wines"))
		})))
		mux.HandleFunc("GET /enter", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, cookie)
			http.Redirect(w, r, "/list.html", http.StatusSeeOther)
		})
		mux.HandleFunc("GET /start/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(`<!doctype html><title>start</title><a id="list" href="/list.html">verify</a>`))
		})
		mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		return sessions.Load(mux)
	})
	s.hide(cookie.Value)
	b := s.browse(t, desk)
	b.open("/enter")
	b.at("/list.html", "wines")
	b.open("/start/")
	b.click("#list")
	b.at("/list.html", "wines")
	claim, err := sessions.Read(t.Context(), cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	if err := sessions.Revoke(t.Context(), claim.ID, claim.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	b.open("/start/")
	b.click("#list")
	b.until(`location.search.includes("reason=claim_revoked")`)
}
