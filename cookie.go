package certify

import (
	"iter"
	"net/http"
	"net/textproto"
	"strings"
)

// A cookieScope names, sets and clears cookies, so that what is set is what
// is cleared. Over https names carry the prefix __Host-, which makes browsers
// insist on Secure, on Path=/ and on no Domain: no sibling host can plant one
// (RFC 6265bis, section 4.1.3.2). Browsers refuse the prefix on plain http,
// which is for loopback origins only.
type cookieScope struct{ secure bool }

func (s cookieScope) name(suffix string) string {
	if s.secure {
		return "__Host-certify" + suffix
	}
	return "certify" + suffix
}

// set sets a cookie for maxAge seconds, or while the browser runs if that is 0.
// SameSite=Lax is enough: providers return by a same-origin POST or by a
// top-level GET.
func (s cookieScope) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (s cookieScope) clear(w http.ResponseWriter, name string) { s.set(w, name, "", -1) }

// requestCookies is how many cookies of one request net/http reads. Of a request
// with more it reads none, and so do we, whatever GODEBUG's httpcookiemaxnum is.
const requestCookies = 3000

// cookies yields the names and values of a request's cookies exactly as
// [http.Request.Cookies] reads them, without making a Cookie of each. A name
// that is not ours may be one that net/http passes over.
func cookies(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		lines, count := h["Cookie"], 0
		for _, line := range lines {
			count += strings.Count(line, ";") + 1
		}
		if count > requestCookies {
			return
		}
		for _, line := range lines {
			for part := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(textproto.TrimString(part), "=")
				if value, ok := cookieValue(value); ok && !yield(textproto.TrimString(name), value) {
					return
				}
			}
		}
	}
}

// cookieValues yields the values of the cookies of a name.
func cookieValues(h http.Header, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for got, value := range cookies(h) {
			if got == name && !yield(value) {
				return
			}
		}
	}
}

// cookieValue takes quotes away, and refuses what net/http refuses: bytes that
// RFC 6265, section 4.1.1, has in no value, but for spaces and commas.
func cookieValue(raw string) (value string, ok bool) {
	if len(raw) > 1 && raw[0] == '"' && raw[len(raw)-1] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	for i := range len(raw) {
		if notInCookie[raw[i]] {
			return "", false
		}
	}
	return raw, true
}

// notInCookie is a table, since tokens are long and read on every request.
var notInCookie = func() (table [256]bool) {
	for c := range table {
		table[c] = c < 0x20 || c >= 0x7f || c == '"' || c == ';' || c == '\\'
	}
	return table
}()
