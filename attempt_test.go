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
