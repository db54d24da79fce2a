package certify

import "net/http"

// separateFromOpener cuts the page off from the window that opened it, if that
// may be another site's. A page of this site's own keeps its windows.
//
// Start pages and refusals are always cut off. Were an admitted page not, an
// opener would read from its window's "closed" who is verified, an adult, and
// since when. Redirects say it, too: browsers obey the header on each of them
// (HTML standard, "create navigation params by fetching"). A value that the app
// set stays: it knows its own windows.
func separateFromOpener(h http.Header, r *http.Request) {
	const name = "Cross-Origin-Opener-Policy"
	if site := r.Header.Get("Sec-Fetch-Site"); site == "same-origin" || site == "none" {
		return
	}
	if isNavigation(r) && len(h[name]) == 0 {
		h.Set(name, "same-origin-allow-popups")
	}
}
