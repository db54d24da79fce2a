package certify_test

import (
	"net/http"
	"testing"
)

func TestVerificationOpensTheGate(t *testing.T) {
	t.Parallel()
	b := newSite(t, siteConfig{}).browser()
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("before: status %d", a.StatusCode)
	}
	b.pass()
	if a := b.get("/cellar", navigation...); a.StatusCode != http.StatusOK || a.body != "wine" {
		t.Fatalf("after: status %d: %s", a.StatusCode, a.body)
	}
	t.Log(b.get("/certifications/claim").body, b.cookie("certify"))
	t.Log(b.get("/certifications/?return_to=/cellar&reason=stale&max_age=1", navigation...).StatusCode)
	t.Log(b.log.String())
}
