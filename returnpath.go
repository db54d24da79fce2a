package certify

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

const maxReturnPath = 2048 // bytes

// isLocalPath reports whether every browser resolves s to a path of the origin
// it is on. It must be a path with perhaps a query, in printable ASCII as
// browsers write URLs. Browsers take \ for /, drop TAB, CR and LF, and take a
// second / for the start of a host.
func isLocalPath(s string) bool {
	if s == "" || len(s) > maxReturnPath || s[0] != '/' || strings.HasPrefix(s, "//") {
		return false
	}
	for _, c := range []byte(s) {
		if c < 0x21 || c > 0x7e || c == '\\' {
			return false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return false
	}
	return !strings.HasPrefix(u.Path, "//") && !strings.ContainsAny(u.Path, "\\\r\n\t\x00")
}

// isReturnPath is isLocalPath for what is not under mount: returning to a
// verification page would go round in circles.
func isReturnPath(s, mount string) bool {
	if !isLocalPath(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	p := path.Clean(u.Path) // a browser resolves dot segments, %2e included
	return p != mount && !strings.HasPrefix(p, mount+"/")
}

// isPlainPath reports whether s is a path that a route can have as it is, without
// a slash at its end.
func isPlainPath(s string) bool {
	return isLocalPath(s) && !strings.ContainsAny(s, "?#%") && path.Clean(s) == s && s != "/"
}

// mayReturn reports whether a visitor may be sent to s: a path of this origin
// that is not the Handler's, or a URL of a trusted origin.
func (h *Handler) mayReturn(s string) bool {
	if isReturnPath(s, h.publicPath) {
		return true
	}
	for _, origin := range h.trusted {
		if rest, ok := strings.CutPrefix(s, origin); ok && isLocalPath(rest) {
			return true
		}
	}
	return false
}

// startBehind is startFor at a path of the Handler's, to which nobody comes
// back: as after a form, the page that sent the request is returned to, unless
// it is the Handler's, too.
func (h *Handler) startBehind(r *http.Request, p problem) string {
	back := h.sessions.pageBehind(r)
	if !isReturnPath(back, h.publicPath) {
		back = ""
	}
	return h.sessions.startAt(back, p)
}

// startFor is where a visitor whom p refused on r may verify and come back.
// Of a script's or an unsafe request the page it was sent from is returned to,
// if it says which: what it asked for is no page, or not by GET.
func (s *Sessions) startFor(r *http.Request, p problem) string {
	if isSafe(r) && isNavigation(r) {
		return s.startAt(s.localOf(r.URL), p)
	}
	return s.startAt(s.pageBehind(r), p)
}

// pageBehind is the page of this origin that sent the request, or "".
func (s *Sessions) pageBehind(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host && from.Scheme+"://"+from.Host != s.origin {
		return ""
	}
	return pathOf(from)
}

// localOf is the path and query of a request as visitors see them.
func (s *Sessions) localOf(u *url.URL) string { return s.pathPrefix + pathOf(u) }

// home is where visitors go who asked for no page.
func (s *Sessions) home() string { return s.pathPrefix + "/" }

func pathOf(u *url.URL) string {
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

// startAt is where to verify because of p and come back to a path, if it is one.
func (s *Sessions) startAt(back string, p problem) string {
	q := url.Values{"reason": {string(p.code)}}
	if isLocalPath(back) {
		if !isLocalPath(s.startURL) { // on another host, where this path is not
			back = s.origin + back
		}
		q.Set("return_to", back)
	}
	if p.maxAge() > 0 {
		q.Set("max_age", strconv.FormatInt(p.maxAge(), 10))
	}
	return s.startURL + "?" + q.Encode()
}
