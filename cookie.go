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

// cookieValues yields the values of the cookies of a name exactly as
// [http.Request.CookiesNamed] reads them, without making a Cookie of each.
func cookieValues(h http.Header, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range h["Cookie"] {
			for part := range strings.SplitSeq(line, ";") {
				got, value, _ := strings.Cut(textproto.TrimString(part), "=")
				if textproto.TrimString(got) != name {
					continue
				}
				if value, ok := cookieValue(value); ok && !yield(value) {
					return
				}
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
