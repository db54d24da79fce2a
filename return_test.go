package certify_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// fromProvider is how a phone comes back: its browser keeps SameSite=Strict
// cookies at home.
var fromProvider = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site", "Accept", "text/html"}

// A phone whose login is not seen at its return looks again by itself, once,
// and any visitor may look again at no second fee.
func TestReturnWithoutLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Account = loginOf }})
	begin := func(t *testing.T) (b *browser, where string) {
		b = s.browser()
		u, _ := url.Parse(s.URL)
		b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: "member-1", Path: "/"}})
		attempt := b.begin("/cellar")
		b.provider.verify("imp_"+attempt, attempt)
		return b, "/certifications/redirect?imp_uid=imp_" + attempt + "&merchant_uid=" + attempt + "&success=true"
	}
	signIn := func(b *browser, account string) {
		u, _ := url.Parse(s.URL)
		b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: account, Path: "/"}})
	}
	for _, tc := range []struct {
		name    string
		account string // at the return
		header  []string
		more    string // in the query
		refresh bool
	}{
		{"from the provider", "", fromProvider, "", true},
		{"once more", "", fromProvider, "&certify_again=1", false},
		{"by its own page", "", navigation, "", false},
		{"a browser that does not say", "", []string{"Accept", "text/html"}, "", false},
		{"as somebody else", "member-2", fromProvider, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, where := begin(t)
			signIn(b, tc.account)
			a := b.get(where+tc.more, tc.header...)
			refresh := a.Header.Get("Refresh")
			if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "attempt_other_account") || (refresh != "") != tc.refresh {
				t.Errorf("status %d, Refresh %q", a.StatusCode, refresh)
			}
			again, anew := strings.Index(a.body, `class="button" href=""`), strings.Index(a.body, `class="button second" href="/certifications/`)
			if again < 0 || anew < again {
				t.Errorf("to look again is not what the page offers first: %s", a.body)
			}
			if tc.refresh {
				where = "/certifications/redirect" + strings.TrimPrefix(refresh, "0; url=")
			}
			signIn(b, "member-1")
			if a := b.get(where, navigation...); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
				t.Errorf("signed in again: status %d to %q", a.StatusCode, a.Header.Get("Location"))
			}
		})
	}
}

// Who signed in since the start cannot be signed out again and keep the
// attempt: to verify anew is all that there is.
func TestSignedInSinceTheStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) { c.Account = loginOf },
		handler: func(c *certify.HandlerConfig) {
			c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "member-1", nil }
		},
	})
	b := s.browser()
	b.provider.verify("imp_1", b.begin("/cellar"))
	u, _ := url.Parse(s.URL)
	b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: "member-2", Path: "/"}})
	a := b.get("/certifications/redirect?imp_uid=imp_1", append(navigation, "Accept-Language", "en")...)
	for want, there := range map[string]bool{
		"attempt_other_account": true, "begun before you signed in": true, `class="button" href="/certifications/?return_to=`: true,
		`href=""`: false, "Check again": false,
	} {
		if strings.Contains(a.body, want) != there {
			t.Errorf("status %d: %q is on the page: %v\n%s", a.StatusCode, want, !there, a.body)
		}
	}
	doc := b.post("/certifications", `{"imp_uid":"imp_1"}`).json(t)
	if doc["code"] != "attempt_other_account" || doc["remedy"] != "reverify" || doc["verify_url"] != "/certifications/?return_to=%2Fcellar" {
		t.Errorf("a script reads %v", doc)
	}
}

// Other refusals of a return, and the same one elsewhere, ask for nothing.
func TestOnlyReturnsComeBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Account = loginOf }})
	for _, path := range []string{"/certifications/redirect?imp_uid=imp_1", "/certifications/", "/cellar"} {
		if a := s.browser().get(path, fromProvider...); a.Header.Get("Refresh") != "" {
			t.Errorf("%s: status %d, Refresh %q", path, a.StatusCode, a.Header.Get("Refresh"))
		}
	}
}

// loginOf is an account by the app's own cookie.
func loginOf(r *http.Request) (string, error) {
	if c, err := r.Cookie("login"); err == nil {
		return c.Value, nil
	}
	return "", nil
}
