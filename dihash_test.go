package certify_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/certify-go/certify"
)

// diHash is the di_hash of a verified person's claim, as the browser holds it.
func diHash(t *testing.T, pepper []byte, change func(*certify.Identity)) (hash string, present bool) {
	t.Helper()
	b := newSite(t, siteConfig{handler: func(c *certify.HandlerConfig) { c.Pepper = pepper }}).browser()
	b.pass(change)
	payload, err := b64url.DecodeString(strings.Split(b.cookie("certify"), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := make(map[string]any)
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(payload), "DI-of-somebody") {
		t.Error("the DI itself is in the claim")
	}
	hash, present = claims["di_hash"].(string)
	return hash, present
}

// The hash of the DI is keyed by the site's own pepper, the same for one person
// for ever, and absent where there is no DI: a hash of nothing would be
// everybody's.
func TestDIHash(t *testing.T) {
	t.Parallel()
	somebody := func(id *certify.Identity) { id.DI = "DI-of-somebody" }
	want := b64url.EncodeToString(hmacSHA256(testPepper)("di\x00DI-of-somebody"))
	if got, _ := diHash(t, testPepper, somebody); got != want {
		t.Errorf("di_hash is %q, not %q", got, want)
	}
	if got, _ := diHash(t, bytes.Repeat([]byte("other "), 8), somebody); got == want || len(got) != 43 {
		t.Errorf("with another site's pepper di_hash is %q", got)
	}
	if got, present := diHash(t, testPepper, func(id *certify.Identity) { id.DI = "" }); present {
		t.Errorf("without a DI di_hash is %q", got)
	}
}
