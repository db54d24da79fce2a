// Package visit tests the recipes of routers: a browser-like walk through an
// app that was made by one of them.
package visit

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/sandbox"
)

// An App is what a recipe has to serve, and where.
type App struct {
	Sessions       *certify.Sessions
	Certifications *certify.Handler
	Listener       net.Listener
}

// Options are what a router cannot do, or does besides.
type Options struct {
	// NoClaimOutsideGates says that an open page does not see its visitor's claim.
	NoClaimOutsideGates bool
}

// A Page is the app's own: the recipe shows it at /wine/NAME to adults, and at
// / to everybody, where NAME is empty.
type Page func(name string, claim *certify.Claim) string

// Handler serves an [http.Handler] until the test ends.
func (a App) Handler(t *testing.T, h http.Handler) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	_ = server.Listener.Close()
	server.Listener = a.Listener
	server.Start()
	t.Cleanup(server.Close)
}

// Test walks through the app that serve makes.
func Test(t *testing.T, opts Options, serve func(t *testing.T, a App, page Page)) {
	t.Helper()
	w := newWalk(t)
	serve(t, w.app, w.page)
	t.Run("a stranger", func(t *testing.T) { w.stranger(t, w.visitor(t)) })
	t.Run("an adult", func(t *testing.T) { w.adult(t, w.visitor(t), opts) })
	t.Run("a minor", func(t *testing.T) { w.minor(t, w.visitor(t)) })
	t.Run("a bearer", func(t *testing.T) { w.bearers(t) })
}

type walk struct {
	app     App
	url     string
	sandbox *certifytest.Sandbox

	mu   sync.Mutex
	seen []string // what the pages were asked for
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	clock := certifytest.NewClock(time.Date(2026, 8, 10, 12, 0, 0, 0, time.UTC))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{url: "http://" + l.Addr().String(), sandbox: certifytest.NewSandbox(t, clock.Now)}
	sessions := certifytest.NewSessions(t, certify.SessionConfig{Origin: w.url, Now: clock.Now, Bearer: true})
	handler, err := certify.NewHandler(certify.HandlerConfig{Sessions: sessions, Provider: w.sandbox.IAMPort, Pepper: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w.app = App{sessions, handler, l}
	return w
}

// page tells who sees it: somebody who was verified, or nobody.
func (w *walk) page(name string, claim *certify.Claim) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, name)
	if claim == nil {
		return "page " + name + " for nobody"
	}
	return "page " + name + " for somebody of " + claim.AuthTime.UTC().Format(time.RFC3339)
}

// reached is how often an app's handler ran.
func (w *walk) reached() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// A visitor is a browser without scripts. It follows no redirect by itself.
type visitor struct {
	t      *testing.T
	url    string
	client *http.Client
}

func (w *walk) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, w.url, &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path, body string, header ...string) answer {
	v.t.Helper()
	req, err := http.NewRequest(method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
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

func (v *visitor) open(path string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html")
}

func (v *visitor) fetch(method, path, body string, header ...string) answer {
	v.t.Helper()
	return v.do(method, path, body, append(header, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/json")...)
}

// verify goes the whole way as one of the sandbox's people.
func (w *walk) verify(v *visitor, person, returnTo string) {
	v.t.Helper()
	var begun struct {
		ID string `json:"merchant_uid"`
	}
	a := v.fetch(http.MethodPost, "/certifications/attempts", `{"return_to":"`+returnTo+`"}`)
	if err := json.Unmarshal([]byte(a.body), &begun); err != nil || a.StatusCode != http.StatusCreated {
		v.t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	done, err := w.sandbox.Verify(sandbox.Verification{MerchantUID: begun.ID, Person: person})
	if err != nil {
		v.t.Fatal(err)
	}
	back := v.open("/certifications/redirect?imp_uid=" + done.ImpUID + "&merchant_uid=" + begun.ID + "&success=true")
	want(v.t, "back from the provider", back, http.StatusSeeOther, returnTo)
}

// want checks an answer's status, and what its body or Location holds.
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
}

// refused wants an answer that a gate gave, whole and alone.
func (w *walk) refused(t *testing.T, what string, a answer, status int, parts ...string) {
	t.Helper()
	want(t, what, a, status, parts...)
	if strings.Contains(a.body, "page ") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: the page follows the refusal, or it may be stored: %v %.300s", what, a.Header, a.body)
	}
	if a.StatusCode == http.StatusForbidden || a.StatusCode == http.StatusUnauthorized {
		if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" && kind != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", what, kind)
		}
	}
}

func (w *walk) stranger(t *testing.T, v *visitor) {
	before := w.reached()
	sent := v.open("/wine/red?year=2019&for=%EB%82%98")
	w.refused(t, "navigating", sent, http.StatusSeeOther, "/certifications/?reason=verification_required&return_to=%2Fwine%2Fred%3Fyear%3D2019%26for%3D%25EB%2582%2598")
	want(t, "the start page", v.open(sent.Header.Get("Location")), http.StatusOK, "<script nonce=", "/wine/red")
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		w.refused(t, method, v.fetch(method, "/wine/red", "{}"), http.StatusUnauthorized, `"code":"verification_required"`)
	}
	if head := v.fetch("HEAD", "/wine/red", ""); head.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD: status %d", head.StatusCode)
	}
	w.refused(t, "with a forged cookie", v.fetch("GET", "/wine/red", "", "Cookie", "certify=a.b.c"), http.StatusUnauthorized, `"code":"claim_malformed"`)
	if n := w.reached() - before; n != 0 {
		t.Errorf("%d refused requests reached the app's handler", n)
	}
	want(t, "an open page", v.open("/"), http.StatusOK, "page  for nobody")
	want(t, "certify's own 404", v.fetch("GET", "/certifications/nothing", ""), http.StatusNotFound, `"code":"not_found"`)
	want(t, "certify's callback without a slash", v.fetch("POST", "/certifications", "{}"), http.StatusForbidden, `"code":"attempt_missing"`)
}

func (w *walk) adult(t *testing.T, v *visitor, opts Options) {
	w.verify(v, sandbox.Adult, "/wine/red?year=2019")
	page := v.open("/wine/red?year=2019")
	want(t, "the page", page, http.StatusOK, "page red for somebody of 2026-08-10T12:00:00Z")
	if page.Header.Get("Cache-Control") != "private, no-cache" || page.Header.Get("Vary") != "Authorization, Cookie" {
		t.Errorf("headers %v", page.Header)
	}
	want(t, "a script", v.fetch("POST", "/wine/white", "{}"), http.StatusOK, "page white for somebody")
	open := "for somebody"
	if opts.NoClaimOutsideGates {
		open = "for nobody"
	}
	want(t, "an open page", v.open("/"), http.StatusOK, open)
	want(t, "what the page may know", v.fetch("GET", "/certifications/claim", ""), http.StatusOK, `"birth_year":1990`)
	want(t, "signing out", v.fetch("POST", "/certifications/logout", ""), http.StatusNoContent)
	before := w.reached()
	w.refused(t, "after signing out", v.fetch("GET", "/wine/red", ""), http.StatusUnauthorized, `"code":"verification_required"`)
	if w.reached() != before {
		t.Error("a visitor who signed out reached the app's handler")
	}
}

func (w *walk) minor(t *testing.T, v *visitor) {
	w.verify(v, sandbox.Minor, "/wine/red")
	before := w.reached()
	w.refused(t, "navigating", v.open("/wine/red"), http.StatusForbidden, "<html")
	w.refused(t, "by fetch", v.fetch("GET", "/wine/red", ""), http.StatusForbidden, `"code":"underage"`)
	if w.reached() != before {
		t.Error("a minor reached the app's handler")
	}
}

// bearers come on one connection, whose memory fasthttp uses again: what certify
// remembers of a good token must not turn into the bad one that follows.
func (w *walk) bearers(t *testing.T) {
	v := w.visitor(t)
	u, _ := url.Parse(w.url)
	good := certifytest.Cookie(t, w.app.Sessions, certifytest.Adult()).Value
	head := good[:strings.LastIndexByte(good, '.')+1]
	for i := range 300 {
		want(t, "a good token", v.fetch("GET", "/wine/red", "", "Authorization", "Bearer "+good), http.StatusOK, "page red for somebody")
		forged := head + strings.Repeat(string("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i%26]), len(good)-len(head))
		w.refused(t, "a forged token", v.fetch("GET", "/wine/red", "", "Authorization", "Bearer "+forged), http.StatusUnauthorized, `"code":"claim_`)
		if t.Failed() {
			return
		}
	}
	if len(v.client.Jar.Cookies(u)) != 0 {
		t.Error("a bearer was given a cookie")
	}
}
