package certify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A clockedStore has a wall clock that is set forwards and backwards, and a
// monotonic one beside it.
type clockedStore struct {
	*shop
	elapsed time.Duration
}

func newSteppedStore(t testing.TB, limit int) *clockedStore {
	s := &clockedStore{shop: newShop(t, limit)}
	s.SetElapsed(func() time.Duration { return s.elapsed })
	return s
}

// pass lets time pass. Setting the clock alone is wait.
func (s *clockedStore) pass(d time.Duration) { s.elapsed += d; s.wait(d) }

// Nothing is forgotten early, however the clock is set: held against a plain
// list, which forgets nothing.
func TestMemoryStoreUnderSteppedClocks(t *testing.T) {
	t.Parallel()
	type entry struct {
		value   string
		wall    time.Time
		elapsed time.Duration
		ended   bool // by both clocks at once: it may be forgotten from then on
	}
	steps := []time.Duration{time.Second, time.Minute, 2 * time.Hour, 13 * time.Hour, 60 * 365 * 24 * time.Hour}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 2))
		s, model, off := newSteppedStore(t, 400), make(map[string]*entry), time.Duration(0)
		for step := range 1500 {
			key, value := fmt.Sprint(r.IntN(60)), fmt.Sprint(step)
			ttl := time.Duration(1 + r.Int64N(int64(12*time.Hour)))
			there := model[key]
			over := there == nil || s.elapsed >= there.elapsed && !s.now().Before(there.wall)
			next := &entry{value: value, wall: s.now().Add(ttl), elapsed: s.elapsed + ttl}
			switch r.IntN(5) {
			case 0:
				s.put(key, value, ttl)
				model[key] = next
			case 1:
				got := s.add(key, value, ttl)
				switch {
				case got == value && (over || there.ended):
					model[key] = next
				case over || got != there.value:
					t.Fatalf("seed %d, step %d: %q stands", seed, step, got)
				}
			case 2:
				got := s.get(key)
				switch {
				case over && got != "-":
					t.Fatalf("seed %d, step %d: %q is there after its time", seed, step, got)
				case !over && got != there.value && !there.ended:
					t.Fatalf("seed %d, step %d: %q, want %q: it was forgotten early", seed, step, got, there.value)
				}
			case 3:
				s.pass(time.Duration(r.Int64N(int64(time.Hour))))
			case 4: // the clock is set, and mostly set right again
				change := steps[r.IntN(len(steps))]
				switch {
				case off != 0:
					change = -off
				case r.IntN(2) == 0:
					change = -change
				}
				off += change
				s.wait(change)
			}
			for _, e := range model {
				e.ended = e.ended || s.elapsed >= e.elapsed && !s.now().Before(e.wall)
			}
		}
	}
}

// A clock that was behind by decades and is set right, or the other way round,
// leaves nothing that keeps what has expired in the store.
func TestMemoryStoreForgetsAfterAStep(t *testing.T) {
	t.Parallel()
	const decades = 50 * 365 * 24 * time.Hour
	for _, step := range []time.Duration{decades, -decades} {
		s := newSteppedStore(t, 400)
		s.wait(-step)
		for i := range 100 {
			s.put(fmt.Sprint("before", i), "1", 365*24*time.Hour)
		}
		s.wait(step)
		for i := range 20_000 {
			s.pass(10 * time.Second)
			s.put(fmt.Sprint("after", i), "1", time.Minute)
		}
		if n := s.Len(); n > 150 {
			t.Errorf("after a step of %s: %d entries, of which some 106 count", step, n)
		}
		if s.get("before0") != "1" {
			t.Errorf("after a step of %s: forgotten early", step)
		}
	}
	s := newSteppedStore(t, 400)
	for i := range 100 {
		s.put(fmt.Sprint("before", i), "1", time.Minute)
	}
	s.wait(-13 * time.Hour)
	for i := range 1000 { // those of before wait for the wall clock
		s.pass(10 * time.Second)
		s.put(fmt.Sprint("since", i), "1", time.Minute)
	}
	if n := s.Len(); n > 120 {
		t.Errorf("%d entries are there of which some 106 count: 100 wait for the wall clock", n)
	}
	for i := range 1000 {
		s.pass(10 * time.Minute)
		s.put(fmt.Sprint("after", i), "1", time.Minute)
	}
	if n := s.Len(); n > 10 {
		t.Errorf("%d entries are there a week after the clock was set back", n)
	}
}

// A clock that ran ahead for a while brings back no claim that was revoked,
// and no attempt that was redeemed.
func TestClockThatRanAhead(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	out := s.browser()
	out.pass()
	claim := "certify=" + out.cookie("certify")
	out.post("/certifications/logout", "")
	used := s.browser()
	s.provider.verify("imp_used", used.begin("/"))
	attempt := used.attemptCookies()
	id, _, _ := strings.Cut(strings.TrimPrefix(attempt, "certify-attempt-"), "=")
	s.provider.verify("imp_other", id)
	s.wait(50 * time.Minute) // of 90, as the clock has it
	if a := used.post("/certifications", `{"imp_uid":"imp_used"}`); a.StatusCode != 200 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	s.wait(-50 * time.Minute)
	for _, ahead := range []time.Duration{2 * time.Hour, 13 * time.Hour} {
		s.wait(ahead)
		for range 30 {
			b := s.browser()
			s.provider.verify("imp_1", b.begin("/"))
			b.post("/certifications", `{"imp_uid":"imp_1"}`)
		}
		s.wait(-ahead)
		if a := s.browser().get("/cellar", "Cookie", claim); a.code() != "claim_revoked" {
			t.Errorf("after %s ahead: a revoked claim: status %d: %s", ahead, a.StatusCode, a.body)
		}
		if a := s.browser().post("/certifications", `{"imp_uid":"imp_other"}`, "Cookie", attempt); a.code() != "attempt_used" {
			t.Errorf("after %s ahead: a used attempt: status %d: %s", ahead, a.StatusCode, a.body)
		}
	}
}

// An attempt is remembered for all of its life, though a clock that is ahead
// says that little of it is left: Redis counts by its own clock.
func TestUsedAttemptsAreRememberedInFull(t *testing.T) {
	t.Parallel()
	store := &ttlStore{MemoryStore: certify.NewMemoryStore(0, nil)}
	s := newSite(t, siteConfig{sessions: func(c *certify.SessionConfig) { c.Store = store }})
	b := s.browser()
	s.provider.verify("imp_1", b.begin("/"))
	s.wait(59 * time.Minute)
	if a := b.post("/certifications", `{"imp_uid":"imp_1"}`); a.StatusCode != 200 {
		t.Fatalf("status %d: %s", a.StatusCode, a.body)
	}
	if store.attempt < 90*time.Minute {
		t.Errorf("a used attempt is remembered for %s", store.attempt)
	}
	past := s.now().Add(-time.Hour)
	if err := s.sessions.Revoke(t.Context(), "some-jti", past); err != nil || store.revoked < certify.DefaultTTL {
		t.Errorf("error %v; a claim that has expired by this clock is revoked for %s", err, store.revoked)
	}
}

// A ttlStore notes how long attempts and revocations are remembered.
type ttlStore struct {
	*certify.MemoryStore
	attempt, revoked time.Duration
}

func (s *ttlStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	s.attempt = ttl
	return s.MemoryStore.PutIfAbsent(ctx, key, value, ttl)
}

func (s *ttlStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	s.revoked = ttl
	return s.MemoryStore.Put(ctx, key, value, ttl)
}
