package certify_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/certify-go/certify"
)

const dropsPrefetches = `"prefetchCache", "prerenderCache"`

// TestSpeculativeRequests: what a browser loads ahead is never a refusal, a
// redirect or a start page that it could show later, and changes nothing.
func TestSpeculativeRequests(t *testing.T) {
	t.Parallel()
	denied := 0
	s := newSite(t, siteConfig{
		handler: func(c *certify.HandlerConfig) {
			c.Checks = map[string]certify.Policy{"adult": certify.YouthProtection()}
		},
	})
	own := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) {
		c.Deny = func(w http.ResponseWriter, r *http.Request, err error) {
			denied++
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		}
	}})
	headers := [][2]string{
		{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Sec-Purpose", "prefetch;anonymous-client-ip"},
		{"Purpose", "prefetch"}, {"X-Purpose", "preview"}, {"X-Moz", "prefetch"}, {"Sec-Purpose", "Prefetch; prerender"},
	}
	for _, header := range headers {
		visitor, nobody, minor := s.browser(), s.browser(), s.browser()
		visitor.pass()
		minor.pass(aMinor)
		attempt := nobody.begin("/cellar")
		nobody.provider.verify("imp_"+attempt[:12], attempt)
		callback := "/certifications/redirect?imp_uid=imp_" + attempt[:12]
		for _, tt := range []struct {
			name, method, path string
			by                 *browser
			refused            bool
		}{
			{"a gate without a claim", "GET", "/cellar", nobody, true},
			{"a gate that refuses the person", "GET", "/cellar", minor, true},
			{"a gate that admits", "GET", "/cellar", visitor, false},
			{"the start page", "GET", "/certifications/", nobody, true},
			{"the start page, with a claim", "GET", "/certifications/?return_to=/cellar", visitor, true},
			{"the callback of a phone", "GET", callback, nobody, true},
			{"an attempt", "POST", "/certifications/attempts", nobody, true},
			{"a sign-out", "POST", "/certifications/logout", visitor, true},
			{"forward authentication that refuses", "GET", "/certifications/check?policy=adult", nobody, true},
			{"forward authentication that admits", "GET", "/certifications/check?policy=adult", visitor, false},
			{"what a page asks about its claim", "GET", "/certifications/claim", visitor, false},
			{"the script", "GET", "/certifications/certify.js", nobody, false},
			{"a gate with an answer of the app's", "GET", "/cellar", own.browser(), true},
		} {
			t.Run(header[0]+" "+header[1]+"/"+tt.name, func(t *testing.T) {
				a := tt.by.do(tt.method, tt.path, "", "", append(slices.Clone(navigation), header[0], header[1])...)
				refused := a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Cache-Control") == "no-store" && a.Header.Get("Location") == ""
				if refused != tt.refused || !tt.refused && a.StatusCode >= 300 || len(a.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("status %d, refused %v, want %v", a.StatusCode, refused, tt.refused)
				}
			})
		}
		if a := nobody.get(callback, navigation...); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/cellar" {
			t.Errorf("%q: the callback that was loaded ahead is spent: status %d", header, a.StatusCode)
		}
		if a := visitor.get("/cellar", navigation...); a.StatusCode != http.StatusOK {
			t.Errorf("%q: the visitor was signed out ahead: status %d", header, a.StatusCode)
		}
	}
	if denied > 0 {
		t.Errorf("Deny answered %d requests that nobody made", denied)
	}
}

// TestOtherPurposesAreRequests: the headers' other values say nothing of loading ahead.
func TestOtherPurposesAreRequests(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	for _, value := range []string{"", "unload", "not-prefetch"} {
		if a := b.get("/cellar", append(slices.Clone(navigation), "Sec-Purpose", value)...); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: status %d", value, a.StatusCode)
		}
	}
}

// TestWhatWasLoadedAheadIsDropped: a callback and a sign-out change who may see
// what the browser keeps.
func TestWhatWasLoadedAheadIsDropped(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	attempt := b.begin("/cellar")
	b.provider.verify("imp_1", attempt)
	for _, step := range []struct {
		name string
		a    answer
		want string
	}{
		{"a refused callback", b.post("/certifications", `{"imp_uid":"imp_2"}`), ""},
		{"a callback", b.post("/certifications", `{"imp_uid":"imp_1"}`), dropsPrefetches},
		{"a gate", b.get("/cellar", navigation...), ""},
		{"a sign-out", b.post("/certifications/logout", ""), dropsPrefetches},
	} {
		if got := step.a.Header.Get("Clear-Site-Data"); got != step.want {
			t.Errorf("%s says Clear-Site-Data: %q, want %q", step.name, got, step.want)
		}
	}
}
