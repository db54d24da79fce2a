package certify_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// newFleet makes processes of one site, whose clocks differ from the first's.
// Accept signs in bob; Account reads that login if accounts are compared.
func newFleet(t testing.TB, store certify.Store, ahead ...time.Duration) (all []*site) {
	t.Helper()
	var provider *fakeProvider
	for _, d := range append([]time.Duration{0}, ahead...) {
		s := newSite(t, siteConfig{
			sessions: func(c *certify.SessionConfig) {
				c.Origin, c.Store, c.Account, c.Bearer = "http://127.0.0.1:8080", store, loginOf, true
				c.Logger = slog.New(slog.DiscardHandler)
			},
			handler: func(c *certify.HandlerConfig) {
				if provider != nil {
					c.Provider = provider
				}
				c.Purposes, c.NativeApps = []string{"recovery"}, true
				c.Accept = func(*http.Request, *certify.Identity) (string, error) { return "bob", nil }
				c.SignIn = func(w http.ResponseWriter, _ *http.Request, _ *certify.Identity, account string) error {
					http.SetCookie(w, &http.Cookie{Name: "login", Value: account, Path: "/"})
					return nil
				}
			},
		})
		s.wait(d)
		if provider == nil {
			provider = s.provider
		}
		s.provider = provider
		all = append(all, s)
	}
	return all
}

// at is the same browser at another process.
func (b *browser) at(s *site) *browser { return &browser{s, b.jar, b.client} }

func TestRevocationsNeedNoCommonClock(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(*site) error{
		"RevokeAccount": func(s *site) error { return s.sessions.RevokeAccount(t.Context(), "bob") },
		"RevokeAll":     func(s *site) error { return s.sessions.RevokeAll(t.Context()) },
	} {
		for _, ahead := range []time.Duration{0, 3 * time.Second, 40 * time.Second, -40 * time.Second} {
			t.Run(fmt.Sprintf("%s, the other clock %s ahead", name, ahead), func(t *testing.T) {
				t.Parallel()
				fleet := newFleet(t, certify.NewMemoryStore(0, nil), ahead)
				for i, there := range fleet {
					here := fleet[1-i]
					held, waiting := there.browser(), there.browser()
					held.pass()
					there.provider.verify("imp_waiting", waiting.begin("/cellar"))
					for _, s := range fleet {
						if a := held.at(s).get("/cellar"); a.StatusCode != http.StatusOK {
							t.Fatalf("before: status %d: %s", a.StatusCode, a.body)
						}
					}
					if err := revoke(here); err != nil {
						t.Fatal(err)
					}
					for _, s := range fleet {
						if a := held.at(s).get("/cellar"); a.code() != "claim_revoked" {
							t.Errorf("a claim of before: status %d: %s", a.StatusCode, a.body)
						}
						if a := waiting.at(s).post("/certifications", `{"imp_uid":"imp_waiting"}`); a.code() != "claim_revoked" || signsIn(a) {
							t.Errorf("an attempt of before: status %d: %s", a.StatusCode, a.body)
						}
					}
					after := there.browser()
					after.pass()
					for _, s := range fleet {
						if a := after.at(s).get("/cellar"); a.StatusCode != http.StatusOK {
							t.Errorf("a claim of after: status %d: %s", a.StatusCode, a.body)
						}
					}
				}
			})
		}
	}
}

// Whom an attempt is for may be known only when Accept names the account.
func TestAttemptsBegunBeforeARevocation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	bob := func(s *site) error { return s.sessions.RevokeAccount(ctx, "bob") }
	all := func(s *site) error { return s.sessions.RevokeAll(ctx) }
	const recovery = `{"purpose":"recovery"}`
	for _, tc := range []struct {
		name, login string
		start       string
		before      func(*site) error // the attempt is begun
		after       func(*site) error
		refused     bool
	}{
		{name: "signed in", login: "bob", after: bob, refused: true},
		{name: "signed out", after: bob, refused: true},
		{name: "signed in, all revoked", login: "bob", after: all, refused: true},
		{name: "signed out, all revoked", after: all, refused: true},
		{name: "another account's", after: func(s *site) error { return s.sessions.RevokeAccount(ctx, "bo") }},
		{name: "nothing revoked"},
		{name: "begun after", before: bob},
		{name: "begun after, all revoked", before: all},
		{name: "begun after the first of two", before: bob, after: bob, refused: true},
		{name: "begun between both kinds", before: bob, after: all, refused: true},
		{name: "begun between both kinds, all revoked first", before: all, after: bob, refused: true},
		{name: "a purpose, which brings no claim", start: recovery, after: bob},
		{name: "a purpose, all revoked", start: recovery, after: all, refused: true},
		{name: "a purpose, begun after", start: recovery, before: all},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/certifications", "/certifications/native"} {
				s := newFleet(t, certify.NewMemoryStore(0, nil))[0]
				revoke := func(f func(*site) error) {
					if f == nil {
						return
					}
					if err := f(s); err != nil {
						t.Fatal(err)
					}
				}
				revoke(tc.before)
				var cookies []string
				if tc.login != "" {
					cookies = append(cookies, "Cookie", "login="+tc.login)
				}
				_, begun, header := s.rawPost(t, path+"/attempts", cmp.Or(tc.start, `{}`), cookies...)
				s.provider.verify("imp_1", begun["merchant_uid"].(string))
				revoke(tc.after)
				body := map[string]any{"imp_uid": "imp_1", "attempt": begun["attempt"]} // an app's
				if set, _, browsers := strings.Cut(header.Get("Set-Cookie"), ";"); browsers {
					delete(body, "attempt")
					cookies = append(cookies, "Cookie", set)
				}
				raw, _ := json.Marshal(body)
				status, doc, header := s.rawPost(t, path+"/confirm", string(raw), cookies...)
				code, signed := doc["code"], strings.Contains(fmt.Sprint(header["Set-Cookie"]), "login=bob")
				if (status != http.StatusOK) != tc.refused || tc.refused && code != "claim_revoked" || signed == tc.refused {
					t.Errorf("%s: status %d, %v, signed in: %t", path, status, code, signed)
				}
			}
		})
	}
}

// A steppedStore lets each call wait for its turn.
type steppedStore struct {
	certify.Store
	turn func()
}

func (s steppedStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	s.turn()
	return s.Store.PutIfAbsent(ctx, key, value, ttl)
}

func (s steppedStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	s.turn()
	return s.Store.Put(ctx, key, value, ttl)
}

func (s steppedStore) Get(ctx context.Context, key string) (string, bool, error) {
	s.turn()
	return s.Store.Get(ctx, key)
}

// A stepped call of RevokeAccount goes on when it is let.
type stepped struct {
	step chan struct{} // let it make one call of the Store
	at   chan error    // it waits for its next step, or it is closed after its end
	done bool
}

func revokeStepwise(t *testing.T, store certify.Store) *stepped {
	c := &stepped{step: make(chan struct{}), at: make(chan error)}
	s := quiet(t, func(sc *certify.SessionConfig) {
		sc.Store = steppedStore{store, func() { c.at <- nil; <-c.step }}
	})
	go func() {
		defer close(c.at)
		if err := s.RevokeAccount(context.WithoutCancel(t.Context()), "bob"); err != nil {
			c.at <- err
		}
	}()
	c.await(t)
	return c
}

func (c *stepped) await(t *testing.T) {
	err, waits := <-c.at
	if err != nil {
		t.Fatal(err)
	}
	c.done = !waits
}

func (c *stepped) next(t *testing.T) {
	c.step <- struct{}{}
	c.await(t)
}

// Two revocations of one account at once, in every order of their steps: an
// attempt begun before either is called brings nothing after that one
// returned, its claim of before is refused, and one begun after both counts.
func TestTwoRevocationsAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 30 {
		order := rand.New(rand.NewPCG(uint64(i), 7))
		t.Run(fmt.Sprint("order ", i), func(t *testing.T) {
			t.Parallel()
			store := certify.NewMemoryStore(0, nil)
			s := newFleet(t, store)[0]
			before := []*person{begunBy(s)}
			early := begunBy(s)
			early.redeem(t, "")
			calls := []*stepped{revokeStepwise(t, store), nil}
			for range order.IntN(8) { // the first goes some way alone, or all of it
				if !calls[0].done {
					calls[0].next(t)
					before = append(before, begunBy(s)) // none of these is before the first
				}
			}
			calls[1] = revokeStepwise(t, store)
			between := []*person{}
			for !calls[0].done || !calls[1].done {
				turn := order.IntN(8) / 4
				if i%3 > 0 && order.IntN(8) > 0 { // one is nearly always the faster
					turn = i % 3 % 2
				}
				if c := calls[turn]; !c.done {
					c.next(t)
				}
				p := begunBy(s)
				if order.IntN(3) == 0 {
					p.redeemAnyhow()
				}
				between = append(between, p)
			}
			for i, p := range before {
				p.redeem(t, "claim_revoked", "begun before the second,", i)
			}
			early.gate(t, "claim_revoked")
			late := begunBy(s)
			late.redeem(t, "")
			late.gate(t, "")
			for _, p := range between { // whatever it may bring, the next revocation ends it
				p.redeemAnyhow()
			}
			if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			for _, p := range append(between, late) {
				if p.cookie("certify") != "" {
					p.gate(t, "claim_revoked")
				}
			}
		})
	}
}

// A person has verified under an attempt of theirs.
type person struct {
	*browser
	id string
}

func begunBy(s *site) *person {
	b := s.browser()
	attempt := b.begin("/cellar")
	return &person{b, s.provider.verify("imp_"+attempt[:16], attempt)}
}

func (p *person) redeemAnyhow() answer {
	return p.post("/certifications", `{"imp_uid":"`+p.id+`"}`)
}

func (p *person) redeem(t *testing.T, code string, what ...any) {
	t.Helper()
	if a := p.redeemAnyhow(); a.code() != code || (code == "") != signsIn(a) {
		t.Errorf("%v status %d: %s", what, a.StatusCode, a.body)
	}
}

func (p *person) gate(t *testing.T, code string) {
	t.Helper()
	if a := p.get("/cellar"); a.code() != code || (code == "") != (a.StatusCode == http.StatusOK) {
		t.Errorf("the gate: status %d: %s", a.StatusCode, a.body)
	}
}

// A cutStore fails from some write on.
type cutStore struct {
	certify.Store
	mu     sync.Mutex
	left   int
	passes bool // the last write is done all the same
}

func (s *cutStore) cut() (fails, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left--
	return s.left < 0, s.left >= 0 || s.left == -1 && s.passes
}

func (s *cutStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (stands string, err error) {
	fails, done := s.cut()
	if done {
		stands, err = s.Store.PutIfAbsent(ctx, key, value, ttl)
	}
	if fails {
		return "", errDown
	}
	return stands, err
}

func (s *cutStore) Put(ctx context.Context, key, value string, ttl time.Duration) (err error) {
	fails, done := s.cut()
	if done {
		err = s.Store.Put(ctx, key, value, ttl)
	}
	if fails {
		return errDown
	}
	return err
}

// A revocation that fails half-way keeps nobody out for good: whoever verifies
// again gets in. Once it was written that the epoch ended, nothing of before
// counts, and the next call ends everything in any case.
func TestARevocationThatIsCutShort(t *testing.T) {
	t.Parallel()
	for left := range 4 {
		for _, passes := range []bool{false, true} {
			t.Run(fmt.Sprint(left, " writes, the next done: ", passes), func(t *testing.T) {
				t.Parallel()
				store := certify.NewMemoryStore(0, nil)
				s := newFleet(t, store)[0]
				held, waiting := begunBy(s), begunBy(s)
				held.redeem(t, "")
				cut := quiet(t, func(c *certify.SessionConfig) { c.Store = &cutStore{Store: store, left: left, passes: passes} })
				if err := cut.RevokeAccount(t.Context(), "bob"); err != certify.CodeStoreUnavailable {
					t.Fatal(err)
				}
				want := "claim_revoked"
				if left == 0 && !passes {
					want = ""
				}
				held.gate(t, want)
				waiting.redeem(t, want)
				for range 2 {
					after := begunBy(s)
					after.redeem(t, "")
					after.gate(t, "")
				}
				if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
				held.gate(t, "claim_revoked")
				waiting.redeem(t, "claim_revoked")
			})
		}
	}
}

// Each of two who advance the clock at once may be the last to write where it
// stands.
func TestTheClockIsFollowed(t *testing.T) {
	t.Parallel()
	store := certify.NewMemoryStore(0, nil)
	s := newFleet(t, store)[0]
	begunBy(s)
	stood, _, _ := store.Get(t.Context(), "clock")
	for range 3 {
		if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Put(t.Context(), "clock", stood, time.Hour); err != nil {
		t.Fatal(err)
	}
	p := begunBy(s)
	p.redeem(t, "")
	if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	p.redeem(t, "claim_revoked")
}

// A lossyStore loses its entries of some kinds.
type lossyStore struct {
	mu      sync.Mutex
	entries map[string]string
}

func (s *lossyStore) PutIfAbsent(_ context.Context, key, value string, _ time.Duration) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stands, ok := s.entries[key]; ok {
		return stands, nil
	}
	s.entries[key] = value
	return value, nil
}

func (s *lossyStore) Put(_ context.Context, key, value string, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = value
	return nil
}

func (s *lossyStore) Get(_ context.Context, key string) (string, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.entries[key]
	return value, ok, nil
}

func (s *lossyStore) lose(lost func(key string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.entries, func(key, _ string) bool { return lost(key) })
}

// What a Store loses brings no attempt of before to life, and locks nobody out.
func TestEpochsAfterALoss(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		lost     func(key string) bool
		repeated bool // the first attempt after the loss may count for nothing
	}{
		{"where the clock stands", func(key string) bool { return key == "clock" }, false},
		{"the clock", func(key string) bool { return strings.HasPrefix(key, "clock") }, false},
		{"when epochs began", func(key string) bool { return strings.HasPrefix(key, "epoch:") }, true},
		{"both", func(key string) bool {
			return !strings.HasPrefix(key, "account:") && !strings.HasPrefix(key, "attempt:")
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := &lossyStore{entries: map[string]string{}}
			s := newFleet(t, store)[0]
			held, waiting := begunBy(s), begunBy(s)
			held.redeem(t, "")
			for range 3 {
				if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
			}
			after := begunBy(s)
			after.redeem(t, "")
			store.lose(tc.lost)
			held.gate(t, "claim_revoked")
			waiting.redeem(t, "claim_revoked")
			after.gate(t, "")
			p := begunBy(s)
			if tc.repeated {
				p.redeemAnyhow()
				p = begunBy(s)
			}
			p.redeem(t, "")
			p.gate(t, "")
			if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			for _, old := range []*person{held, after, p} {
				old.gate(t, "claim_revoked")
				old.redeem(t, "claim_revoked")
			}
		})
	}
	t.Run("everything", func(t *testing.T) {
		t.Parallel()
		store := &lossyStore{entries: map[string]string{}}
		s := newFleet(t, store)[0]
		if err := s.sessions.RevokeAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		held, waiting := begunBy(s), begunBy(s)
		held.redeem(t, "")
		store.lose(func(string) bool { return true })
		if err := s.sessions.RevokeAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		held.gate(t, "claim_revoked")
		waiting.redeem(t, "claim_revoked")
		p := begunBy(s)
		p.redeem(t, "")
		p.gate(t, "")
	})
}

// An attempt's tick is signed. One that a version without a clock began has none.
func TestTicksOfAttempts(t *testing.T) {
	t.Parallel()
	const never, before = "attempt_missing", "claim_revoked"
	for _, tc := range []struct {
		name, clock string
		revoked     bool
		code        string
	}{
		{"none", "", false, ""},
		{"none, and the account's claims were revoked", "", true, before},
		{"the present one", `"LIFE.1"`, true, ""},
		{"one that is yet to come", `"LIFE.2"`, true, ""},
		{"the largest", `"LIFE.18446744073709551615"`, true, ""},
		{"the one before", `"LIFE.0"`, true, before},
		{"of another life", `"AAAAAAAAAAAAAAAA.9"`, true, before},
		{"of another life, and nothing was revoked", `"AAAAAAAAAAAAAAAA.9"`, false, ""},
		{"a number", "1", false, never},
		{"empty", `""`, false, never},
		{"null", "null", false, never},
		{"no life", `".1"`, false, never},
		{"no number", `"LIFE."`, false, never},
		{"a number in another form", `"LIFE.01"`, false, never},
		{"less than nothing", `"LIFE.-1"`, false, never},
		{"too large a number", `"LIFE.18446744073709551616"`, false, never},
		{"a short life", `"AAAA.1"`, false, never},
		{"a life with a line end", `"AAAAAAAA\nAAAAAAAA.1"`, false, never},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := &lossyStore{entries: map[string]string{}}
			s := newFleet(t, store)[0]
			begunBy(s)
			if tc.revoked {
				if err := s.sessions.RevokeAccount(t.Context(), "bob"); err != nil {
					t.Fatal(err)
				}
			}
			life, _, _ := strings.Cut(store.entries["clock"], ".")
			const id = "0123456789abcdef0123456789abcdef"
			f := hs256Forger(t, testKey)
			f.sign = hmacSHA256(derive(t, keyBytes(t, testKey), "certify attempt v1", 32))
			cookie := "certify-attempt-" + id + "=" + f.token(f.header("typ", `"certify-attempt+jwt"`), jsonObject([]string{
				"jti", quoted(id), "iat", fmt.Sprint(noon.Unix()), "provider", `"fake"`, "clock", strings.Replace(tc.clock, "LIFE", life, 1),
			}))
			s.provider.verify("imp_1", id)
			a := s.browser().post("/certifications", `{"imp_uid":"imp_1"}`, "Cookie", cookie)
			if a.code() != tc.code || (tc.code == "") != (a.StatusCode == http.StatusOK) {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
		})
	}
}

// A claim has no member for an epoch that nobody began.
func TestEpochsInTheClaim(t *testing.T) {
	t.Parallel()
	store := &lossyStore{entries: map[string]string{}}
	s := newFleet(t, store)[0]
	account := ""
	for i, revoke := range []func() error{
		func() error { return nil },
		func() error { return s.sessions.RevokeAccount(t.Context(), "bob") },
		func() error { return s.sessions.RevokeAll(t.Context()) },
	} {
		if err := revoke(); err != nil {
			t.Fatal(err)
		}
		for key, value := range store.entries {
			if strings.HasPrefix(key, "account:") && key != "account:all" {
				account = value
			}
		}
		want := []string{"", fmt.Sprintf(`,"account_epoch":%q`, account), fmt.Sprintf(`,"site_epoch":%q,"account_epoch":%q`, store.entries["account:all"], account)}[i]
		p := begunBy(s)
		p.redeem(t, "")
		payload := segment(t, strings.Split(p.cookie("certify"), ".")[1])
		_, rest, _ := strings.Cut(payload, `,"txn":"`)
		if _, epochs, _ := strings.Cut(rest, `"`); epochs != want+"}" {
			t.Errorf("the claim ends with %s, want %s", epochs, want+"}")
		}
	}
}
