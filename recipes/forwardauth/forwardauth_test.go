package forwardauth_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
	"github.com/certify-go/certify/recipes/forwardauth"
	"github.com/certify-go/certify/sandbox"
)

// each runs a test behind each front server.
func each(t *testing.T, test func(t *testing.T, f *front)) {
	t.Parallel()
	for i, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			test(t, newFront(t, i))
		})
	}
}

// TestWalk is a visitor's way to a page of the static site, and to the app.
func TestWalk(t *testing.T) {
	each(t, func(t *testing.T, f *front) {
		v := f.visitor()
		want(t, "the open part", v.open("/"), http.StatusOK, "home")
		page := "/wine/red.html?grape=%EB%A9%94%EB%A5%BC%EB%A1%9C&a=1+2"
		refused := v.open(page)
		want(t, "a stranger", refused, http.StatusSeeOther, "/certifications/?reason=verification_required&return_to=%2Fwine%2Fred.html%3Fgrape%3D%25EB%25A9%2594%25EB%25A5%25BC%25EB%25A1%259C%26a%3D1%2B2")
		want(t, "the start page", v.open(refused.Header.Get("Location")), http.StatusOK, "<script nonce=")
		want(t, "back again", v.open(v.verify(sandbox.Adult, page)), http.StatusOK, wineList)

		v.keep("session", "of-the-app")
		paid := v.fetch(http.MethodPost, "/pay/order?n=12&s=%2F", "twelve bottles", "Content-Type", "text/plain")
		want(t, "to the app", paid, http.StatusOK, "paid")
		r, body, _ := f.app.last()
		if r.Method != http.MethodPost || r.RequestURI != "/pay/order?n=12&s=%2F" || body != "twelve bottles" || "http://"+r.Host != f.url {
			t.Errorf("the app got %s %s of %s: %q", r.Method, r.RequestURI, r.Host, body)
		}
		if cookies := r.Header.Values("Cookie"); len(cookies) != 1 || cookies[0] != "session=of-the-app" || strings.Contains(fmt.Sprint(r.Header), "eyJ") {
			t.Errorf("the app got cookies or tokens: %v", r.Header)
		}
		for _, a := range []answer{paid, v.open("/wine/")} {
			if cc, vary := a.Header["Cache-Control"], a.Header["Vary"]; len(cc) != 1 || cc[0] != "private, no-cache" || !slices.Contains(vary, "Cookie") {
				t.Errorf("Cache-Control %q, Vary %q", cc, vary)
			}
		}
		f.clock.Advance(11 * time.Minute)
		stale := v.open("/pay/order")
		want(t, "11 minutes later", stale, http.StatusSeeOther, "max_age=600&reason=stale&return_to=%2Fpay%2Forder")
		want(t, "which is no loop", v.open(stale.Header.Get("Location")), http.StatusOK, "<script nonce=")
		want(t, "and the site is still open", v.open(page), http.StatusOK, wineList)
		want(t, "signing out", v.fetch(http.MethodPost, "/certifications/logout", ""), http.StatusNoContent)
		want(t, "and then", v.open(page), http.StatusSeeOther)
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, f *front) {
		v := f.visitor()
		want(t, "a stranger's script", v.fetch("GET", "/wine/", ""), http.StatusUnauthorized, `"code":"verification_required"`, `"verify_url"`)
		want(t, "a stranger's form", v.do("POST", "/pay/", "a=b", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate"), http.StatusUnauthorized, "<html")
		if a := v.fetch("HEAD", "/wine/", ""); a.StatusCode != http.StatusUnauthorized {
			t.Errorf("HEAD: status %d", a.StatusCode)
		}
		v.keep("certify", "a.b.c")
		want(t, "a forged claim", v.fetch("GET", "/wine/", ""), http.StatusUnauthorized, `"code":"claim_malformed"`)

		minor := f.visitor()
		minor.verify(sandbox.Minor, "/wine/")
		want(t, "a minor", minor.open("/wine/"), http.StatusForbidden, "<html")
		want(t, "a minor's script", minor.fetch("POST", "/pay/", "x"), http.StatusForbidden, `"code":"underage"`)

		adult := f.visitor()
		adult.verify(sandbox.Adult, "/wine/")
		f.store.set(errors.New("down"))
		down := adult.open("/wine/")
		want(t, "without the store", down, http.StatusServiceUnavailable, "<html")
		if down.Header.Get("Retry-After") == "" {
			t.Errorf("no Retry-After: %v", down.Header)
		}
		want(t, "a script, without the store", adult.fetch("POST", "/pay/", "x"), http.StatusServiceUnavailable, "store_unavailable")
		f.store.set(nil)
		want(t, "with the store again", adult.open("/wine/"), http.StatusOK, wineList)

		f.certify.Close()
		for _, a := range []answer{adult.open("/wine/"), adult.fetch("GET", "/wine/red.html", ""), adult.fetch("POST", "/pay/", "x")} {
			if a.StatusCode < 500 || strings.Contains(a.body, wineList) {
				t.Errorf("without certify: status %d: %s", a.StatusCode, a.body)
			}
		}
		if _, _, n := f.app.last(); n != 0 {
			t.Errorf("%d refused requests reached the app", n)
		}
	})
}

// What the front server itself cannot show is no refusal, and trying again does
// not help.
func TestNoPage(t *testing.T) {
	each(t, func(t *testing.T, f *front) {
		adult, minor := f.visitor(), f.visitor()
		adult.verify(sandbox.Adult, "/wine/")
		minor.verify(sandbox.Minor, "/wine/")
		for _, path := range []string{"/wine/cellar/", "/wine/none.html"} {
			for what, a := range map[string]answer{"an adult": adult.open(path), "an adult's script": adult.fetch("GET", path, "")} {
				want(t, what+" at "+path, a, http.StatusNotFound)
				if a.Header.Get("Retry-After") != "" {
					t.Errorf("%s at %s may try again: %v", what, path, a.Header)
				}
			}
			want(t, "a stranger at "+path, f.visitor().open(path), http.StatusSeeOther, "/certifications/?reason=verification_required")
			want(t, "a minor's script at "+path, minor.fetch("GET", path, ""), http.StatusForbidden, `"code":"underage"`)
		}
		f.store.set(errors.New("down"))
		want(t, "without the store", adult.fetch("GET", "/wine/cellar/", ""), http.StatusServiceUnavailable, "store_unavailable")
		f.store.set(nil)
		want(t, "with the store again", adult.open("/wine/cellar/key.html"), http.StatusOK, wineList)
	})
}

// A bearer token counts as a cookie does, and ends at the front server.
func TestBearer(t *testing.T) {
	each(t, func(t *testing.T, f *front) {
		token := certifytest.Cookie(t, f.session, certifytest.Adult()).Value
		want(t, "with a token", f.visitor().fetch("POST", "/pay/", "x", "Authorization", "Bearer "+token), http.StatusOK, "paid")
		r, _, _ := f.app.last()
		if r.Header.Get("Authorization") != "" || strings.Contains(fmt.Sprint(r.Header), "eyJ") {
			t.Errorf("the app got the token: %v", r.Header)
		}
		bad := f.visitor().fetch("GET", "/wine/", "", "Authorization", "Bearer x")
		want(t, "with a bad one", bad, http.StatusUnauthorized, "claim_malformed")
		for _, challenge := range bad.Header["Www-Authenticate"] {
			if !strings.HasPrefix(challenge, `Bearer realm="`+f.url+`", error="invalid_token"`) {
				t.Errorf("challenges %q", bad.Header["Www-Authenticate"])
			}
		}
		if len(bad.Header["Www-Authenticate"]) == 0 {
			t.Error("no challenge")
		}
	})
}

// Strangers say things about themselves, and write paths in many ways. Nothing
// of it opens a gate.
func TestNoWayAround(t *testing.T) {
	each(t, func(t *testing.T, f *front) {
		v := f.visitor()
		for _, path := range []string{"/certifications/check?policy=wine", "/certifications/check", "/certifications/%63heck?policy=wine", "/_check/wine"} {
			want(t, path, v.fetch("GET", path, ""), http.StatusNotFound)
		}
		for _, header := range []string{
			"X-Original-URI: /", "X-Original-URL: /", "X-Rewrite-URL: /", "X-Forwarded-Uri: /certifications/", "X-Forwarded-Method: OPTIONS",
			"X-Accel-Redirect: /wine/", "X-Forwarded-Host: attacker.example", "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1",
			"X-HTTP-Method-Override: HEAD", "Cookie: certify=", "Cookie: session=x; certify=a.b.c", "Authorization: Bearer x", "Authorization: Basic eDp4",
			"Connection: Cookie", "Expect: 100-continue", "Range: bytes=0-3", "Content_Length: 0",
		} {
			f.noWay(t, "GET /wine/red.html HTTP/1.1", header)
			f.noWay(t, "POST /pay/ HTTP/1.1", header)
		}
		for _, path := range []string{
			"/wine/", "/wine/red.html", "//wine/red.html", "/wine//red.html", "/./wine/red.html", "/x/../wine/red.html", "/wine/../wine/red.html",
			"/%77ine/red.html", "/wine%2Fred.html", "/wine%2fred.html", "/%2e/wine/red.html", "/x/%2e%2e/wine/red.html", "/wine/red.html?", "/wine/red.html;x",
			"/wine/red.html%00", `/wine\red.html`, "/certifications/../wine/red.html", "/certifications/%2e%2e/wine/red.html", "/certifications/..%2fwine/red.html",
			"/certifications//../wine/red.html", "/_check/../wine/red.html", "/WINE/red.html", "/wine/red.html#", "/pay/", "/%70ay/", "//pay/x", "/x/../pay/", "/certifications/../pay/",
			"/pay%2F", "/pay;/", "http://elsewhere.example/wine/red.html", f.url + "/wine/red.html",
		} {
			for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "PROPFIND", "get"} {
				f.noWay(t, method+" "+path+" HTTP/1.1", "X-Test: 1")
			}
		}
		if _, _, n := f.app.last(); n != 0 {
			t.Errorf("%d requests of strangers reached the app", n)
		}
	})
}

// noWay sends a request as it is written, and wants nothing of what is gated.
func (f *front) noWay(t *testing.T, line, header string) {
	t.Helper()
	addr := strings.TrimPrefix(f.url, "http://")
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "%s\r\nHost: %s\r\n%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", line, addr, header)
	text, err := io.ReadAll(bufio.NewReader(c))
	if err != nil && len(text) == 0 {
		return // cut off
	}
	if strings.Contains(string(text), wineList[:4]+" ") || strings.Contains(string(text), "paid") || strings.Contains(string(text), "\r\n\r\nthe ") {
		t.Errorf("%q with %q got in:\n%s", line, header, text)
	}
}

// What the gates of certify's own side do where the front server let them see a
// request that passes: they never pretend to be the site.
func TestPassedRequestsAreNotAnswered(t *testing.T) {
	t.Parallel()
	sessions := certifytest.NewSessions(t, certify.SessionConfig{})
	handler, err := forwardauth.New(sessions, certifytest.NewSandbox(t, nil).IAMPort, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	certifytest.Gated(t, handler, certifytest.Cookie(t, sessions, certifytest.Adult()), "GET /wine/", "GET /wine/red.html", "POST /pay/", "GET /pay/order")
	if _, err := forwardauth.New(sessions, nil, nil); err == nil {
		t.Error("no provider is no error")
	}
}

// verifier is the program of a service that has public keys only.
func verifier(sessions *certify.Sessions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/check/wine", func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Sec-Fetch-Mode") // the visitor's, who may be navigating
		r.Header.Set("Accept", "application/json")
		admitted := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		certify.Require(certify.YouthProtection())(admitted).ServeHTTP(w, r)
	})
	return sessions.Load(mux)
}

// What the page says of services without a Handler.
func TestCheckWithPublicKeys(t *testing.T) {
	t.Parallel()
	line, err := certify.GenerateKey("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	private, err := certify.ParseKeys(line)
	if err != nil {
		t.Fatal(err)
	}
	public, err := certify.ParseJWKS(private.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	issuer := certifytest.NewSessions(t, certify.SessionConfig{Keys: private})
	check := verifier(certifytest.NewSessions(t, certify.SessionConfig{Keys: public, Store: &failingStore{Store: certify.NewMemoryStore(0, nil)}}))
	for name, tc := range map[string]struct {
		cookie *http.Cookie
		status int
	}{
		"nobody": {nil, 401}, "forged": {&http.Cookie{Name: "__Host-certify", Value: "a.b.c"}, 401},
		"an adult": {certifytest.Cookie(t, issuer, certifytest.Adult()), 204}, "a minor": {certifytest.Cookie(t, issuer, certifytest.Minor()), 403},
	} {
		r := httptest.NewRequest("GET", "/check/wine", nil)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Accept", "text/html")
		if tc.cookie != nil {
			r.AddCookie(tc.cookie)
		}
		w := httptest.NewRecorder()
		check.ServeHTTP(w, r)
		if w.Code != tc.status || w.Header().Get("Location") != "" || len(w.Header()["Set-Cookie"]) > 0 {
			t.Errorf("%s: status %d, %v", name, w.Code, w.Header())
		}
	}
}
