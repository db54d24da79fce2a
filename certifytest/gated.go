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
// "GET /orders/{id}". One without a method is every method: GET, and HEAD,
// POST, PUT, PATCH and DELETE, which may also be answered with 404 and 405.
//
// Each route is asked by a script without a claim and with one whose signature
// is not genuine, which has to be answered with 401 or 403; by a navigation
// without a claim, which may be sent elsewhere, but with a method other than
// GET and HEAD to the start page only; and with the claim, which may be
// answered with anything but 401 and 403. The last one runs the app's handler,
// with an empty body, and where the route has no method by GET alone. Where the
// app has a login, wrap h in a handler that adds it to each request: a refusal
// by the app's own login would be taken for one by certify.
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
	method, target, ok := strings.Cut(strings.TrimSpace(route), " ")
	if ok {
		return askWith(h, claim, method, target, questions)
	}
	found = askWith(h, claim, http.MethodGet, method, questions)
	for _, other := range []string{http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		found = append(found, askWith(h, claim, other, method, othersQuestions)...)
	}
	return found
}

// A question is who asks, and what they may be answered.
type question struct {
	who    string
	cookie func(claim *http.Cookie) *http.Cookie
	mode   string
	good   func(method string, answer *http.Response) bool
}

func noCookie(*http.Cookie) *http.Cookie { return nil }

func ownCookie(claim *http.Cookie) *http.Cookie { return claim }

func forgedCookie(claim *http.Cookie) *http.Cookie {
	forged := *claim
	forged.Value = forge(claim.Value)
	return &forged
}

var questions = []question{
	{"a script without a claim", noCookie, "cors", refused},
	{"a script with a forged claim", forgedCookie, "cors", refused},
	{"a navigation without a claim", noCookie, "navigate", sentAway},
	{"the person with the claim", ownCookie, "cors", func(method string, answer *http.Response) bool { return !refused(method, answer) }},
}

// othersQuestions are for the methods that a route without one may not have.
var othersQuestions = []question{
	{"a script without a claim", noCookie, "cors", orMissing(refused)},
	{"a script with a forged claim", forgedCookie, "cors", orMissing(refused)},
	{"a navigation without a claim", noCookie, "navigate", orMissing(sentAway)},
}

func askWith(h http.Handler, claim *http.Cookie, method, target string, all []question) (found []string) {
	for _, q := range all {
		r, err := requestFor(method, target)
		if err != nil {
			return []string{fmt.Sprintf("%s %q is no route: %v", method, target, err)}
		}
		if answer := answerOf(h, r, q.cookie(claim), q.mode); !q.good(method, answer) {
			found = append(found, fmt.Sprintf("%s %s answers %d to %s", method, strings.TrimSpace(target), answer.StatusCode, q.who))
		}
	}
	return found
}

func refused(_ string, answer *http.Response) bool {
	return answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden
}

// sentAway: what a handler answers to a form, too, is mostly a redirect. So
// after one it has to go to the start page, which is told the reason.
func sentAway(method string, answer *http.Response) bool {
	if refused(method, answer) {
		return true
	}
	to, err := answer.Location()
	safe := method == http.MethodGet || method == http.MethodHead
	return answer.StatusCode/100 == 3 && (safe || err == nil && to.Query().Has("reason"))
}

func orMissing(good func(string, *http.Response) bool) func(string, *http.Response) bool {
	return func(method string, answer *http.Response) bool {
		return good(method, answer) || answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusMethodNotAllowed
	}
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

func answerOf(h http.Handler, r *http.Request, claim *http.Cookie, mode string) *http.Response {
	r.Header.Set("Sec-Fetch-Mode", mode)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept", map[string]string{"navigate": "text/html", "cors": "application/json"}[mode])
	if claim != nil {
		r.AddCookie(claim)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// wildcard is a pattern's {name} or {name...}.
var wildcard = regexp.MustCompile(`\{[^{}/]*\}`)

// requestFor makes the request that a pattern of [http.ServeMux] would match.
func requestFor(method, target string) (*http.Request, error) {
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
