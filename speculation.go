package certify

import (
	"net/http"
	"strings"
)

// Browsers load pages ahead: by Speculation Rules, which CDNs add to whole
// sites, and by link rel=prefetch. What they keep is shown later without a
// request. A refusal must not be kept: who verified meanwhile would see the
// start page again, and pay again. Nor may an admitted page outlast a sign-out.

// isSpeculative reports whether a browser asks for a page that nobody opened
// yet: by Sec-Purpose (Fetch standard, "Sec-Purpose header"), which begins with
// prefetch for prerendering, too, or by a header that browsers sent before.
func isSpeculative(r *http.Request) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		for _, value := range r.Header[name] {
			value = strings.ToLower(strings.TrimSpace(value))
			if strings.HasPrefix(value, "prefetch") || strings.HasPrefix(value, "preview") {
				return true
			}
		}
	}
	return false
}

// actsOrLeads reports whether what a path below the Handler's serves must wait
// for the visitor: the start page and whatever begins, completes or ends
// something. Scripts, keys and what a page asks about its claim need not wait.
func actsOrLeads(rest string) bool {
	switch rest {
	case "/claim", "/check", "/jwks.json", "/certify.js", "/certify.d.ts":
		return false
	}
	return true
}

// forgetSpeculation makes the browser drop what it loaded ahead under the claim
// of before (Clear Site Data, with the types of the Speculation Rules draft).
// Browsers without them ignore the header.
func forgetSpeculation(h http.Header) {
	h.Add("Clear-Site-Data", `"prefetchCache", "prerenderCache"`)
}
