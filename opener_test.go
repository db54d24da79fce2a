package certify_test

import (
	"net/http"
	"testing"

	"github.com/certify-go/certify"
)

// TestOpenerPolicy: what a gate admits, refuses or sends on is cut off from
// another site's window alike.
func TestOpenerPolicy(t *testing.T) {
	t.Parallel()
	const policy = "same-origin-allow-popups"
	s := newSite(t, siteConfig{routes: func(mux *http.ServeMux) {
		mux.Handle("/own", certify.Require(certify.MinAge(1))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		})))
	}})
	visitor, nobody := s.browser(), s.browser()
	visitor.pass()
	for _, tt := range []struct {
		name, path, site, mode string
		by                     *browser
		status                 int
		want                   string
	}{
		{"admitted, from another site", "/cellar", "cross-site", "navigate", visitor, 200, policy},
		{"admitted, from a sibling host", "/cellar", "same-site", "navigate", visitor, 200, policy},
		{"admitted, by a browser that does not say from where", "/cellar", "", "navigate", visitor, 200, policy},
		{"admitted, from a page of this origin", "/cellar", "same-origin", "navigate", visitor, 200, ""},
		{"admitted, typed", "/cellar", "none", "navigate", visitor, 200, ""},
		{"admitted, by a script", "/cellar", "cross-site", "cors", visitor, 200, ""},
		{"admitted, by a handler with a policy of its own", "/own", "cross-site", "navigate", visitor, 200, "same-origin"},
		{"sent to the start page", "/cellar", "cross-site", "navigate", nobody, 303, policy},
		{"the start page", "/certifications/?return_to=/", "cross-site", "navigate", nobody, 200, policy},
		{"sent back by the start page", "/certifications/?return_to=/", "cross-site", "navigate", visitor, 303, policy},
		{"sent on by the bare start page", "/certifications/", "cross-site", "navigate", visitor, 303, policy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.by.get(tt.path, "Sec-Fetch-Site", tt.site, "Sec-Fetch-Mode", tt.mode, "Accept", "text/html")
			if got := a.Header.Get("Cross-Origin-Opener-Policy"); a.StatusCode != tt.status || got != tt.want {
				t.Errorf("status %d with opener policy %q, want %d with %q", a.StatusCode, got, tt.status, tt.want)
			}
		})
	}
}
