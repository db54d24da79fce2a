package certify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// aMinor makes the verified person one whom youth protection is for.
func aMinor(id *certify.Identity) {
	birthDate, err := certify.ParseBirthDate("2010-05-05", noon)
	if err != nil {
		panic(err)
	}
	id.BirthDate = birthDate
}

// TestAnotherPerson: a minor verified in this browser, and the parent wants to
// go on. The page of the refusal offers it, one press signs the minor out, and
// the start page does not send back to the refusal before that either.
func TestAnotherPerson(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	b := s.browser()
	b.pass(aMinor)
	refusal := b.get("/cellar?red=17", navigation...)
	if refusal.StatusCode != http.StatusForbidden || !strings.Contains(refusal.body, `action="/certifications/logout"`) || !strings.Contains(refusal.body, `value="/cellar?red=17"`) {
		t.Fatalf("status %d, and no form for another person:\n%s", refusal.StatusCode, refusal.body)
	}
	for _, tt := range []struct {
		name, path string
		status     int
	}{
		{"the page that refused", "/certifications/?return_to=%2Fcellar%3Fred%3D17", 200},
		{"the page that refused, with another query", "/certifications/?return_to=%2Fcellar", 200},
		{"the page that refused, escaped", "/certifications/?return_to=%2F%2563ellar", 200},
		{"a page that did not", "/certifications/?return_to=%2Fhome", 303},
	} {
		if a := b.get(tt.path, navigation...); a.StatusCode != tt.status {
			t.Errorf("the start page for %s: status %d, want %d", tt.name, a.StatusCode, tt.status)
		}
	}
	out := b.do("POST", "/certifications/logout", "application/x-www-form-urlencoded", "return_to=%2Fcellar%3Fred%3D17", navigation...)
	if where := out.Header.Get("Location"); out.StatusCode != http.StatusSeeOther || where != "/certifications/?return_to=%2Fcellar%3Fred%3D17" {
		t.Fatalf("signing out leads to %q (%d)", where, out.StatusCode)
	}
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("after signing out the gate answers %d", a.StatusCode)
	}
	b.pass()
	if a := b.get("/cellar?red=17", navigation...); a.StatusCode != http.StatusOK {
		t.Errorf("the parent gets %d", a.StatusCode)
	}
	if a := b.get("/certifications/?return_to=%2Fcellar", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the start page keeps the parent, whom nobody refused: status %d", a.StatusCode)
	}
}

// TestAnotherPersonIsOfferedWhereItHelps: not where verifying again, signing in
// or the operator would help, nor to scripts.
func TestAnotherPersonIsOfferedWhereItHelps(t *testing.T) {
	t.Parallel()
	policies := map[string]certify.Policy{
		"/adult": certify.YouthProtection(), "/korean": certify.KoreanNational(), "/known": certify.Foreigner(),
		"/fresh": certify.FreshWithin(time.Minute), "/any": certify.Any(certify.MinAge(60), certify.Foreigner()),
		"/custom": certify.PolicyFunc(func(time.Time, *certify.Claim) error { return &certify.Denial{Code: "no_stock"} }),
	}
	s := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		for path, p := range policies {
			mux.Handle(path, certify.Require(p)(http.NotFoundHandler()))
		}
	}})
	b := s.browser()
	b.pass(aMinor, func(id *certify.Identity) { id.Nationality = certify.NationalityKorean })
	s.wait(2 * time.Minute)
	for path, want := range map[string]bool{"/adult": true, "/korean": false, "/known": true, "/any": true, "/fresh": false, "/custom": false} {
		a := b.get(path, navigation...)
		if got := strings.Contains(a.body, "/certifications/logout"); got != want {
			t.Errorf("%s (%d): offered %v, want %v", path, a.StatusCode, got, want)
		}
	}
	if a := b.get("/adult"); strings.Contains(a.body, "logout") || len(a.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("a script gets a form or a cookie: %s", a.body)
	}
}

// TestLogoutLeadsNowhereElse: the form's address is a return path like any other.
func TestLogoutLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	for _, address := range []string{"https://attacker.example/", "//attacker.example", "/certifications/", `/\attacker.example`} {
		a := b.do("POST", "/certifications/logout", "application/x-www-form-urlencoded", "return_to="+address, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
		if a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, to %q", address, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
		t.Errorf("a refused form signed out: %d", a.StatusCode)
	}
	if a := b.do("POST", "/certifications/logout", "application/x-www-form-urlencoded", "", navigation...); a.Header.Get("Location") != "/" {
		t.Errorf("without an address it leads to %q", a.Header.Get("Location"))
	}
}
