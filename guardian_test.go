package certify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/sandbox"
)

// A family is the app of the example, running, with a sandbox.
type family struct {
	*httptest.Server
	consents *consents
	sandbox  *sandbox.Server
	api      *httptest.Server
}

func newFamily() (*family, error) {
	now := func() time.Time { return noon }
	f := &family{Server: httptest.NewUnstartedServer(nil), consents: &consents{
		byTicket: map[string]consent{"ticket-of-mina": {Child: "mina"}}, pepper: testPepper, now: now,
	}}
	key, err := certify.GenerateKey("HS256")
	keys, keyErr := certify.ParseKeys(key)
	people, peopleErr := sandbox.New(sandbox.Config{Now: now})
	if err := errors.Join(err, keyErr, peopleErr); err != nil {
		return nil, err
	}
	f.sandbox, f.api = people, httptest.NewServer(people)
	provider, err := iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret, PGProviders: []string{sandbox.Danal},
		InsecureBaseURL: f.api.URL, ScriptURL: f.api.URL + "/v1/iamport.js", Now: now,
	})
	if err != nil {
		return nil, err
	}
	sessions, err := certify.NewSessions(certify.SessionConfig{
		Origin: "http://" + f.Listener.Addr().String(), Keys: keys, Now: now, Account: signedIn, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	f.Config.Handler, err = newFamilySite(sessions, provider, f.consents)
	f.Start()
	return f, err
}

func (f *family) Close() {
	f.Server.Close()
	f.api.Close()
}

// browser is somebody's, signed in unless the account is "".
func (f *family) browser(account string) *http.Client {
	jar, _ := cookiejar.New(nil)
	if u, _ := url.Parse(f.URL); account != "" {
		jar.SetCookies(u, []*http.Cookie{{Name: "login", Value: account, Path: "/"}})
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask returns a status and what else matters: the code, or where to go.
func (f *family) ask(c *http.Client, method, path, contentType, body string) (string, map[string]any) {
	req, err := http.NewRequestWithContext(context.Background(), method, f.URL+path, strings.NewReader(body))
	if err != nil {
		return err.Error(), nil
	}
	req.Header.Set("Content-Type", contentType)
	res, err := c.Do(req)
	if err != nil {
		return err.Error(), nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	var doc map[string]any
	_ = json.Unmarshal(text, &doc)
	code, _ := doc["code"].(string)
	return strings.TrimSpace(fmt.Sprint(res.StatusCode, " ", code, res.Header.Get("Location"))), doc
}

func (f *family) club(c *http.Client) string {
	answer, _ := f.ask(c, http.MethodGet, "/club/", "", "")
	return answer
}

// agree ticks the box.
func (f *family) agree(c *http.Client, ticket string) string {
	answer, _ := f.ask(c, http.MethodPost, "/consent", "application/x-www-form-urlencoded", "ticket="+ticket)
	return answer
}

// verify goes the whole way as one of the sandbox's people.
func (f *family) verify(c *http.Client, person, purpose string) string {
	_, begun := f.ask(c, http.MethodPost, "/certifications/attempts", "application/json", `{"purpose":"`+purpose+`"}`)
	id, _ := begun["merchant_uid"].(string)
	done, err := f.sandbox.Verify(sandbox.Verification{MerchantUID: id, Person: person, PGProvider: sandbox.Danal})
	if err != nil {
		return err.Error()
	}
	answer, _ := f.ask(c, http.MethodPost, "/certifications", "application/json", `{"imp_uid":"`+done.ImpUID+`"}`)
	return answer
}

func startFamily(t *testing.T) *family {
	t.Helper()
	f, err := newFamily()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// What is kept of a consent proves it, and names nobody.
func TestGuardianConsentIsKept(t *testing.T) {
	t.Parallel()
	f := startFamily(t)
	guardian := f.browser("")
	if got := f.agree(guardian, "ticket-of-mina"); got != "303 /certifications/?purpose=guardian&return_to=/consent/thanks" {
		t.Fatal(got)
	}
	for range 2 { // a second time, too
		if got := f.verify(guardian, sandbox.Adult, "guardian"); got != "200" {
			t.Fatal(got)
		}
	}
	kept := f.consents.byTicket["ticket-of-mina"]
	if !kept.Verified.Equal(noon) || kept.Channel != sandbox.Danal || len(kept.Guardian) != 64 {
		t.Errorf("kept %+v", kept)
	}
	u, _ := url.Parse(f.URL)
	for _, c := range guardian.Jar.Cookies(u) {
		if c.Name == "certify" {
			t.Error("the guardian was given a claim")
		}
	}
}

// A consent is one child's, for the ticket that was agreed to.
func TestGuardianConsentIsOneChilds(t *testing.T) {
	t.Parallel()
	f := startFamily(t)
	guardian := f.browser("")
	f.agree(guardian, "ticket-of-mina")
	f.verify(guardian, sandbox.Adult, "guardian")
	for account, want := range map[string]string{"mina": "200", "jiho": "403 guardian_consent_required"} {
		child := f.browser(account)
		if got := f.verify(child, sandbox.Under14, ""); got != "200" {
			t.Fatal(got)
		}
		if got := f.club(child); got != want {
			t.Errorf("%s: %s, want %s", account, got, want)
		}
	}
	stranger := f.browser("")
	if got := f.agree(stranger, "no-such-ticket"); !strings.HasPrefix(got, "303") {
		t.Error(got)
	}
	if got := f.verify(stranger, sandbox.Adult, "guardian"); got != "403 consent_not_asked" {
		t.Errorf("without a ticket: %s", got)
	}
	u, _ := url.Parse(f.URL)
	stranger.Jar.SetCookies(u, []*http.Cookie{{Name: "consent", Value: "no-such-ticket", Path: "/"}})
	if got := f.verify(stranger, sandbox.Adult, "guardian"); got != "403 consent_not_given" {
		t.Errorf("with a made-up ticket: %s", got)
	}
}

// Somebody of 14 needs nobody's consent.
func TestGuardianConsentIsForChildren(t *testing.T) {
	t.Parallel()
	f := startFamily(t)
	youth := f.browser("sora")
	if got := f.verify(youth, sandbox.Minor, ""); got != "200" {
		t.Fatal(got)
	}
	if got := f.club(youth); got != "200" {
		t.Error(got)
	}
}

// Whoever verifies for a claim signs in first, and is told so before the fee.
func TestGuardianConsentTellsOfTheLogin(t *testing.T) {
	t.Parallel()
	f := startFamily(t)
	for _, tc := range []struct{ name, account, purpose, want string }{
		{"a visitor", "", "", "403 account_required"},
		{"a member", "mina", "", "201"},
		{"a guardian", "", "guardian", "201"},
	} {
		if got, _ := f.ask(f.browser(tc.account), http.MethodPost, "/certifications/attempts", "application/json", `{"purpose":"`+tc.purpose+`"}`); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
