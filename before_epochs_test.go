package certify_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A record is what the version before epochs made at noon: two seconds later
// bob's account was revoked, and carol had signed out.
type versionRecord struct {
	Claims   map[string]string
	Attempts map[string]struct{ ID, Token string }
	Entries  map[string]string
}

// newUpgraded makes the site of testdata/before_epochs.json with its Store.
func newUpgraded(t *testing.T) (*site, versionRecord) {
	t.Helper()
	raw, err := os.ReadFile("testdata/before_epochs.json")
	if err != nil {
		t.Fatal(err)
	}
	var rec versionRecord
	if err := json.Unmarshal(raw, &rec); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, siteConfig{
		sessions: func(c *certify.SessionConfig) {
			c.Origin, c.Store = "http://127.0.0.1:8080", &lossyStore{entries: maps.Clone(rec.Entries)}
		},
		handler: func(c *certify.HandlerConfig) {
			c.Purposes = []string{"recovery"}
			c.Accept = func(r *http.Request, _ *certify.Identity) (string, error) {
				return loginOf(r)
			}
		},
	})
	s.wait(10 * time.Second)
	return s, rec
}

func (rec versionRecord) redeem(s *site, attempt, impUID, account string) answer {
	a := rec.Attempts[attempt]
	if a.ID == "" {
		s.t.Fatalf("no attempt %q was recorded", attempt)
	}
	return s.browser().post("/certifications", `{"imp_uid":"`+impUID+`"}`, "Cookie", "certify-attempt-"+a.ID+"="+a.Token+"; login="+account)
}

// What an earlier version made means what it meant.
func TestWhatWasMadeBeforeEpochs(t *testing.T) {
	t.Parallel()
	s, rec := newUpgraded(t)
	wantGates := func(t *testing.T, want map[string]string) {
		t.Helper()
		for _, who := range slices.Sorted(maps.Keys(rec.Claims)) {
			if a := s.browser().get("/cellar", "Cookie", "certify="+rec.Claims[who]); a.code() != want[who] || (want[who] == "") != (a.StatusCode == http.StatusOK) {
				t.Errorf("%s: status %d: %s", who, a.StatusCode, a.body)
			}
		}
	}
	wantRedeems := func(t *testing.T, attempt, impUID, account, code string) {
		t.Helper()
		if a := rec.redeem(s, attempt, impUID, account); a.code() != code || (code == "") != (a.StatusCode == http.StatusOK) {
			t.Errorf("%s as %s: status %d: %s", attempt, account, a.StatusCode, a.body)
		}
	}
	wantGates(t, map[string]string{"bob": "claim_revoked", "carol": "claim_revoked"})
	for _, who := range []string{"alice", "bob", "carol"} { // the same verifications again
		s.provider.verify("imp_"+who, rec.Attempts["redeemed by "+who].ID, func(id *certify.Identity) { id.VerifiedAt = noon })
	}
	wantRedeems(t, "redeemed by alice", "imp_alice", "alice", "")
	wantRedeems(t, "redeemed by bob", "imp_bob", "bob", "claim_revoked")
	wantRedeems(t, "redeemed by carol", "imp_carol", "carol", "claim_revoked")
	s.provider.verify("imp_2", rec.Attempts["redeemed by alice"].ID)
	wantRedeems(t, "redeemed by alice", "imp_2", "alice", "attempt_used")
	s.provider.verify("imp_new", rec.Attempts["begun"].ID)
	wantRedeems(t, "begun", "imp_new", "bob", "") // later than the second that stands for bob
	s.provider.verify("imp_recovery", rec.Attempts["for a recovery"].ID)
	wantRedeems(t, "for a recovery", "imp_recovery", "bob", "")

	// A revocation of now ends all that names no epoch.
	b := s.browser()
	pass := func() string {
		attempt := b.begin("/cellar")
		s.provider.verify("imp_"+attempt[:12], attempt)
		if a := b.post("/certifications", `{"imp_uid":"imp_`+attempt[:12]+`"}`, "Cookie", "login=bob"); a.StatusCode != http.StatusOK {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		return b.cookie("certify")
	}
	later := pass()
	if a := s.browser().get("/cellar", "Cookie", "certify="+later); a.StatusCode != http.StatusOK {
		t.Errorf("issued after the second that stands: status %d: %s", a.StatusCode, a.body)
	}
	if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	if a := s.browser().get("/cellar", "Cookie", "certify="+later); a.code() != "claim_revoked" {
		t.Errorf("revoked since: status %d: %s", a.StatusCode, a.body)
	}
	wantRedeems(t, "begun", "imp_new", "bob", "claim_revoked")
	wantRedeems(t, "for a recovery", "imp_recovery", "bob", "claim_revoked") // a repeat
	wantGates(t, map[string]string{"bob": "claim_revoked", "carol": "claim_revoked"})
	if a := s.browser().get("/cellar", "Cookie", "certify="+pass()); a.StatusCode != http.StatusOK {
		t.Errorf("issued in the new epoch: status %d: %s", a.StatusCode, a.body)
	}
	if err := s.sessions.RevokeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantGates(t, map[string]string{"alice": "claim_revoked", "bob": "claim_revoked", "carol": "claim_revoked"})
	wantRedeems(t, "redeemed by alice", "imp_alice", "alice", "claim_revoked")
}

// During an upgrade an earlier version may still revoke: until then its seconds
// count for every claim, and what it cannot read, it refuses.
func TestAnEarlierVersionRevokesBeside(t *testing.T) {
	t.Parallel()
	store := &lossyStore{entries: map[string]string{}}
	s := newFleet(t, store)[0]
	if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	held := begunBy(s)
	held.redeem(t, "")
	key := ""
	for k := range store.entries {
		if strings.HasPrefix(k, "account:") {
			key = k
		}
	}
	if err := store.Put(t.Context(), key, "1786330800", time.Hour); err != nil { // noon
		t.Fatal(err)
	}
	held.gate(t, "claim_revoked")
	begunBy(s).redeem(t, "claim_revoked")
	s.wait(time.Second)
	after := begunBy(s)
	after.redeem(t, "")
	after.gate(t, "")
}

// A failingGet cannot read keys of a kind.
type failingGet struct {
	certify.Store
	prefix atomic.Pointer[string]
}

func (s *failingGet) Get(ctx context.Context, key string) (string, bool, error) {
	if prefix := s.prefix.Load(); prefix != nil && strings.HasPrefix(key, *prefix) {
		return "", false, errDown
	}
	return s.Store.Get(ctx, key)
}

// Whether an attempt was begun before a revocation, nobody can tell while the
// Store fails. Nothing is lost by it.
func TestEpochsNeedTheStore(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"account:", "account:all", "epoch:", "clock"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			store := &failingGet{Store: certify.NewMemoryStore(0, nil)}
			s := newFleet(t, store)[0]
			if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			p := begunBy(s)
			store.prefix.Store(&prefix)
			if prefix == "clock" {
				if a := s.browser().post("/certifications/attempts", `{}`); a.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("begin: status %d: %s", a.StatusCode, a.body)
				}
			} else {
				p.redeem(t, "store_unavailable")
			}
			store.prefix.Store(nil)
			p.redeem(t, "")
			p.gate(t, "")
		})
	}
}

// Whether all attempts for a purpose have ended, nobody can tell while the Store
// fails. No claim is made, whose own check would notice.
func TestPurposesNeedTheStore(t *testing.T) {
	t.Parallel()
	store := &failingGet{Store: certify.NewMemoryStore(0, nil)}
	s := newFleet(t, store)[0]
	p, site := begunForRecovery(t, s), "account:all"
	store.prefix.Store(&site)
	p.redeem(t, "store_unavailable")
	store.prefix.Store(nil)
	p.redeem(t, "")
}

func begunForRecovery(t *testing.T, s *site) *person {
	t.Helper()
	b := s.browser()
	attempt := b.post("/certifications/attempts", `{"purpose":"recovery"}`).json(t)["merchant_uid"].(string)
	return &person{b, s.provider.verify("imp_"+attempt[:16], attempt)}
}

// A storeThatWaits calls next once, when Accept has named an account.
type storeThatWaits struct {
	certify.Store
	next atomic.Pointer[func()]
}

func (s *storeThatWaits) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if strings.HasPrefix(key, "accepted:") {
		if next := s.next.Swap(nil); next != nil {
			(*next)()
		}
	}
	return s.Store.Put(ctx, key, value, ttl)
}

// A visitor signs out at another process while this one asks Accept: it hears of
// that from the Store alone.
func TestLogoutAtAnotherProcess(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*site) *person{
		"for a claim":   begunBy,
		"for a purpose": func(s *site) *person { return begunForRecovery(t, s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &storeThatWaits{Store: certify.NewMemoryStore(0, nil)}
			fleet := newFleet(t, store, 0)
			p := begin(fleet[0])
			signOut := func() {
				out := fleet[1].browser()
				if a := out.post("/certifications/logout", "", "Cookie", p.attemptCookies()); a.StatusCode >= 300 {
					t.Errorf("signing out: status %d: %s", a.StatusCode, a.body)
				}
			}
			store.next.Store(&signOut)
			p.redeem(t, "claim_revoked")
			p.redeem(t, "claim_revoked", "a repeat:")
		})
	}
}

// What stands in the Store and is none of certify's lets nobody in.
func TestEpochsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, key, value  string
		begins            int
		gate, redeemsCode string
	}{
		{"the clock is empty", "clock", "", 503, "", "store_unavailable"},
		{"the clock has no number", "clock", "AAAAAAAAAAAAAAAA", 503, "", "store_unavailable"},
		{"the clock has a number of many forms", "clock", "AAAAAAAAAAAAAAAA.01", 503, "", "store_unavailable"},
		{"the clock has a short id", "clock", "AAAA.1", 503, "", "store_unavailable"},
		{"the account's epoch is empty", "account:", "", 201, "claim_revoked", "claim_revoked"},
		{"the account's epoch is a word", "account:", "soon", 201, "claim_revoked", "claim_revoked"},
		{"the account's epoch is short", "account:", "eAAAA", 201, "claim_revoked", "claim_revoked"},
		{"the site's epoch is empty", "account:all", "", 201, "claim_revoked", "claim_revoked"},
		{"the site's epoch is a word", "account:all", "soon", 201, "claim_revoked", "claim_revoked"},
		{"when the epoch began is a word", "epoch:", "soon", 201, "", "store_unavailable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := &lossyStore{entries: map[string]string{}}
			s := newFleet(t, store)[0]
			held, waiting := begunBy(s), begunBy(s)
			if tc.key != "clock" {
				if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
				held, waiting = begunBy(s), begunBy(s)
			}
			held.redeem(t, "")
			found := tc.key == "account:all"
			for key := range store.entries {
				if strings.HasPrefix(key, tc.key) && (tc.key != "clock" || key == "clock") {
					store.entries[key], found = tc.value, true
				}
			}
			if tc.key == "account:all" {
				store.entries[tc.key] = tc.value
			}
			if !found {
				t.Fatal("there is no such entry")
			}
			held.gate(t, tc.gate)
			if a := s.browser().post("/certifications/attempts", `{}`); a.StatusCode != tc.begins {
				t.Errorf("begin: status %d: %s", a.StatusCode, a.body)
			}
			if tc.key != "clock" {
				waiting.redeem(t, tc.redeemsCode)
				begunBy(s).redeem(t, tc.redeemsCode)
			} else if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != certify.CodeStoreUnavailable {
				t.Errorf("RevokeAccount: %v", err)
			}
		})
	}
}
