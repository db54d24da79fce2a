package certify_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

func TestAcceptNamesTheAccount(t *testing.T) {
	t.Parallel()
	newBrowser := func(t *testing.T) *browser {
		return newSite(t, siteConfig{
			sessions: func(c *certify.SessionConfig) { c.Account = loginCookie },
			handler: func(c *certify.HandlerConfig) {
				c.Accept = func(r *http.Request, id *certify.Identity) (string, error) {
					if id.Name != secretName || id.CI != secretCI || id.Provider != "fake" {
						return "", errors.New("not who was verified")
					}
					account, _ := loginCookie(r)
					return cmp.Or(account, "member-1"), nil
				}
				c.SignIn = func(w http.ResponseWriter, r *http.Request, id *certify.Identity, account string) error {
					if id.Name != secretName {
						return errors.New("not who was verified")
					}
					w.WriteHeader(http.StatusTeapot)
					_, _ = io.WriteString(w, "nothing of this")
					return setLogin(w, r, id, account)
				}
			},
		}).browser()
	}
	t.Run("signing up", func(t *testing.T) {
		t.Parallel()
		b := newBrowser(t)
		attempt := b.begin("/cellar")
		b.provider.verify("imp_1", attempt)
		for range 2 { // the second as the member that the first signed in
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
		}
		if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
			t.Errorf("the gate: status %d: %s", a.StatusCode, a.body)
		}
		if a := b.get("/cellar", "Cookie", "certify="+b.cookie("certify")+"; login=member-2"); a.StatusCode == http.StatusOK && !strings.Contains(b.cookie("login"), "member-1") {
			t.Error("another account entered")
		}
	})
	t.Run("another account", func(t *testing.T) {
		t.Parallel()
		b := newBrowser(t)
		b.pass()
		u, _ := url.Parse(b.URL)
		b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: "member-2", Path: "/"}})
		if a := b.get("/cellar"); a.StatusCode != http.StatusUnauthorized || a.code() != "claim_other_account" {
			t.Errorf("signed in as another: status %d: %s", a.StatusCode, a.body)
		}
		b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: "", Path: "/", MaxAge: -1}})
		if a := b.get("/cellar"); a.StatusCode != http.StatusUnauthorized || a.code() != "claim_other_account" {
			t.Errorf("signed out: status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("a callback begun under another account", func(t *testing.T) {
		t.Parallel()
		b := newBrowser(t)
		attempt := b.begin("/cellar")
		b.provider.verify("imp_1", attempt)
		u, _ := url.Parse(b.URL)
		b.jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: "member-2", Path: "/"}})
		if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusForbidden || a.code() != "attempt_other_account" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	var refusal error
	s := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", refusal }
	}})
	for _, tc := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"a denial", &certify.Denial{}, 409, "account_refused"},
		{"a denial with a code", &certify.Denial{Code: "no_ci", Detail: "CI가 없습니다."}, 403, "no_ci"},
		{"a denial in an error", fmt.Errorf("looking up: %w", &certify.Denial{}), 409, "account_refused"},
		{"a denial with reasons, and one that is nil", &certify.Denial{Code: "no_ci", Reasons: []*certify.Denial{nil, {Code: certify.CodeUnderage}}}, 403, "no_ci"},
		{"a nil denial", (*certify.Denial)(nil), 500, "internal"},
		{"a nil denial in an error", fmt.Errorf("looking up: %w", (*certify.Denial)(nil)), 500, "internal"},
		{"a fault", errors.New("database of 홍길동 is down"), 500, "internal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refusal = tc.err
			b := s.browser()
			attempt := b.begin("/cellar")
			id := b.provider.verify("imp_"+attempt, attempt)
			a := b.post("/certifications", `{"imp_uid":"`+id+`"}`)
			if a.StatusCode != tc.status || a.code() != tc.code || b.cookie("certify") != "" {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			page := b.get("/certifications/redirect?imp_uid="+id, navigation...)
			if page.StatusCode != tc.status || b.cookie("certify") != "" {
				t.Errorf("the page: status %d: %s", page.StatusCode, page.body)
			}
			refusal = nil
			if a := b.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != http.StatusOK {
				t.Errorf("accepted later: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// The operator reads whose slip it was.
func TestANilDenialIsSpelledOut(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Accept = func(*http.Request, *certify.Identity) (string, error) {
			var refused *certify.Denial
			return "bob", refused
		}
	}}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 500 || !strings.Contains(b.log.String(), "Accept returned a nil *Denial") {
		t.Errorf("status %d: %s\n%s", a.StatusCode, a.body, b.log.String())
	}
}

func TestPurposeIssuesNoClaim(t *testing.T) {
	t.Parallel()
	var saw string
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Purposes = []string{"guardian"}
		c.Accept = func(_ *http.Request, id *certify.Identity) (string, error) {
			saw = id.Purpose
			return "", nil
		}
	}}).browser()
	if a := b.post("/certifications/attempts", `{"purpose":"other"}`); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown purpose: status %d", a.StatusCode)
	}
	a := b.post("/certifications/attempts", `{"purpose":"guardian","return_to":"/done"}`)
	id := b.provider.verify("imp_1", a.json(t)["merchant_uid"].(string))
	a = b.post("/certifications", `{"imp_uid":"`+id+`"}`)
	if a.StatusCode != http.StatusOK || a.json(t)["return_to"] != "/done" || a.json(t)["claim"] != nil {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if saw != "guardian" || b.cookie("certify") != "" || b.get("/cellar").StatusCode != http.StatusUnauthorized {
		t.Errorf("purpose %q, cookie %q", saw, b.cookie("certify"))
	}
}
