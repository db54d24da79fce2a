package portone_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/iamport"
	"github.com/certify-go/certify/portone"
	"github.com/certify-go/certify/sandbox"
)

// A mover is a site that changes its providers: all else stays, as it does in
// a deployment with shared keys, pepper and Store.
type mover struct {
	t        *testing.T
	vendor   *sandbox.Server
	v1, v2   certify.Provider
	sessions *certify.Sessions
	log      *logbook

	mu       sync.Mutex
	accounts map[string]string // by a keyed hash of the CI
}

func newMover(t *testing.T) *mover {
	t.Helper()
	m := &mover{t: t, accounts: make(map[string]string), log: &logbook{}}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	m.vendor, err = sandbox.New(sandbox.Config{})
	must()
	m.v1, err = iamport.New(iamport.Config{
		Code: sandbox.DefaultCode, Key: sandbox.DefaultKey, Secret: sandbox.DefaultSecret, PGProviders: []string{sandbox.Danal},
		InsecureBaseURL: "http://127.0.0.1", Transport: inMemory{m.vendor},
	})
	must()
	m.v2, err = portone.New(portone.Config{
		StoreID: sandbox.DefaultStoreID, Secret: sandbox.DefaultAPISecret, ChannelKeys: []string{sandbox.ChannelKeyDanal},
		InsecureBaseURL: "http://127.0.0.1", Transport: inMemory{m.vendor},
	})
	must()
	keys, err := certify.ParseKeys("hs256-secret:" + strings.Repeat("A", 43))
	must()
	m.sessions, err = certify.NewSessions(certify.SessionConfig{
		Origin: "https://shop.example", Keys: keys, Logger: slog.New(slog.NewTextHandler(m.log, nil)),
	})
	must()
	return m
}

// site is the site with these providers, the first for new attempts.
func (m *mover) site(first certify.Provider, others ...certify.Provider) http.Handler {
	m.t.Helper()
	h, err := certify.NewHandler(certify.HandlerConfig{
		Sessions: m.sessions, Provider: first, OtherProviders: others, Pepper: []byte(strings.Repeat("pepper", 6)), Accept: m.accept,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return h
}

// accept keeps one account for each person.
func (m *mover) accept(_ *http.Request, id *certify.Identity) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mac := hmac.New(sha256.New, []byte("a key for accounts"))
	mac.Write([]byte(id.CI))
	who := string(mac.Sum(nil))
	if m.accounts[who] == "" {
		m.accounts[who] = fmt.Sprint("account ", len(m.accounts)+1)
	}
	return m.accounts[who], nil
}

// A mark is what the browser sends back, after somebody was verified.
type mark url.Values

func (m *mover) throughV1(attempt, person string) mark {
	m.t.Helper()
	r, err := m.vendor.Verify(sandbox.Verification{MerchantUID: attempt, Person: person})
	if err != nil {
		m.t.Fatal(err)
	}
	return mark{"imp_uid": {r.ImpUID}, "merchant_uid": {attempt}, "success": {"true"}}
}

func (m *mover) throughV2(attempt, person string) mark {
	m.t.Helper()
	r, err := m.vendor.VerifyIdentity(sandbox.IdentityVerification{ID: attempt, Person: person})
	if err != nil {
		m.t.Fatal(err)
	}
	return mark{"identityVerificationId": {r.IdentityVerificationID}, "transactionType": {r.TransactionType}}
}

// beginAt begins an attempt at a site, and checks which API it is for.
func (m *mover) beginAt(v *visitor, site http.Handler, idName string) string {
	m.t.Helper()
	v.shop = site
	v.post("/certifications/attempts", url.Values{"return_to": {"/"}})
	_, rest, found := strings.Cut(v.body, `"`+idName+`":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if !found || len(id) != 32 {
		m.t.Fatalf("no attempt by the name %s: %s", idName, v.body)
	}
	return id
}

// claims posts the mark to a site and returns the claim that it brings.
func (m *mover) claims(what string, v *visitor, site http.Handler, said mark) *certify.Claim {
	m.t.Helper()
	v.shop = site
	if status := v.post("/certifications/confirm", url.Values(said)); status != http.StatusOK {
		m.t.Fatalf("%s: HTTP %d %s", what, status, v.body)
	}
	c := m.held(v)
	if c == nil {
		m.t.Fatalf("%s: no claim", what)
	}
	return c
}

// held is the newest claim of a browser, nil without.
func (m *mover) held(v *visitor) (claim *certify.Claim) {
	for _, c := range v.cookies {
		if read, err := m.sessions.Read(m.t.Context(), c.Value); err == nil {
			claim = read
		}
	}
	return claim
}

// refuses wants the mark to bring nothing: which word is used is the Handler's
// own business.
func (m *mover) refuses(what string, v *visitor, site http.Handler, said mark) {
	m.t.Helper()
	v.shop = site
	before := len(v.cookies)
	if status := v.post("/certifications/confirm", url.Values(said)); status != http.StatusBadRequest && status != http.StatusForbidden {
		m.t.Errorf("%s: HTTP %d %s", what, status, v.body)
	}
	if len(v.cookies) != before {
		m.t.Errorf("%s: a cookie came with the refusal", what)
	}
}

func TestMoveToV2(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	before, during, after := m.site(m.v1), m.site(m.v2, m.v1), m.site(m.v2)

	old, other := &visitor{}, &visitor{}
	earlier := m.claims("before the move", old, before, m.throughV1(m.beginAt(old, before, "merchant_uid"), sandbox.Adult))
	under := m.beginAt(old, before, "merchant_uid")
	said := m.throughV1(under, sandbox.Adult)
	if m.held(old) == nil {
		t.Error("the claim of before does not count")
	}

	across := m.claims("begun on V1, finished after the switch", old, during, said)
	again := m.claims("the same, reloaded", old, during, said)
	moved := m.claims("on V2", old, during, m.throughV2(m.beginAt(old, during, "identityVerificationId"), sandbox.Adult))
	stranger := m.claims("somebody else, on V2", other, during, m.throughV2(m.beginAt(other, during, "identityVerificationId"), sandbox.Foreigner))
	if across.ID != again.ID || across.ID == earlier.ID || across.ID == moved.ID {
		t.Error("an attempt brings one claim, and another attempt another")
	}
	for name, c := range map[string]*certify.Claim{"across": across, "on V2": moved} {
		if c.DIHash != earlier.DIHash || c.DIHash == "" || c.Subject != earlier.Subject || c.Subject != "account 1" {
			t.Errorf("%s: di_hash %q of %q, and before %q of %q", name, c.DIHash, c.Subject, earlier.DIHash, earlier.Subject)
		}
		if c.Age != earlier.Age || c.BirthYear != earlier.BirthYear || c.Nationality != earlier.Nationality {
			t.Errorf("%s: the claim says something else of the person", name)
		}
	}
	if stranger.DIHash == earlier.DIHash || stranger.Subject == earlier.Subject {
		t.Error("two people are one")
	}

	late := m.beginAt(other, before, "merchant_uid")
	saidLate := m.throughV1(late, sandbox.Foreigner)
	m.refuses("begun on V1, with V1 gone", other, after, saidLate)
	m.claims("the same, with V1 back", other, during, saidLate)
}

// TestMoveBack: what was begun on V2 finishes after a change of mind.
func TestMoveBack(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	during, back := m.site(m.v2, m.v1), m.site(m.v1, m.v2)
	v := &visitor{}
	said := m.throughV2(m.beginAt(v, during, "identityVerificationId"), sandbox.Adult)
	first := m.claims("begun on V2, finished on V1 first", v, back, said)
	second := m.claims("on V1", v, back, m.throughV1(m.beginAt(v, back, "merchant_uid"), sandbox.Adult))
	if first.DIHash != second.DIHash || first.DIHash == "" || first.Subject != second.Subject {
		t.Error("it is not the same person")
	}
}

// TestMoveKeepsProvidersApart: a callback goes to the provider that its attempt
// names, whichever parameters it brings.
func TestMoveKeepsProvidersApart(t *testing.T) {
	t.Parallel()
	m := newMover(t)
	before, during := m.site(m.v1), m.site(m.v2, m.v1)
	v := &visitor{}
	first := m.beginAt(v, before, "merchant_uid")
	m.refuses("a V2 verification under a V1 attempt", v, during, m.throughV2(first, sandbox.Adult))
	second := &visitor{}
	id := m.beginAt(second, during, "identityVerificationId")
	m.refuses("a V1 verification under a V2 attempt", second, during, m.throughV1(id, sandbox.Adult))

	both := &visitor{}
	one, two := m.beginAt(both, before, "merchant_uid"), m.beginAt(both, during, "identityVerificationId")
	m.refuses("a V2 verification of the V1 attempt, with a V2 attempt beside it", both, during, m.throughV2(one, sandbox.Adult))
	m.refuses("a V1 verification of the V2 attempt, with a V1 attempt beside it", both, during, m.throughV1(two, sandbox.Adult))
}
