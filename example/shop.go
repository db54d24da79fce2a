package main

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
	"github.com/certify-go/certify/sandbox"
)

// checkoutMaxAge is how old the verification of somebody who orders may be.
const checkoutMaxAge = 5 * time.Minute

// shopConfig is what differs between the real service and the sandbox.
type shopConfig struct {
	origin     string
	keys       *certify.Keys
	pepper     []byte
	provider   certify.Provider
	others     []certify.Provider // that finish what they began
	members    *members
	store      certify.Store   // nil for one in memory
	sandbox    *sandbox.Server // nil with the real service
	sandboxURL string
	logger     *slog.Logger
	now        func() time.Time
}

// A shop is the pages around what certify does.
type shop struct {
	origin     string
	members    *members
	sandboxURL string // "" with the real service
	logger     *slog.Logger
	now        func() time.Time
	pages      map[string]*template.Template

	endVerification func(http.ResponseWriter, *http.Request) error // certify's own logout
}

// newShop is where certify is wired in: Sessions, a Handler, and a Require
// around each gated page.
//
// Verifying and signing up are two things here. Whoever verifies to see the
// cellar stays anonymous: they get a claim about their age, and the shop keeps
// nothing. Signing up is a purpose of its own: it makes the account and issues
// no claim. So the members' file knows no ages, and a claim no member. A site
// whose gated pages are for members only would do it otherwise: no purpose, an
// Accept that always names the account, and SessionConfig.Account to bind
// every claim to it.
func newShop(cfg shopConfig) (http.Handler, error) {
	refusals, err := template.ParseFS(pageFiles, "pages/problem.html", "pages/art.html")
	if err != nil {
		return nil, err
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: cfg.origin, Keys: cfg.keys, Store: cfg.store, Logger: cfg.logger, Now: cfg.now, Pages: refusals,
	})
	if err != nil {
		return nil, err
	}
	if store, ok := cfg.store.(*redisstore.Store); ok {
		// Who signed out before Redis lost its data would be admitted again.
		store.HandleDataLoss(func(ctx context.Context, _ redisstore.DataLoss) error { return sessions.RevokeAll(ctx) })
	}
	s := &shop{origin: cfg.origin, members: cfg.members, sandboxURL: cfg.sandboxURL, logger: cfg.logger, now: cfg.now}
	if s.pages, err = loadPages(); err != nil {
		return nil, err
	}
	verification, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: sessions, Provider: cfg.provider, OtherProviders: cfg.others, Pepper: cfg.pepper,
		Purposes: []string{signUp}, Accept: s.accept, SignIn: s.signIn, HelpURL: "/help",
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/certifications", verification)
	mux.Handle("/certifications/", verification)
	if cfg.sandbox != nil {
		mux.Handle("/sandbox", cfg.sandbox)
		mux.Handle("/sandbox/", cfg.sandbox)
	}
	s.endVerification = verification.Logout
	s.openPages(mux)
	s.gatedPages(mux)
	return s.front(sessions.Load(mux)), nil
}

// openPages show nothing that is not for everybody: no wine, not even a
// picture of one (Youth Protection Act, art. 14).
func (s *shop) openPages(mux *http.ServeMux) {
	sameOrigin := http.NewCrossOriginProtection()
	mux.Handle("GET /{$}", s.page("shelf", func(*http.Request) (any, error) { return goods(), nil }))
	mux.Handle("GET /me", s.page("me", s.aboutMe))
	mux.Handle("GET /signup", s.page("signup", nothing))
	mux.Handle("GET /help", s.page("help", nothing))
	mux.Handle("POST /signout", sameOrigin.Handler(http.HandlerFunc(s.signOut)))
	mux.Handle("POST /leave", sameOrigin.Handler(http.HandlerFunc(s.leave)))
	mux.Handle("GET /static/", staticFiles())
	mux.Handle("GET /favicon.ico", http.RedirectHandler("/static/icon.svg", http.StatusMovedPermanently))
	mux.Handle("/", s.page("missing", func(*http.Request) (any, error) { return nil, errMissing }))
}

// gatedPages need a claim, each by its own policy.
func (s *shop) gatedPages(mux *http.ServeMux) {
	sameOrigin := http.NewCrossOriginProtection()
	adult := certify.Require(certify.YouthProtection())
	fresh := certify.Require(certify.All(certify.YouthProtection(), certify.FreshWithin(checkoutMaxAge)))
	foreigner := certify.Require(certify.Foreigner())

	mux.Handle("GET /cellar", adult(s.page("cellar", func(*http.Request) (any, error) { return wines(), nil })))
	mux.Handle("GET /checkout", fresh(s.page("checkout", chosenWine)))
	mux.Handle("POST /checkout", sameOrigin.Handler(fresh(http.HandlerFunc(s.order))))
	mux.Handle("GET /checkout/done", adult(s.page("done", chosenWine)))
	mux.Handle("GET /guests", foreigner(s.page("guests", nothing)))
}

func nothing(*http.Request) (any, error) { return nil, nil }

// chosenWine is the bottle that the visitor named; without a name, the first.
func chosenWine(r *http.Request) (any, error) {
	if err := r.ParseForm(); err != nil {
		return nil, errMissing
	}
	w, ok := findWine(r.Form.Get("wine"))
	if !ok {
		return nil, errMissing
	}
	return w, nil
}

// order keeps nothing: it is a shop for show.
func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	chosen, err := chosenWine(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	seeOther(w, "/checkout/done?wine="+chosen.(wine).ID)
}

// front is what every request passes first.
func (s *shop) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.elsewhere(r):
			seeOther(w, s.origin+rootPath(r)+queryOf(r.URL.Query()))
		case choosesLanguage(r):
			s.keepLanguage(w, r)
		default:
			next.ServeHTTP(w, speaking(r))
		}
	})
}

// elsewhere reports whether somebody begins to verify under another name of
// this machine, "localhost" for 127.0.0.1. Cookies belong to one name, and the
// phone's way back from the provider leads to the origin.
func (s *shop) elsewhere(r *http.Request) bool {
	return s.sandboxURL != "" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
		r.URL.Path == "/certifications/" && !strings.EqualFold("http://"+r.Host, s.origin)
}

// rootPath is the request's path, and never a "//host".
func rootPath(r *http.Request) string {
	return "/" + strings.TrimLeft(r.URL.EscapedPath(), "/")
}

func seeOther(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
