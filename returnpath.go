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

// mayReturn reports whether a visitor may be sent to s: a path of this origin
// that is not the Handler's, or a URL of a trusted origin.
func (h *Handler) mayReturn(s string) bool {
	if isReturnPath(s, h.path) {
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
// back: as after a form, the page that sent the request is returned to.
func (s *Sessions) startBehind(r *http.Request, p problem) string {
	asked := r.WithContext(r.Context())
	asked.Method = http.MethodPost
	return s.startFor(asked, p)
}

// startFor is where a visitor whom p refused on r may verify and come back.
// Of a script's or an unsafe request the page it was sent from is returned to,
// if it says which: what it asked for is no page, or not by GET.
func (s *Sessions) startFor(r *http.Request, p problem) string {
	back := r.URL
	if !isSafe(r) || !isNavigation(r) {
		back, _ = url.Parse(r.Referer())
		if back == nil || back.Host != r.Host && back.Scheme+"://"+back.Host != s.origin {
			back = &url.URL{}
		}
	}
	q := url.Values{"reason": {string(p.code)}}
	if local := (&url.URL{Path: back.Path, RawPath: back.RawPath, RawQuery: back.RawQuery}).String(); isLocalPath(local) {
		if !isLocalPath(s.startURL) { // on another host, where this path is not
			local = s.origin + local
		}
		q.Set("return_to", local)
	}
	if p.maxAge() > 0 {
		q.Set("max_age", strconv.FormatInt(p.maxAge(), 10))
	}
	return s.startURL + "?" + q.Encode()
}
