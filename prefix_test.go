package certify_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// newPrefixedSite is a site at /shop of a front server that takes /shop off.
func newPrefixedSite(t *testing.T) *site {
	t.Helper()
	var app *url.URL
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(app)
		p.Out.URL.Path, p.Out.URL.RawPath = strings.TrimPrefix(p.In.URL.Path, "/shop"), ""
		p.Out.Host = p.In.Host
	}})
	t.Cleanup(front.Close)
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Origin, c.PathPrefix = front.URL, "/shop" }})
	app, _ = url.Parse(s.URL)
	s.URL = front.URL + "/shop"
	return s
}

// TestPathPrefix: behind a front server that takes a prefix off, every address
// that visitors get has it.
func TestPathPrefix(t *testing.T) {
	t.Parallel()
	b := newPrefixedSite(t).browser()
	gate := b.get("/cellar?red=17", navigation...)
	start, err := url.Parse(gate.Header.Get("Location"))
	if err != nil || start.Path != "/shop/certifications/" || start.Query().Get("return_to") != "/shop/cellar?red=17" {
		t.Fatalf("the gate sends to %q", gate.Header.Get("Location"))
	}
	page := b.get("/certifications/?"+start.RawQuery, navigation...)
	for _, want := range []string{`data-path="/shop/certifications"`, `data-return-to="/shop/cellar?red=17"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the start page lacks %s", want)
		}
	}
	begun := b.post("/certifications/attempts", `{"return_to":"/shop/cellar"}`)
	if !strings.Contains(begun.body, "/shop/certifications/redirect\"") {
		t.Errorf("phones come back elsewhere: %s", begun.body)
	}
	attempt := begun.json(t)["merchant_uid"].(string)
	b.provider.verify("imp_1", attempt, aMinor)
	back := b.get("/certifications/redirect?imp_uid=imp_1", navigation...)
	if where := back.Header.Get("Location"); where != "/shop/cellar" {
		t.Errorf("the callback leads to %q", where)
	}
	refusal := b.get("/cellar", navigation...)
	for _, want := range []string{`action="/shop/certifications/logout"`, `value="/shop/cellar"`, `href="/shop/"`} {
		if !strings.Contains(refusal.body, want) {
			t.Errorf("the refusal lacks %s:\n%s", want, refusal.body)
		}
	}
	if a := b.get("/certifications/", navigation...); a.Header.Get("Location") != "/shop/" {
		t.Errorf("who needs no verification is sent to %q", a.Header.Get("Location"))
	}
	if a := b.do("POST", "/certifications/logout", "", "", navigation...); a.Header.Get("Location") != "/shop/" {
		t.Errorf("signing out leads to %q", a.Header.Get("Location"))
	}
	if doc := b.get("/cellar").json(t); !strings.HasPrefix(doc["verify_url"].(string), "/shop/certifications/?") {
		t.Errorf("verify_url is %v", doc["verify_url"])
	}
	if a := b.post("/certifications/attempts", `{"return_to":"/shop/certifications/claim"}`); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a verification may end at the Handler itself: %d", a.StatusCode)
	}
}

func TestPathPrefixIsPlain(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"shop", "/", "/shop/", "//shop", "/shop?a", "/a/../b", "/와인"} {
		_, err := certify.NewSessions(certify.SessionConfig{Origin: "https://shop.example", Keys: testKeys(t), PathPrefix: prefix})
		if err == nil || !strings.Contains(err.Error(), "SessionConfig.PathPrefix") {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}
