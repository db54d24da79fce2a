package certify

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
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
	return !strings.HasPrefix(u.Path, "//") && !strings.HasPrefix(resolveDots(u.EscapedPath()), "//") && !strings.ContainsAny(u.Path, "\\\r\n\t\x00")
}

// resolveDots returns the path that browsers make of one with dot segments (URL
// standard, "path state"). No browser leaves the origin by what is left. But
// /x/..//host becomes //host, which a script that reads location.pathname may
// take for an address.
func resolveDots(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		case ".":
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// escapeLikeBrowser returns s with the bytes escaped that browsers escape in
// paths, queries and fragments (URL standard, "percent-encoded bytes"): people
// and scripts pass on decoded addresses such as /cellar/와인. What browsers drop
// or convert, such as a line end or a backslash, stays and is refused.
func escapeLikeBrowser(s string) string {
	if !utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > 0x7e || strings.IndexByte(" \"<>^`{}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
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
	// Browsers keep empty segments where path.Clean drops them: what counts are
	// both the path that they send and what a router makes of it.
	sent, err := url.PathUnescape(resolveDots(u.EscapedPath()))
	if err != nil {
		return false
	}
	for _, p := range []string{path.Clean(u.Path), path.Clean(sent)} {
		if p == mount || strings.HasPrefix(p, mount+"/") {
			return false
		}
	}
	return true
}

// isPlainPath reports whether s is a path that a route can have as it is, without
// a slash at its end.
func isPlainPath(s string) bool {
	return isLocalPath(s) && !strings.ContainsAny(s, "?#%") && path.Clean(s) == s && s != "/"
}

// returnTo reads the parameter of that name, "" if it is absent.
func (h *Handler) returnTo(values url.Values) (string, error) {
	s := values.Get("return_to")
	if s == "" {
		return "", nil
	}
	if s = addressOn(h.sessions.origin, s); !h.mayReturn(s) {
		return "", CodeReturnPathRefused
	}
	return s, nil
}

// addressOn returns s as browsers write it, and an address of the origin as its
// path. By http, too: a front server behind a balancer that ends TLS knows no
// other scheme (Traefik's {url}).
func addressOn(origin, s string) string {
	s = escapeLikeBrowser(s)
	for _, origin := range []string{origin, strings.Replace(origin, "https:", "http:", 1)} {
		if rest, ok := strings.CutPrefix(s, origin); ok && (rest == "" || strings.ContainsRune("/?#", rune(rest[0]))) {
			if !strings.HasPrefix(rest, "/") {
				rest = "/" + rest
			}
			return rest
		}
	}
	return s
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
	if back = boundReturn(escapeLikeBrowser(back)); isLocalPath(back) {
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

// maxReturnQuery is how many bytes return_to may take in a redirect's address.
// The head of the answer then stays below 4 KiB, the buffer that nginx has for
// it (ngx_http_proxy_module, proxy_buffer_size); beyond that it answers 502.
const maxReturnQuery = 3000

// boundReturn returns back if it fits into a redirect's address. Of a longer one
// the query is left out; if that is not enough, all of it.
func boundReturn(back string) string {
	path, _, _ := strings.Cut(back, "?")
	for _, s := range []string{back, path} {
		if len(s) <= maxReturnPath && len(url.QueryEscape(s)) <= maxReturnQuery {
			return s
		}
	}
	return ""
}
