package certify_test

import (
	"html/template"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

func TestOwnPages(t *testing.T) {
	t.Parallel()
	own := template.Must(template.New("problem.html").Parse(`<p class="own">{{.Code}}: {{.Message}} {{.Start}}</p>`))
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Pages = own
		c.PageHeader = func(h http.Header, nonce string) { h.Set("Content-Security-Policy", "script-src 'nonce-"+nonce+"'") }
	}}).browser()
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2012-01-01", noon) })
	a := b.get("/cellar", append([]string{"Accept-Language", "en"}, navigation...)...)
	if a.StatusCode != 403 || !strings.HasPrefix(a.body, `<p class="own">underage: You are not old enough`) || !strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "script-src 'nonce-") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if a := b.site.browser().get("/certifications/", navigation...); a.StatusCode != 200 || !strings.Contains(a.body, `id="verify"`) {
		t.Errorf("the start page is not the built-in: status %d: %s", a.StatusCode, a.body)
	}
}

func TestABrokenPageStillRefuses(t *testing.T) {
	t.Parallel()
	broken := template.Must(template.New("problem.html").Parse(`{{.NoSuchField}}`))
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Pages = broken }}).browser()
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2012-01-01", noon) })
	if a := b.get("/cellar", navigation...); a.StatusCode != 403 || strings.Contains(a.body, "wine") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

// Every reason of a combined policy is told, in the visitor's language.
func TestPageTellsEveryReason(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass(func(id *certify.Identity) { id.BirthDate = born(t, "2012-01-01", noon) })
	b.wait(time.Hour)
	for language, want := range map[string][]string{
		"ko": {"나이 제한이 있습니다", "나이 제한으로 이용하실 수 없습니다", "본인인증을 다시 해 주세요", `lang="ko"`},
		"en": {"There is an age limit", "You are not old enough", "please verify once more", `lang="en"`},
		"ja": {"나이 제한이 있습니다"},
	} {
		a := b.get("/pay", append([]string{"Accept-Language", language}, navigation...)...)
		for _, text := range want {
			if a.StatusCode != 403 || !strings.Contains(a.body, text) {
				t.Errorf("%s: status %d without %q: %s", language, a.StatusCode, text, a.body)
			}
		}
		if strings.Contains(a.body, "/certifications/?") {
			t.Errorf("%s: the page offers a verification that would not help", language)
		}
	}
}

// Nothing that came in the address or from the provider is echoed.
func TestPagesEchoNothing(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/cellar")
	for _, path := range []string{
		"/certifications/redirect?imp_uid=imp_404&error_msg=%3Cscript%3Ehello%3C/script%3E&error_code=hello",
		"/certifications/redirect?success=false&merchant_uid=" + attempt + "&error_msg=hello",
		"/certifications/redirect?imp_uid=hello-hello-hello-hello-hello-hello-hello-hello-hello",
		"/certifications/hello",
		"/certifications/?reason=hello&max_age=hello&return_to=/ok",
		"/certifications/?return_to=hello",
	} {
		for _, header := range [][]string{navigation, nil} {
			if a := b.get(path, header...); strings.Contains(a.body, "hello") {
				t.Errorf("%s: status %d: %s", path, a.StatusCode, a.body)
			}
		}
	}
}

func TestUnknownNationalityIsToldToTheOperator(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.Handle("/guests", certify.Require(certify.Foreigner())(http.NotFoundHandler()))
	}}).browser()
	b.pass(func(id *certify.Identity) { id.Nationality = certify.NationalityUnknown })
	for range 3 {
		if a := b.get("/guests"); a.StatusCode != 403 || a.code() != "nationality_unknown" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	}
	if n := strings.Count(b.log.String(), "foreigner option"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Without an account to issue it to, a claim would never count: no fee is
// taken for it.
func TestStartNeedsAnAccount(t *testing.T) {
	t.Parallel()
	account := ""
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Account = func(*http.Request) (string, error) { return account, nil }
	}}).browser()
	if a := b.post("/certifications/attempts", ""); a.StatusCode != 403 || a.code() != "account_required" {
		t.Errorf("signed out: status %d: %s", a.StatusCode, a.body)
	}
	account = "member-1"
	b.pass()
	token := b.cookie("certify")
	account = ""
	b.get("/cellar", navigation...)
	account = "member-1"
	if a := b.get("/cellar"); a.StatusCode != 200 || b.cookie("certify") != token {
		t.Errorf("signed in again: status %d: %s", a.StatusCode, a.body)
	}
}

// A policy's denial cannot borrow a code that sends the visitor to verify: the
// start page would find the claim good and send them back, for ever. What no
// verification helps is worth no fee, whatever the code.
func TestADenialIsNoMissingClaim(t *testing.T) {
	t.Parallel()
	for _, code := range []certify.Code{certify.CodeVerificationRequired, certify.CodeClaimExpired, certify.CodeClaimRevoked, certify.CodeStale} {
		b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
			mux.Handle("/own", certify.Require(certify.PolicyFunc(func(time.Time, *certify.Claim) error {
				return &certify.Denial{Code: code}
			}))(http.NotFoundHandler()))
		}}).browser()
		b.pass()
		if a := b.get("/own", navigation...); a.StatusCode != 403 || b.cookie("certify") == "" || strings.Contains(a.body, `href="/certifications/`) {
			t.Errorf("%s: status %d to %q", code, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

func TestYouthMediaWithoutAccountsIsToldToTheOperator(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.Handle("/film", certify.Require(certify.YouthMedia())(http.NotFoundHandler()))
	}}).browser()
	b.pass()
	if a := b.get("/film"); a.StatusCode != 403 || a.code() != "account_required" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	if n := strings.Count(b.log.String(), "SessionConfig.Account is not set"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
