package certify_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

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

// Whoever is paying under another app's attempt on this host does not lose it
// to a start here; but what does not open counts against the limit.
func TestTwoAppsOnOneHost(t *testing.T) {
	t.Parallel()
	s, other := newSite(t, siteConfig{}), newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Keys = testKeys(t, "hs256-secret:"+strings.Repeat("B", 42)+"A")
	}})
	b := s.browser() // whose cookies go to every port of the host
	there := &browser{other, b.jar, b.client}
	paying := there.begin("/film")
	there.provider.verify("imp_1", paying)
	for range 6 {
		b.begin("/wine")
	}
	if a := there.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != http.StatusOK {
		t.Errorf("the other app: status %d: %s", a.StatusCode, a.body)
	}
	for range 2 {
		b.begin("/wine")
	}
	if cookies := b.attemptCookies(); strings.Count(cookies, "certify-attempt-") != 8 || strings.Contains(cookies, paying) {
		t.Errorf("attempts that do not open are kept beyond the limit: %d", strings.Count(cookies, "certify-attempt-"))
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

// A header full of forged attempts costs 32 signatures, and no more.
func TestForgedAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	own := b.attemptCookies()
	for _, tc := range []struct{ forged, status int }{{32, http.StatusForbidden}, {31, http.StatusOK}} {
		cookies := strings.Repeat("certify-attempt-0=a.b.c; ", tc.forged) + own
		if a := b.site.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookies); a.StatusCode != tc.status {
			t.Errorf("behind %d forged attempts: status %d: %s", tc.forged, a.StatusCode, a.body)
		}
	}
}

func TestAllowStart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		err    error
		status int
		code   string
	}{
		{"an error", errors.New("홍길동 tried too often"), 500, "internal"},
		{"a code", certify.CodeAccountRequired, 403, "account_required"},
		{"a code in an error", fmt.Errorf("of 홍길동: %w", certify.CodeStoreUnavailable), 503, "store_unavailable"},
		{"a code of the app's own", certify.Code("tired"), 500, "internal"},
		{"a denial", &certify.Denial{Code: "tired", Detail: "내일 다시 오세요."}, 403, "tired"},
		{"a denial without a code", &certify.Denial{}, 429, "start_refused"},
		{"a nil denial", (*certify.Denial)(nil), 500, "internal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
				c.AllowStart = func(*http.Request) error { return tc.err }
			}}).browser()
			a := b.post("/certifications/attempts", "")
			if a.StatusCode != tc.status || a.code() != tc.code || b.attemptCookies() != "" {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			if (a.StatusCode == 503) != (a.Header.Get("Retry-After") != "") {
				t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
			}
			if d, ok := tc.err.(*certify.Denial); ok && d != nil && !strings.Contains(a.body, d.Detail) {
				t.Errorf("the visitor does not read %q: %s", d.Detail, a.body)
			}
		})
	}
}

// What may be begun can depend on what it is for.
func TestAllowStartSeesThePurpose(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.Purposes = []string{"guardian"}
		c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "", nil }
		c.AllowStart = func(r *http.Request) error {
			if r.FormValue("purpose") != "guardian" || r.FormValue("return_to") != "/done" {
				return certify.CodeAccountRequired
			}
			return nil
		}
	}}).browser()
	if a := b.post("/certifications/attempts", `{"return_to":"/done"}`); a.code() != "account_required" {
		t.Errorf("without a purpose: status %d: %s", a.StatusCode, a.body)
	}
	const form = "application/x-www-form-urlencoded"
	if a := b.post("/certifications/attempts?purpose=guardian", `{"return_to":"/done"}`); a.code() != "account_required" {
		t.Errorf("with a purpose that the attempt does not have: status %d: %s", a.StatusCode, a.body)
	}
	for contentType, body := range map[string]string{"application/json": `{"purpose":"guardian","return_to":"/done"}`, form: "purpose=guardian&return_to=/done"} {
		if a := b.do("POST", "/certifications/attempts", contentType, body); a.StatusCode != http.StatusCreated {
			t.Errorf("%s: status %d: %s", contentType, a.StatusCode, a.body)
		}
	}
}

// An app's own fields, such as a CAPTCHA's answer, may stand in the query or
// in the body, which counts where both have one.
func TestAllowStartSeesTheQuery(t *testing.T) {
	t.Parallel()
	var saw string
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) {
		c.AllowStart = func(r *http.Request) error {
			saw = r.FormValue("captcha") + r.FormValue("return_to")
			return nil
		}
	}}).browser()
	const json, form = "application/json", "application/x-www-form-urlencoded"
	for _, tc := range []struct{ name, query, contentType, body, want string }{
		{"the query", "?captcha=x", json, `{"return_to":"/cellar"}`, "x/cellar"},
		{"the query, beside a form", "?captcha=x", form, "return_to=/cellar", "x/cellar"},
		{"the body", "", json, `{"captcha":"y"}`, "y"},
		{"both", "?captcha=x&return_to=/wine", form, "captcha=y&return_to=/cellar", "y/cellar"},
		{"a return path that the attempt does not have", "?captcha=x&return_to=/wine", json, `{}`, "x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if a := b.do("POST", "/certifications/attempts"+tc.query, tc.contentType, tc.body); a.StatusCode != http.StatusCreated || saw != tc.want {
				t.Errorf("status %d, AllowStart sees %q, want %q", a.StatusCode, saw, tc.want)
			}
		})
	}
}
