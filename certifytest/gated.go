package certifytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Gated tests that none of the routes of h lets anybody in without a claim, and
// all of them the person whose claim it is given. A route is a method and a
// path, "POST /pay", or a pattern as [http.ServeMux] takes them,
// "GET /orders/{id}"; without a method it is GET.
//
// Each route is asked by a script without a claim and with one whose signature
// is not genuine, which has to be answered with 401 or 403; by a navigation
// without a claim, which may be sent elsewhere; and with the claim, which may
// be answered with anything but 401 and 403. The last one runs the app's
// handler, with an empty body. Where the app has a login, wrap h in a handler
// that adds it to each request: a refusal by the app's own login would be taken
// for one by certify.
func Gated(t *testing.T, h http.Handler, claim *http.Cookie, routes ...string) {
	t.Helper()
	if claim == nil || len(routes) == 0 {
		t.Fatal("certifytest: Gated needs a claim and at least one route")
	}
	for _, route := range routes {
		t.Run(route, func(t *testing.T) {
			for _, complaint := range complaints(h, claim, route) {
				t.Error(complaint)
			}
		})
	}
}

// complaints says what is wrong with the gate of a route.
func complaints(h http.Handler, claim *http.Cookie, route string) (found []string) {
	forged := *claim
	forged.Value = forge(claim.Value)
	for _, ask := range []struct {
		who   string
		claim *http.Cookie
		mode  string
		good  func(status int) bool
	}{
		{"a script without a claim", nil, "cors", refused},
		{"a script with a forged claim", &forged, "cors", refused},
		{"a navigation without a claim", nil, "navigate", func(status int) bool { return refused(status) || status/100 == 3 }},
		{"the person with the claim", claim, "cors", func(status int) bool { return !refused(status) }},
	} {
		r, err := requestFor(route)
		if err != nil {
			return []string{fmt.Sprintf("%q is no route: %v", route, err)}
		}
		if status := statusOf(h, r, ask.claim, ask.mode); !ask.good(status) {
			found = append(found, fmt.Sprintf("%s answers %d to %s", route, status, ask.who))
		}
	}
	return found
}

func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// forge replaces the token's signature by another of its length.
func forge(token string) string {
	i := strings.LastIndexByte(token, '.') + 1
	return token[:i] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, token[i:])
}

func statusOf(h http.Handler, r *http.Request, claim *http.Cookie, mode string) int {
	r.Header.Set("Sec-Fetch-Mode", mode)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept", map[string]string{"navigate": "text/html", "cors": "application/json"}[mode])
	if claim != nil {
		r.AddCookie(claim)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// wildcard is a pattern's {name} or {name...}.
var wildcard = regexp.MustCompile(`\{[^{}/]*\}`)

// requestFor makes the request that a pattern of [http.ServeMux] would match.
func requestFor(route string) (*http.Request, error) {
	method, target, ok := strings.Cut(strings.TrimSpace(route), " ")
	if !ok {
		method, target = http.MethodGet, method
	}
	target = strings.TrimSpace(strings.ReplaceAll(target, "{$}", ""))
	target = wildcard.ReplaceAllString(target, "1")
	if !strings.HasPrefix(target, "/") { // a pattern may begin with a host
		target = "https://" + target
	}
	r, err := http.NewRequest(method, target, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = "192.0.2.1:1234"
	if r.Host == "" {
		r.Host = "app.example"
	}
	return r, nil
}
