package certify_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// cookieLines are Cookie headers as servers get them.
var cookieLines = []string{
	"", "certify=a", "a=1; certify=b; c=3", "certify=a; certify=b", ";;certify=a;", "  certify = a ; x", "certify", "certify=", "=certify", "=",
	`certify="quoted"`, `certify="`, `certify=""`, `certify=a"b`, `certify="a"b"`, `certify=a\b`, "certify=a b,c", "certify= a", "certify=\ta\t",
	"certify=a\x00", "certify=a\x7f", "certify=가", "certify=\x1f; certify=good", "Certify=a", "certify2=a", "xcertify=a", "certify-attempt-1=a",
	"certify=a=b", "certify\t=a", "\rcertify=a\n", "certify=a\r\n", strings.Repeat("x=y; ", 100) + "certify=last",
}

// readAlike holds certify's reading of cookies against net/http's.
func readAlike(t *testing.T, lines ...string) {
	t.Helper()
	h := http.Header{"Cookie": lines}
	var want []string
	for _, c := range (&http.Request{Header: h}).CookiesNamed("certify") {
		want = append(want, c.Value)
	}
	if got := slices.Collect(certify.CookieValues(h, "certify")); !slices.Equal(got, want) {
		t.Errorf("%q: %q, net/http reads %q", lines, got, want)
	}
}

func TestCookieValues(t *testing.T) {
	t.Parallel()
	for _, line := range cookieLines {
		readAlike(t, line)
		readAlike(t, "a=b", line, "certify=z")
	}
	readAlike(t)
	for c := range 256 {
		readAlike(t, "certify=a"+string([]byte{byte(c)})+"b")
		readAlike(t, "certify"+string([]byte{byte(c)})+"=b")
	}
}

// Of more cookies than net/http reads, nobody reads any: neither claims nor
// attempts.
func TestVeryManyCookies(t *testing.T) {
	t.Parallel()
	readAlike(t, strings.Repeat("x=y; ", 2999)+"certify=last")
	readAlike(t, strings.Repeat("x=y; ", 3000)+"certify=last")
	readAlike(t, strings.Repeat(";", 1500), strings.Repeat(";", 1497)+"certify=last")
	readAlike(t, strings.Repeat(";", 1500), strings.Repeat(";", 1499)+"certify=last")
	b := newSite(t, siteConfig{}).browser()
	b.provider.verify("imp_1", b.begin("/"))
	attempt := b.attemptCookies()
	b.post("/certifications", `{"imp_uid":"imp_1"}`)
	claim := "certify=" + b.cookie("certify")
	for _, tc := range []struct {
		name             string
		others           int
		gate, completion int
	}{
		{"as many as are read", 2999, http.StatusOK, http.StatusOK},
		{"one more", 3000, http.StatusUnauthorized, http.StatusForbidden},
	} {
		many := strings.Repeat(";", tc.others)
		if a := b.site.browser().get("/cellar", "Cookie", many+claim); a.StatusCode != tc.gate {
			t.Errorf("%s: a gate: status %d: %s", tc.name, a.StatusCode, a.body)
		}
		if a := b.site.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", many+attempt); a.StatusCode != tc.completion {
			t.Errorf("%s: a callback: status %d: %s", tc.name, a.StatusCode, a.body)
		}
	}
}

func FuzzCookieValues(f *testing.F) {
	for _, line := range cookieLines {
		f.Add(line, "certify=second")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		readAlike(t, a, b)
	})
}
