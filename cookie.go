package certify

import "net/http"

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
