package certify_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func checks() map[string]certify.Policy {
	return map[string]certify.Policy{
		"wine":     certify.YouthProtection(),
		"pay":      certify.All(certify.MinAge(19), certify.FreshWithin(10*time.Minute)),
		"koreans":  certify.KoreanNational(),
		"upset":    certify.PolicyFunc(func(time.Time, *certify.Claim) error { panic("upset") }),
		"children": certify.UnderAge(14),
	}
}

func newCheckedSite(t testing.TB, sessions func(*certify.SessionConfig)) *site {
	return newSite(t, siteConfig{sessions: sessions, handler: func(c *certify.HandlerConfig) { c.Checks = checks() }})
}

// forwarded is what front servers send along, and visitors may: nobody's word.
var forwarded = []string{
	"X-Forwarded-Uri", "/certifications/check?policy=children", "X-Forwarded-Method", "OPTIONS", "X-Forwarded-Host", "attacker.example",
	"X-Forwarded-Proto", "https", "X-Original-Url", "/free", "X-Original-Uri", "/free", "X-Rewrite-Url", "/free", "Forwarded", "host=attacker.example",
}

func TestCheck(t *testing.T) {
	t.Parallel()
	minor := func(id *certify.Identity) { id.BirthDate = born(t, "2010-01-01", noon) }
	foreign := func(id *certify.Identity) { id.Nationality = certify.NationalityForeigner }
	unknown := func(id *certify.Identity) { id.Nationality = certify.NationalityUnknown }
	for _, tc := range []struct {
		name, policy string
		before       func(*browser)
		status       int
		code, remedy string
		verify       string
	}{
		{"nobody", "wine", nil, 401, "verification_required", "reverify", "/certifications/?reason=verification_required"},
		{"an adult", "wine", func(b *browser) { b.pass() }, 204, "", "", ""},
		{"a minor", "wine", func(b *browser) { b.pass(minor) }, 403, "underage", "", ""},
		{"an adult where children go", "children", func(b *browser) { b.pass() }, 403, "overage", "", ""},
		{"expired", "wine", func(b *browser) { b.pass(); b.wait(12 * time.Hour) }, 401, "claim_expired", "reverify", "/certifications/?reason=claim_expired"},
		{"just verified", "pay", func(b *browser) { b.pass(); b.wait(10 * time.Minute) }, 204, "", "", ""},
		{"too old", "pay", func(b *browser) { b.pass(); b.wait(11 * time.Minute) }, 401, "stale", "reverify", "/certifications/?max_age=600&reason=stale"},
		{"a Korean", "koreans", func(b *browser) { b.pass() }, 204, "", "", ""},
		{"a foreigner", "koreans", func(b *browser) { b.pass(foreign) }, 403, "korean_required", "", ""},
		{"of unknown nationality", "koreans", func(b *browser) { b.pass(unknown) }, 403, "nationality_unknown", "", ""},
		{"a policy that panics", "upset", func(b *browser) { b.pass() }, 500, "policy_failed", "", ""},
		{"signed out", "wine", func(b *browser) {
			b.pass()
			token := b.cookie("certify")
			b.post("/certifications/logout", "")
			b.plant("certify", token)
		}, 401, "claim_revoked", "reverify", "/certifications/?reason=claim_revoked"},
		{"a token of no key", "wine", func(b *browser) { b.plant("certify", "a.b.c") }, 401, "claim_malformed", "reverify", "/certifications/?reason=claim_malformed"},
	} {
		for how, header := range map[string][]string{
			"navigating": append(navigation, forwarded...), "navigating from elsewhere": {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site"},
			"by fetch": {"Sec-Fetch-Mode", "cors"}, "by curl": nil,
		} {
			t.Run(tc.name+", "+how, func(t *testing.T) {
				t.Parallel()
				b := newCheckedSite(t, nil).browser()
				if tc.before != nil {
					tc.before(b)
				}
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					a := b.do(method, "/certifications/check?policy="+tc.policy, "", "", header...)
					wantCheck(t, a, tc.status)
					if a.body == "" && (method == http.MethodHead || tc.status == http.StatusNoContent) {
						continue
					}
					doc := a.json(t)
					verify, _ := doc["verify_url"].(string)
					remedy, _ := doc["remedy"].(string)
					if a.code() != tc.code || remedy != tc.remedy || verify != tc.verify {
						t.Errorf("%s: %s", method, a.body)
					}
				}
			})
		}
	}
}

// wantCheck is what holds for every answer: a status, and nothing that a front
// server could pass on by mistake.
func wantCheck(t *testing.T, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	if a.Header.Get("Location") != "" || len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Refresh") != "" {
		t.Errorf("a redirect or a cookie: %v", a.Header)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("headers %v", a.Header)
	}
	switch kind := a.Header.Get("Content-Type"); {
	case status == http.StatusNoContent && (a.body != "" || kind != ""):
		t.Errorf("204 with %q: %s", kind, a.body)
	case status != http.StatusNoContent && kind != "application/problem+json":
		t.Errorf("Content-Type %q", kind)
	}
}

// plant puts a cookie into the browser.
func (b *browser) plant(name, value string) {
	u, _ := http.NewRequest(http.MethodGet, b.URL, nil)
	b.jar.SetCookies(u.URL, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// One parameter, with a registered name: else an adult may not pass, either.
func TestCheckWantsOneRegisteredName(t *testing.T) {
	t.Parallel()
	b := newCheckedSite(t, nil).browser()
	b.pass()
	for _, query := range []string{
		"", "?", "?policy", "?policy=", "?policy=beer", "?policy=Wine", "?policy=wine%20", "?policy=wine%00", "?name=wine", "?POLICY=wine",
		"?policy=wine&policy=wine", "?policy=wine&policy=pay", "?policy=wine&x=1", "?x=1&policy=wine", "?policy=wine&", "?policy=wine;x",
		"?policy=wine&policy", "?policy[]=wine", "?policy=wine&%", "?policy=%zz", "?policy=wine#", "?return_to=/a&policy=wine",
	} {
		t.Run(query, func(t *testing.T) {
			a := b.get("/certifications/check"+query, navigation...)
			if query == "?policy=wine&" || query == "?policy=wine#" { // one parameter all the same
				wantCheck(t, a, http.StatusNoContent)
				return
			}
			wantCheck(t, a, http.StatusBadRequest)
			if a.code() != "request_malformed" || !strings.Contains(a.body, "HandlerConfig.Checks") {
				t.Errorf("%s", a.body)
			}
		})
	}
	for _, path := range []string{"/certifications/check/", "/certifications/check/wine", "/certifications/Check?policy=wine"} {
		if a := b.get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, a.StatusCode)
		}
	}
	for _, method := range []string{"POST", "PUT", "OPTIONS", "CONNECT"} {
		if a := b.do(method, "/certifications/check?policy=wine", "", ""); a.StatusCode != http.StatusMethodNotAllowed && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", method, a.StatusCode)
		}
	}
	if a := newSite(t, siteConfig{}).browser().get("/certifications/check?policy=wine"); a.StatusCode != http.StatusNotFound {
		t.Errorf("without Checks: status %d", a.StatusCode)
	}
}

// The path and the query are the check's own: whoever is refused comes back to
// the page that sent the request, if it is of this host.
func TestCheckReturnsToThePage(t *testing.T) {
	t.Parallel()
	b := newCheckedSite(t, nil).browser()
	for referer, want := range map[string]string{
		b.URL + "/list?a=1":             "/certifications/?reason=verification_required&return_to=%2Flist%3Fa%3D1",
		"https://attacker.example/list": "/certifications/?reason=verification_required",
		b.URL + "/certifications/":      "/certifications/?reason=verification_required",
	} {
		doc := b.get("/certifications/check?policy=wine", append([]string{"Referer", referer}, navigation...)...).json(t)
		if doc["verify_url"] != want {
			t.Errorf("from %s: %v", referer, doc["verify_url"])
		}
	}
}

func TestCheckTakesBearerTokens(t *testing.T) {
	t.Parallel()
	s := newCheckedSite(t, func(c *certify.SessionConfig) { c.Bearer = true })
	holder := s.browser()
	holder.pass()
	token := holder.cookie("certify")
	for _, tc := range []struct {
		name, header string
		wait         time.Duration
		status       int
		challenge    string // in it
	}{
		{"a good one", "Bearer " + token, 0, 204, ""},
		{"none", "", 0, 401, `Bearer realm="` + s.URL + `"`},
		{"a bad one", "Bearer x", 0, 401, `error="invalid_token"`},
		{"too old", "Bearer " + token, 11 * time.Minute, 401, `error="insufficient_user_authentication"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.wait(tc.wait)
			a := s.browser().get("/certifications/check?policy=pay", "Authorization", tc.header)
			wantCheck(t, a, tc.status)
			got := a.Header.Get("WWW-Authenticate")
			if (got == "") != (tc.challenge == "") || !strings.Contains(got, tc.challenge) {
				t.Errorf("WWW-Authenticate %q", got)
			}
		})
	}
}

func TestCheckComparesTheAccount(t *testing.T) {
	t.Parallel()
	b := newCheckedSite(t, func(c *certify.SessionConfig) {
		c.Account = func(r *http.Request) (string, error) { return r.Header.Get("X-Test-Account"), nil }
	}).browser()
	member := []string{"X-Test-Account", "mira"}
	id := b.post("/certifications/attempts", "{}", member...).json(t)["merchant_uid"].(string)
	b.provider.verify("imp_1", id)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`, member...); a.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	wantCheck(t, b.get("/certifications/check?policy=wine", member...), http.StatusNoContent)
	wantCheck(t, b.get("/certifications/check?policy=wine", "X-Test-Account", "juno"), http.StatusUnauthorized)
	wantCheck(t, b.get("/certifications/check?policy=wine"), http.StatusUnauthorized)
}

func TestCheckWithoutStore(t *testing.T) {
	t.Parallel()
	store := &failingStore{Store: certify.NewMemoryStore(0, nil)}
	b := newCheckedSite(t, func(c *certify.SessionConfig) { c.Store = store }).browser()
	b.pass()
	wantCheck(t, b.get("/certifications/check?policy=wine"), http.StatusNoContent)
	store.set(errors.New("down"))
	a := b.get("/certifications/check?policy=wine", navigation...)
	wantCheck(t, a, http.StatusServiceUnavailable)
	if a.Header.Get("Retry-After") != "5" || a.code() != "store_unavailable" {
		t.Errorf("headers %v: %s", a.Header, a.body)
	}
	store.set(nil)
	wantCheck(t, b.get("/certifications/check?policy=wine"), http.StatusNoContent)
}

// A page of the app's own for refusals is for visitors. Here a front server
// asks, and would take its 200 for a pass.
func TestCheckDoesNotAskDeny(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []certify.Event
	b := newCheckedSite(t, func(c *certify.SessionConfig) {
		c.Deny = func(w http.ResponseWriter, r *http.Request, err error) { w.WriteHeader(http.StatusOK) }
		c.Event = func(_ context.Context, e certify.Event) { mu.Lock(); defer mu.Unlock(); told = append(told, e) }
	}).browser()
	wantCheck(t, b.get("/certifications/check?policy=wine", navigation...), http.StatusUnauthorized)
	wantCheck(t, b.get("/certifications/check?policy=rum", navigation...), http.StatusBadRequest)
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 2 || told[0].Kind != certify.EventDenied || told[0].Code != certify.CodeVerificationRequired ||
		told[1].Kind != certify.EventDenied || !strings.Contains(told[1].Detail, "HandlerConfig.Checks") {
		t.Errorf("told %+v", told)
	}
}

func TestChecksConfig(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	policies := checks()
	cfg := certify.HandlerConfig{Sessions: s.sessions, Provider: s.provider, Pepper: testPepper, Checks: policies}
	if _, err := certify.NewHandler(cfg); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]certify.Policy{
		"": certify.MinAge(19), "Wine": certify.MinAge(19), "a b": certify.MinAge(19), "a&b": certify.MinAge(19), "wine/red": certify.MinAge(19),
		strings.Repeat("n", 33): certify.MinAge(19), "nobody": nil,
	} {
		cfg.Checks = map[string]certify.Policy{"wine": certify.MinAge(19), name: p}
		if _, err := certify.NewHandler(cfg); err == nil || !strings.Contains(err.Error(), "HandlerConfig.Checks") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What happens to the map afterwards changes nothing.
func TestChecksAreCopied(t *testing.T) {
	t.Parallel()
	policies := map[string]certify.Policy{"wine": certify.MinAge(19)}
	s := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.Checks = policies }})
	b := s.browser()
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2010-01-01", noon) })
	policies["wine"] = certify.UnderAge(100)
	wantCheck(t, b.get("/certifications/check?policy=wine"), http.StatusForbidden)
}
