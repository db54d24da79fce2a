package certify_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A heldClaim is what the browser's cookie says.
type heldClaim struct {
	ID     string `json:"jti"`
	DIHash string `json:"di_hash"`
}

// claim reads the claim that the browser holds; without one it is empty.
func (b *browser) claim() (c heldClaim) {
	b.t.Helper()
	parts := strings.Split(b.cookie("certify"), ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		b.t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *browser) jti() string { return b.claim().ID }

func TestVerificationOpensTheGate(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("before: status %d", a.StatusCode)
	}
	attempt := b.begin("/cellar?shelf=1")
	id := b.provider.verify("imp_1", attempt)
	a := b.post("/certifications", `{"imp_uid":"`+id+`"}`)
	if a.StatusCode != http.StatusOK || a.json(t)["return_to"] != "/cellar?shelf=1" {
		t.Fatalf("callback: status %d: %s", a.StatusCode, a.body)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the callback's Cache-Control is %q", got)
	}
	a = b.get("/cellar", navigation...)
	if a.StatusCode != http.StatusOK || a.body != "wine" {
		t.Fatalf("after: status %d: %s", a.StatusCode, a.body)
	}
	if cc, vary := a.Header.Get("Cache-Control"), a.Header.Get("Vary"); cc != "private" || vary != "Cookie" {
		t.Errorf("a gated answer has Cache-Control %q and Vary %q", cc, vary)
	}
}

// The vendor's guides send the id in these ways, the third by mistake: jQuery
// sends form text under whatever label it is told.
func TestBodyForms(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, path, contentType, body string }{
		{"JSON", "/certifications", "application/json", `{"imp_uid":"%s"}`},
		{"JSON with all that the SDK gave", "/certifications/confirm", "application/json; charset=utf-8", `{"success":true,"imp_uid":"%s","pg_type":"certification","error_code":null,"n":1,"x":{"y":[]}}`},
		{"form", "/certifications/confirm", "application/x-www-form-urlencoded; charset=UTF-8", "imp_uid=%s"},
		{"form text labelled JSON", "/certifications", "application/json", "imp_uid=%s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			id := b.provider.verify("imp_1", b.begin("/cellar"))
			a := b.do("POST", tc.path, tc.contentType, fmt.Sprintf(tc.body, id))
			if a.StatusCode != http.StatusOK || b.get("/cellar").StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			first := b.jti()
			if again := b.do("POST", tc.path, tc.contentType, fmt.Sprintf(tc.body, id)); again.StatusCode != http.StatusOK || b.jti() != first {
				t.Errorf("again: status %d, jti %q after %q", again.StatusCode, b.jti(), first)
			}
		})
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, query string }{
		{"as documented", "imp_uid=%s&merchant_uid=%s&success=true"},
		{"without merchant_uid", "imp_uid=%[1]s&success=true"},
		{"badly encoded by a wrapper", "imp_uid=%s&merchant_uid=%s&error_msg=%%ZZ;&error_code=null"},
		{"claiming to have failed", "imp_uid=%s&merchant_uid=%s&success=false&error_msg=<script>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			b.begin("/other")
			attempt := b.begin("/cellar")
			b.begin("/third")
			path := "/certifications/redirect?" + fmt.Sprintf(tc.query, b.provider.verify("imp_1", attempt), attempt)
			for range 2 {
				a := b.get(path, navigation...)
				if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
					t.Fatalf("status %d to %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
				}
			}
			if a := b.get("/cellar"); a.StatusCode != http.StatusOK {
				t.Errorf("the gate answers %d", a.StatusCode)
			}
		})
	}
}

// Each row is one line of the order of checks: with its check deleted, the row
// ends in a claim or in another answer.
func TestCallbackRefusals(t *testing.T) {
	t.Parallel()
	body := func(id string) string { return `{"imp_uid":"` + id + `"}` }
	old := func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(-2*time.Minute - time.Second) }
	for _, tc := range []struct {
		name   string
		status int
		code   certify.Code
		asked  int // lookups at the provider
		visit  func(b *browser, attempt string) answer
	}{
		{"no attempt", 403, certify.CodeAttemptMissing, 0, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			return b.site.browser().post("/certifications", body("imp_1"))
		}},
		{"another browser's verification", 403, certify.CodeVerificationRefused, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			other := b.site.browser()
			other.begin("/")
			return other.post("/certifications", body("imp_1"))
		}},
		{"naming another browser's attempt", 403, certify.CodeAttemptMissing, 0, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			other := b.site.browser()
			other.begin("/")
			return other.post("/certifications", `{"imp_uid":"imp_1","merchant_uid":"`+attempt+`"}`)
		}},
		{"a record that names nobody's attempt", 403, certify.CodeVerificationRefused, 1, func(b *browser, _ string) answer {
			b.provider.verify("imp_1", "mid_1642391207671")
			return b.post("/certifications", body("imp_1"))
		}},
		{"an unknown verification", 403, certify.CodeVerificationRefused, 1, func(b *browser, _ string) answer {
			return b.post("/certifications", body("imp_404"))
		}},
		{"a refused verification, asked for again", 403, certify.CodeVerificationRefused, 1, func(b *browser, _ string) answer {
			b.post("/certifications", body("imp_404"))
			return b.post("/certifications", body("imp_404"))
		}},
		{"no id", 400, certify.CodeVerificationIDMissing, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", `{}`)
		}},
		{"no id after a failure", 409, certify.CodeVerificationCancelled, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", `{"success":false,"error_code":"9010"}`)
		}},
		{"a malformed id", 400, certify.CodeVerificationIDMalformed, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", body("../payments/imp_1"))
		}},
		{"an expired attempt", 403, certify.CodeAttemptExpired, 0, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			b.wait(90 * time.Minute)
			return b.post("/certifications", body("imp_1"))
		}},
		{"verified before the attempt", 403, certify.CodeVerificationOutOfTime, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, old)
			return b.post("/certifications", body("imp_1"))
		}},
		{"verified too late in the attempt", 403, certify.CodeVerificationOutOfTime, 1, func(b *browser, attempt string) answer {
			b.wait(30*time.Minute + time.Second)
			b.provider.verify("imp_1", attempt)
			return b.post("/certifications", body("imp_1"))
		}},
		{"redeemed too late", 403, certify.CodeVerificationOutOfTime, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			b.wait(time.Hour + time.Second)
			return b.post("/certifications", body("imp_1"))
		}},
		{"verified in the future", 403, certify.CodeVerificationOutOfTime, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(2*time.Minute + time.Second) })
			return b.post("/certifications", body("imp_1"))
		}},
		{"a second verification under the attempt", 409, certify.CodeAttemptUsed, 2, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			b.provider.verify("imp_2", attempt)
			if a := b.post("/certifications", body("imp_1")); a.StatusCode != 200 {
				return a
			}
			return b.post("/certifications", body("imp_2"))
		}},
		{"signed out since", 401, certify.CodeClaimRevoked, 2, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			b.post("/certifications", body("imp_1"))
			cookies := b.attemptCookies()
			b.post("/certifications/logout", "")
			return b.post("/certifications", body("imp_1"), "Cookie", cookies)
		}},
		{"a record that echoes another id", 502, certify.CodeProviderInvalid, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.ID = "imp_2" })
			return b.post("/certifications", body("imp_1"))
		}},
		{"a record without a birth date", 502, certify.CodeProviderInvalid, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.BirthDate = certify.BirthDate{} })
			return b.post("/certifications", body("imp_1"))
		}},
		{"too large", 413, certify.CodeRequestTooLarge, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", body(strings.Repeat("i", 16<<10)))
		}},
		{"not JSON", 400, certify.CodeRequestMalformed, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", `{"imp_uid":`)
		}},
		{"a member twice", 400, certify.CodeRequestMalformed, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", `{"imp_uid":"imp_1","imp_uid":"imp_2"}`)
		}},
		{"a list", 400, certify.CodeRequestMalformed, 0, func(b *browser, _ string) answer {
			return b.post("/certifications", `["imp_1"]`)
		}},
		{"XML", 415, certify.CodeMediaTypeUnsupported, 0, func(b *browser, _ string) answer {
			return b.do("POST", "/certifications", "text/xml", "<imp_uid/>")
		}},
		{"another site's form", 403, certify.CodeCrossOrigin, 0, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt)
			return b.post("/certifications", body("imp_1"), "Sec-Fetch-Site", "cross-site", "Origin", "https://attacker.example")
		}},
		{"PUT", 405, certify.CodeMethodNotAllowed, 0, func(b *browser, _ string) answer {
			return b.do("PUT", "/certifications/confirm", "application/json", body("imp_1"))
		}},
		{"no such page", 404, certify.CodeNotFound, 0, func(b *browser, _ string) answer {
			return b.get("/certifications/nothing")
		}},
		{"a query too long", 413, certify.CodeRequestTooLarge, 0, func(b *browser, _ string) answer {
			return b.get("/certifications/redirect?imp_uid=" + strings.Repeat("i", 17<<10))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			a := tc.visit(b, b.begin("/cellar"))
			if a.StatusCode != tc.status || a.code() != string(tc.code) {
				t.Errorf("status %d, code %q; want %d, %q: %s", a.StatusCode, a.code(), tc.status, tc.code, a.body)
			}
			if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type %q", got)
			}
			if b.provider.lookups != tc.asked {
				t.Errorf("%d lookups, want %d", b.provider.lookups, tc.asked)
			}
			if gate := b.get("/cellar"); tc.code != certify.CodeAttemptUsed && gate.StatusCode != http.StatusUnauthorized {
				t.Errorf("the gate answers %d", gate.StatusCode)
			}
		})
	}
}

// attemptCookies is the header of the attempts that the browser holds.
func (b *browser) attemptCookies() string {
	u, _ := url.Parse(b.URL)
	var pairs []string
	for _, c := range b.jar.Cookies(u) {
		if strings.HasPrefix(c.Name, "certify-attempt-") {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// The visitor can always go on: what failed for a passing reason passes later,
// with the same verification.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		fault  error
		status int
		code   certify.Code
	}{
		{"provider down", &certify.ProviderError{Code: certify.CodeProviderUnavailable, Detail: "connection refused"}, 503, certify.CodeProviderUnavailable},
		{"provider answers HTML", &certify.ProviderError{Code: certify.CodeProviderInvalid, Detail: "content type"}, 502, certify.CodeProviderInvalid},
		{"bad credentials", &certify.ProviderError{Code: certify.CodeProviderMisconfigured, Detail: "401"}, 503, certify.CodeProviderMisconfigured},
		{"an error of its own", errors.New("홍길동 01012345678"), 500, certify.CodeInternal},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			attempt := b.begin("/cellar")
			b.provider.verify("imp_1", attempt)
			b.provider.fail = func(string) error { return tc.fault }
			a := b.post("/certifications", `{"imp_uid":"imp_1"}`)
			if a.StatusCode != tc.status || a.code() != string(tc.code) {
				t.Fatalf("status %d, code %q: %s", a.StatusCode, a.code(), a.body)
			}
			if tc.status == 503 && a.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
			page := b.get("/certifications/redirect?imp_uid=imp_1&merchant_uid="+attempt, navigation...)
			if page.StatusCode != tc.status || !strings.Contains(page.body, "다시 확인") {
				t.Errorf("the page: status %d: %s", page.StatusCode, page.body)
			}
			b.provider.fail = nil
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
				t.Errorf("later: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestParallelCallbacksBringOneClaim(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_1", attempt)
	cookies := b.attemptCookies()
	var wg sync.WaitGroup
	answers := make([]answer, 100)
	for i := range answers {
		wg.Go(func() {
			answers[i] = b.site.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies)
		})
	}
	wg.Wait()
	for i, a := range answers {
		if a.StatusCode != http.StatusOK || a.body != answers[0].body || a.Header.Get("Set-Cookie") != answers[0].Header.Get("Set-Cookie") {
			t.Fatalf("answer %d differs: status %d: %s", i, a.StatusCode, a.body)
		}
	}
}

func TestPendingIsWaitedForAndSaid(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_1", attempt)
	pending := 1
	b.provider.fail = func(string) error {
		if pending--; pending >= 0 {
			return &certify.ProviderError{Code: certify.CodeVerificationPending, Detail: "not certified"}
		}
		return nil
	}
	if a := b.post("/certifications", `{"imp_uid":"imp_1","success":"false"}`); a.StatusCode != 409 || a.code() != "verification_cancelled" {
		t.Errorf("said to have failed: status %d: %s", a.StatusCode, a.body)
	}
	pending = 1
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
		t.Errorf("finished while waited for: status %d: %s", a.StatusCode, a.body)
	}
}

func TestAcceptNamesTheAccount(t *testing.T) {
	t.Parallel()
	signedIn := func(r *http.Request) string {
		if c, err := r.Cookie("login"); err == nil {
			return c.Value
		}
		return ""
	}
	newBrowser := func(t *testing.T) *browser {
		return newSite(t, siteConfig{
			sessions: func(c *certify.SessionConfig) { c.Account = signedIn },
			handler: func(c *certify.HandlerConfig) {
				c.Accept = func(w http.ResponseWriter, r *http.Request, id *certify.Identity) (string, error) {
					if id.Name != secretName || id.CI != secretCI || id.Provider != "fake" {
						return "", errors.New("not who was verified")
					}
					if account := signedIn(r); account != "" {
						return account, nil
					}
					http.SetCookie(w, &http.Cookie{Name: "login", Value: "member-1", Path: "/"})
					w.WriteHeader(http.StatusTeapot)
					_, _ = io.WriteString(w, "nothing of this")
					return "member-1", nil
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
		c.Accept = func(http.ResponseWriter, *http.Request, *certify.Identity) (string, error) { return "", refusal }
	}})
	for _, tc := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"a denial", &certify.Denial{}, 409, "account_refused"},
		{"a denial with a code", &certify.Denial{Code: "no_ci", Detail: "CI가 없습니다."}, 403, "no_ci"},
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
			refusal = nil
			if a := b.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != http.StatusOK {
				t.Errorf("accepted later: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

func TestPurposeIssuesNoClaim(t *testing.T) {
	t.Parallel()
	var saw string
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Purposes = []string{"guardian"}
		c.Accept = func(_ http.ResponseWriter, _ *http.Request, id *certify.Identity) (string, error) {
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

func TestANewClaimReplacesTheOld(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	old := b.cookie("certify")
	b.wait(11 * time.Minute)
	if a := b.get("/pay"); a.StatusCode != http.StatusUnauthorized || a.code() != "stale" || a.json(t)["max_age"] != 600.0 {
		t.Fatalf("stale: status %d: %s", a.StatusCode, a.body)
	}
	a := b.get("/pay?order=1", navigation...)
	start, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode != http.StatusSeeOther || start.Query().Get("return_to") != "/pay?order=1" {
		t.Fatalf("status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.get(start.String(), navigation...); a.StatusCode != http.StatusOK {
		t.Errorf("the start page sends a stale claim back: status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	b.pass()
	if a := b.get("/pay"); a.StatusCode != http.StatusOK {
		t.Errorf("verified again: status %d: %s", a.StatusCode, a.body)
	}
	if a := b.get(start.String(), navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the start page asks for a fee again: status %d", a.StatusCode)
	}
	if a := b.site.browser().get("/cellar", "Cookie", "certify="+old); a.code() != "claim_revoked" {
		t.Errorf("the old claim: status %d: %s", a.StatusCode, a.body)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.pass()
	token := b.cookie("certify")
	if a := b.get("/certifications/logout"); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "POST" {
		t.Errorf("GET: status %d", a.StatusCode)
	}
	if a := b.post("/certifications/logout", ""); a.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if b.cookie("certify") != "" || b.attemptCookies() != "" {
		t.Error("cookies are left")
	}
	if a := b.get("/cellar", "Cookie", "certify="+token); a.code() != "claim_revoked" {
		t.Errorf("the token: status %d: %s", a.StatusCode, a.body)
	}
	if a := b.post("/certifications/logout", "", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a form: status %d", a.StatusCode)
	}
}

func TestClaimForThePage(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/certifications/claim"); a.StatusCode != http.StatusUnauthorized || a.code() != "verification_required" {
		t.Errorf("without: status %d: %s", a.StatusCode, a.body)
	}
	b.pass()
	a := b.get("/certifications/claim", "Sec-Fetch-Site", "same-origin")
	want := map[string]any{"age": 36.0, "birth_year": 1990.0, "foreigner": false, "auth_time": float64(noon.Unix()), "exp": float64(noon.Add(12 * time.Hour).Unix())}
	if got := a.json(t); len(got) != len(want) {
		t.Errorf("claim: %s", a.body)
	} else {
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %v, want %v", name, got[name], value)
			}
		}
	}
	if a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", a.Header)
	}
	for _, site := range []string{"same-site", "cross-site"} {
		if a := b.get("/certifications/claim", "Sec-Fetch-Site", site); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", site, a.StatusCode)
		}
	}
}

func TestAttemptCookies(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	first := b.begin("/first")
	for i := range 8 { // within one second
		b.begin(fmt.Sprintf("/n%d", i))
	}
	cookies := b.attemptCookies()
	if n := strings.Count(cookies, "certify-attempt-"); n != 8 || strings.Contains(cookies, first) {
		t.Errorf("%d attempts are kept, the oldest among them: %v", n, strings.Contains(cookies, first))
	}
	for range 8 {
		b.wait(time.Second)
		b.begin("/" + strings.Repeat("p", 2000))
	}
	if n := len(b.attemptCookies()); n > 8192 {
		t.Errorf("attempts take %d bytes of a request's header", n)
	}
	long := b.begin("/" + strings.Repeat("p", 2000))
	id := b.provider.verify("imp_1", long)
	if a := b.post("/certifications", `{"imp_uid":"`+id+`"}`); a.StatusCode != http.StatusOK {
		t.Errorf("a long return path: status %d: %s", a.StatusCode, a.body)
	}
}

func TestForgedAttemptCookies(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_1", attempt)
	name, token, _ := strings.Cut(b.attemptCookies(), "=")
	other := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Keys = testKeys(t, "hs256-secret:"+strings.Repeat("B", 42)+"A")
	}})
	for _, tc := range []struct{ name, cookie string }{
		{"under another name", "certify-attempt-00000000000000000000000000000000=" + token},
		{"truncated", name + "=" + token[:len(token)-2]},
		{"empty", name + "="},
		{"garbage", name + "=a.b.c"},
		{"a claim", func() string {
			c := b.site.browser()
			c.pass()
			return name + "=" + c.cookie("certify")
		}()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if a := b.site.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", tc.cookie); a.code() != "attempt_missing" {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
	t.Run("another site's", func(t *testing.T) {
		t.Parallel()
		if a := other.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", name+"="+token); a.code() != "attempt_missing" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("an attempt as a claim", func(t *testing.T) {
		t.Parallel()
		if a := b.site.browser().get("/cellar", "Cookie", "certify="+token); a.code() != "claim_malformed" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
}

func TestAllowStart(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.AllowStart = func(*http.Request) error { return errors.New("홍길동 tried too often") }
	}}).browser()
	a := b.post("/certifications/attempts", "")
	if a.StatusCode != http.StatusTooManyRequests || a.code() != "start_refused" || b.attemptCookies() != "" || a.Header.Get("Retry-After") == "" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

func TestStoreDownRefuses(t *testing.T) {
	t.Parallel()
	store := &failingStore{Store: certify.NewMemoryStore(0, nil)}
	b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Store = store }}).browser()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_1", attempt)
	store.set(errors.New("connection refused"))
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 503 || a.code() != "store_unavailable" || b.cookie("certify") != "" {
		t.Errorf("callback: status %d: %s", a.StatusCode, a.body)
	}
	store.set(nil)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
		t.Errorf("later: status %d: %s", a.StatusCode, a.body)
	}
	store.set(errors.New("connection refused"))
	if a := b.get("/cellar", navigation...); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("gate: status %d: %s", a.StatusCode, a.body)
	}
	if a := b.post("/certifications/logout", ""); a.StatusCode != 503 || b.cookie("certify") == "" {
		t.Errorf("logout: status %d", a.StatusCode)
	}
}

// Going back after signing out repeats the callback. The app is not asked to
// sign the person in again.
func TestARepeatAfterLogoutAsksNobody(t *testing.T) {
	t.Parallel()
	asked := 0
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Accept = func(http.ResponseWriter, *http.Request, *certify.Identity) (string, error) {
			asked++
			return "", nil
		}
	}}).browser()
	b.pass()
	cookies := b.attemptCookies()
	id := ""
	for id = range b.provider.records {
	}
	b.post("/certifications/logout", "")
	path := "/certifications/redirect?imp_uid=" + id
	if a := b.get(path, append([]string{"Cookie", cookies}, navigation...)...); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
		t.Errorf("navigating: status %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.get(path, "Cookie", cookies); a.code() != "claim_revoked" {
		t.Errorf("by fetch: status %d: %s", a.StatusCode, a.body)
	}
	if asked != 1 || b.cookie("certify") != "" {
		t.Errorf("Accept was asked %d times, cookie %q", asked, b.cookie("certify"))
	}
}
