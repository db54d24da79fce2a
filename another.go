package certify

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
)

// A refusal for a fact about the person ends a visit on a shared device unless
// another person can verify: the claim of a minor stays for hours, and the
// parent is refused by it. The page of such a refusal offers to sign the claim
// out and to begin anew.

// isAboutPerson reports whether a policy refused a known fact about the person,
// which no verification of the same person changes.
func (p problem) isAboutPerson() bool {
	return p.denial != nil && p.denial.Definite && !p.verifiable() && p.status == http.StatusForbidden
}

// signOutPath returns where a form signs the visitor out, or "" if no Handler
// serves the start page of these Sessions.
func (s *Sessions) signOutPath() string {
	if path := s.handlerPath.Load(); path != nil && s.startURL == *path+"/" {
		return *path + "/logout"
	}
	return ""
}

// refusedAge is how long a browser remembers where its claim was refused, in
// seconds. The cookie holds for one claim only, and the next claim ends it.
const refusedAge = 3600

// rememberRefusal lets the start page know that the claim does not admit to the
// page, which only its own policy can tell. Otherwise the start page would send
// back to the refusal, and nobody else could begin. The value is a hash: it
// names neither the page nor the claim. A forged one shows the start page.
func (s *Sessions) rememberRefusal(w http.ResponseWriter, c *Claim, returnTo string) {
	s.cookies.set(w, s.refusalCookie(), refusalOf(c, returnTo), refusedAge)
}

// wasRefused reports whether the gate of that page refused the claim before.
func (s *Sessions) wasRefused(r *http.Request, c *Claim, returnTo string) bool {
	for value := range cookieValues(r.Header, s.refusalCookie()) {
		if value == refusalOf(c, returnTo) {
			return true
		}
	}
	return false
}

func (s *Sessions) refusalCookie() string { return s.cookies.name("-refused") }

// refusalOf hashes the claim and the path of a page, without its query: one
// policy gates all of them.
func refusalOf(c *Claim, returnTo string) string {
	path, _, _ := strings.Cut(returnTo, "?")
	if clean, err := url.PathUnescape(path); err == nil {
		path = clean
	}
	sum := sha256.Sum256([]byte("certify refusal\x00" + c.ID + "\x00" + path))
	return b64.EncodeToString(sum[:16])
}
