package certify_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

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
		{"verified in the future", 409, certify.CodeVerificationPending, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(2*time.Minute + time.Second) })
			return b.post("/certifications", body("imp_1"))
		}},
		{"verified in a future after the attempt", 403, certify.CodeVerificationOutOfTime, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(30*time.Minute + time.Second) })
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
		{"a record without a time", 502, certify.CodeProviderInvalid, 1, func(b *browser, attempt string) answer {
			b.provider.verify("imp_1", attempt, func(id *certify.Identity) { id.VerifiedAt = time.Time{} })
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

// Where clocks differ nobody pays twice, and the operator hears by how much.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ahead time.Duration
		code  string
		fault string // in the log; none if ""
	}{
		{2 * time.Minute, "", ""},
		{3*time.Minute + 20*time.Second, "verification_pending", "the provider's clock is 3m0s ahead"},
		{9 * time.Hour, "verification_out_of_time", "the provider's clock is 9h0m0s ahead"},
	} {
		t.Run(tc.ahead.String(), func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{}).browser()
			b.provider.verify("imp_1", b.begin("/cellar"), func(id *certify.Identity) { id.VerifiedAt = id.VerifiedAt.Add(tc.ahead) })
			a := b.post("/certifications", `{"imp_uid":"imp_1"}`)
			if a.code() != tc.code || strings.Contains(b.log.String(), "operator_fault") != (tc.fault != "") || !strings.Contains(b.log.String(), tc.fault) {
				t.Errorf("status %d: %s\n%s", a.StatusCode, a.body, b.log.String())
			}
			if page := b.get("/certifications/redirect?imp_uid=imp_1", navigation...); tc.code == "verification_pending" && !strings.Contains(page.body, "다시 확인") {
				t.Errorf("the page: status %d: %s", page.StatusCode, page.body)
			}
			b.wait(tc.ahead - 2*time.Minute)
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 && tc.code == "verification_pending" {
				t.Errorf("later: status %d: %s", a.StatusCode, a.body)
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

// What something else wrote into the Store is neither redeemed nor unused.
func TestAnEntryThatIsNoneIsAFault(t *testing.T) {
	t.Parallel()
	for name, stands := range map[string]string{"another app's": "1", "without a time": "a b c"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := certify.NewMemoryStore(0, nil)
			b := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Store = store }}).browser()
			attempt := b.begin("/cellar")
			b.provider.verify("imp_1", attempt)
			if err := store.Put(t.Context(), "attempt:"+attempt, stands, time.Hour); err != nil {
				t.Fatal(err)
			}
			if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.code() != "store_unavailable" || b.cookie("certify") != "" {
				t.Errorf("callback: status %d: %s", a.StatusCode, a.body)
			}
			if log := b.log.String(); !strings.Contains(log, "operator_fault") || !strings.Contains(log, "nothing that certify put there") {
				t.Errorf("the operator does not hear of it:\n%s", log)
			}
			if a := b.post("/certifications/logout", ""); a.code() != "store_unavailable" {
				t.Errorf("logout: status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}
