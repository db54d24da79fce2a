package certifytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A StoreSubject is a [certify.Store] under test.
type StoreSubject struct {
	certify.Store
	// Peer is the same store as another process uses it, nil if it serves only
	// one process.
	Peer certify.Store
	// Advance lets time pass for the store's entries, more than a year in all: it
	// sets the store's clock, or shortens what is left to each of them.
	Advance func(time.Duration)
}

// StoreSuite tests what certify needs of a [certify.Store], whose documentation
// it follows. open returns an empty store, each time another one; the suite
// runs its parts in parallel.
func StoreSuite(t *testing.T, open func(t testing.TB) StoreSubject) {
	t.Helper()
	late := newLateness(t)
	for _, part := range []struct {
		name string
		test func(*testing.T, storeTest)
	}{
		{"nothing is found in an empty store", testEmpty},
		{"the first put stands, and the others are told", testPutIfAbsent},
		{"a put replaces what stands", testPut},
		{"entries are found until their end and not after", testExpiry},
		{"a put gives a new end, and a refused put does not", testNewEnd},
		{"an end that is no end is refused", testBadTTL},
		{"one of a thousand callers wins", testRace},
		{"one of a few callers wins each of many keys, and none is dropped", testManyRaces},
		{"values come whole", testWhole},
		{"any key and value of the documented kind", testAlphabet},
		{"a call whose context has ended does nothing", testCancelled},
		{"a revocation is seen at once here and within a second elsewhere", testRevocation},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			subject := open(t)
			if subject.Store == nil || subject.Advance == nil {
				t.Fatal("StoreSuite needs a Store and Advance")
			}
			if subject.Peer == nil {
				subject.Peer = subject.Store
			}
			part.test(t, storeTest{subject, late})
		})
	}
}

func testEmpty(t *testing.T, s storeTest) {
	for _, key := range []string{"attempt:none", "revoked:none", "account:none", "k"} {
		s.misses(t, s.Store, key)
		s.misses(t, s.Peer, key)
	}
}

func testPutIfAbsent(t *testing.T, s storeTest) {
	s.claims(t, s.Store, "attempt:a", "first 1 x", time.Minute, "first 1 x")
	s.claims(t, s.Store, "attempt:a", "second", time.Minute, "first 1 x")
	s.claims(t, s.Peer, "attempt:a", "third", time.Minute, "first 1 x")
	s.claims(t, s.Peer, "attempt:a", "first 1 x", time.Minute, "first 1 x")
	s.finds(t, s.Store, "attempt:a", "first 1 x")
	s.finds(t, s.Peer, "attempt:a", "first 1 x")
	s.misses(t, s.Store, "attempt:A") // another key
	s.claims(t, s.Peer, "attempt:A", "other", time.Minute, "other")
}

func testPut(t *testing.T, s storeTest) {
	s.puts(t, s.Store, "attempt:a", "one", time.Minute)
	s.finds(t, s.Peer, "attempt:a", "one")
	s.puts(t, s.Peer, "attempt:a", "two", time.Minute)
	s.finds(t, s.Store, "attempt:a", "two")
	s.claims(t, s.Store, "attempt:a", "three", time.Minute, "two")
	s.puts(t, s.Store, "attempt:a", "two", time.Minute)
	s.finds(t, s.Store, "attempt:a", "two")
}

// testExpiry leaves minutes between what must be and what must not be: time
// goes on while it runs.
func testExpiry(t *testing.T, s storeTest) {
	for key, ttl := range map[string]time.Duration{"attempt:a": 90 * time.Minute, "attempt:short": 10 * time.Minute, "account:long": certify.MaxTTL} {
		s.claims(t, s.Store, key, "claimed", ttl, "claimed")
		s.puts(t, s.Store, key+"put", "put", ttl)
	}
	s.Advance(5 * time.Minute)
	s.finds(t, s.Store, "attempt:short", "claimed")
	s.finds(t, s.Peer, "attempt:shortput", "put")
	s.Advance(5*time.Minute + time.Millisecond)
	for _, key := range []string{"attempt:short", "attempt:shortput"} {
		s.misses(t, s.Store, key)
		s.misses(t, s.Peer, key)
	}
	s.claims(t, s.Peer, "attempt:short", "anew", time.Hour, "anew") // expired is absent
	s.finds(t, s.Store, "attempt:short", "anew")
	s.Advance(75 * time.Minute)
	s.finds(t, s.Store, "attempt:a", "claimed")
	s.Advance(5 * time.Minute)
	s.misses(t, s.Store, "attempt:a")
	s.Advance(certify.MaxTTL - 3*time.Hour)
	s.finds(t, s.Store, "account:long", "claimed")
	s.finds(t, s.Peer, "account:longput", "put")
	s.Advance(3 * time.Hour)
	s.forgets(t, s.Store, "account:long")
	s.forgets(t, s.Peer, "account:longput")
}

func testNewEnd(t *testing.T, s storeTest) {
	s.claims(t, s.Store, "refused", "stands", time.Hour, "stands")
	s.puts(t, s.Store, "longer", "v", time.Hour)
	s.puts(t, s.Store, "shorter", "v", 24*time.Hour)
	s.Advance(30 * time.Minute)
	s.claims(t, s.Store, "refused", "late", 24*time.Hour, "stands")
	s.puts(t, s.Store, "longer", "v", 24*time.Hour)
	s.puts(t, s.Store, "shorter", "v", time.Hour)
	s.Advance(31 * time.Minute)
	s.misses(t, s.Store, "refused")
	s.finds(t, s.Store, "longer", "v")
	s.finds(t, s.Store, "shorter", "v")
	s.Advance(30 * time.Minute)
	s.finds(t, s.Store, "longer", "v")
	s.misses(t, s.Store, "shorter")
}

func testBadTTL(t *testing.T, s storeTest) {
	for _, ttl := range []time.Duration{0, -1, -time.Hour} {
		if _, err := s.PutIfAbsent(t.Context(), "bad", "v", ttl); err == nil {
			t.Errorf("PutIfAbsent with a ttl of %s is no error", ttl)
		}
		if err := s.Put(t.Context(), "bad", "v", ttl); err == nil {
			t.Errorf("Put with a ttl of %s is no error", ttl)
		}
		s.misses(t, s.Store, "bad")
	}
	s.claims(t, s.Store, "tiny", "v", 1, "v") // a nanosecond is an end
	s.puts(t, s.Store, "tinier", "v", 1)
	s.Advance(time.Second)
	s.misses(t, s.Store, "tiny")
	s.misses(t, s.Store, "tinier")
}

func testRace(t *testing.T, s storeTest) {
	const callers = 1000
	for _, key := range []string{"attempt:one", "attempt:two"} {
		told := make([]string, callers)
		together(callers, func(i int) { told[i] = s.races(t, key, i) })
		s.oneWon(t, key, told)
	}
}

// testManyRaces: a store that looks and then puts is mostly done before the
// next caller looks. So it gets many chances, and over some time, in which a
// busy machine now and then has two cores for them.
func testManyRaces(t *testing.T, s storeTest) {
	const callers, keys, burst = 4, 2500, 25
	s.puts(t, s.Store, "revoked:first", "1", time.Hour)
	told, begin := make([][callers]string, keys), make([]meeting, keys)
	for n := range begin {
		begin[n].missing.Store(callers)
	}
	together(callers, func(i int) {
		for n := range keys {
			if n%burst == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			begin[n].wait()
			told[n][i] = s.races(t, fmt.Sprint("attempt:", n), i)
		}
	})
	for n := range keys {
		if s.oneWon(t, fmt.Sprint("attempt:", n), told[n][:]); t.Failed() {
			return // the others are like it
		}
	}
	s.finds(t, s.Peer, "revoked:first", "1")
}

func testWhole(t *testing.T, s storeTest) {
	values := []string{strings.Repeat("a", 256), strings.Repeat("b", 31), "c"}
	s.puts(t, s.Store, "attempt:a", values[0], time.Minute)
	together(60, func(i int) {
		for n := range 20 {
			if i%3 == 0 {
				s.puts(t, s.Peer, "attempt:a", values[n%len(values)], time.Minute)
				continue
			}
			got, ok, err := s.Get(t.Context(), "attempt:a")
			if err != nil || !ok || got != values[0] && got != values[1] && got != values[2] {
				t.Errorf("Get while others put = %q, %t, %v", got, ok, err)
			}
		}
	})
}

// testAlphabet uses the visible ASCII characters in keys, and the space, too,
// in values.
func testAlphabet(t *testing.T, s storeTest) {
	keys := []string{strings.Repeat("k", 128), strings.Repeat("k", 127), "k", "{}", "{k}", "}k{", "{k", "k*", "k?", "k%00", `k\n`}
	for c := byte('!'); c <= '~'; c++ {
		keys = append(keys, "revoked:"+string(c), "x"+string(c)+"x")
	}
	all := make([]byte, 0, 256)
	for i := range 256 {
		all = append(all, byte(' '+i%95))
	}
	for i, key := range keys {
		value := fmt.Sprint(i)
		s.misses(t, s.Store, key)
		s.claims(t, s.Store, key, value, time.Minute, value)
	}
	for i, key := range keys {
		s.finds(t, s.Peer, key, fmt.Sprint(i))
		s.claims(t, s.Peer, key, "late", time.Minute, fmt.Sprint(i))
	}
	s.puts(t, s.Store, keys[0], string(all), time.Minute)
	s.finds(t, s.Store, keys[0], string(all))
	s.claims(t, s.Peer, keys[0], "late", time.Minute, string(all))
}

func testCancelled(t *testing.T, s storeTest) {
	s.claims(t, s.Store, "stands", "v", time.Minute, "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.PutIfAbsent(ctx, "a", "v", time.Minute)
	_, _, errGet := s.Get(ctx, "stands")
	_, _, errRevoked := s.Get(ctx, "revoked:a")
	for call, err := range map[string]error{"PutIfAbsent": err, "Put": s.Put(ctx, "b", "v", time.Minute), "Get": errGet, "Get of a revocation": errRevoked} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that has ended: %v", call, err)
		}
	}
	s.misses(t, s.Store, "a")
	s.misses(t, s.Store, "b")
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, _, err := s.Get(late, "stands"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get with a deadline that has passed: %v", err)
	}
	s.finds(t, s.Store, "stands", "v")
}

// testRevocation looks often before something is revoked, as certify does:
// that nothing was there may be remembered, and not for long.
func testRevocation(t *testing.T, s storeTest) {
	for i, key := range []string{"revoked:a", "revoked:b", "account:c"} {
		for range 10 {
			s.misses(t, s.Store, key)
			s.misses(t, s.Peer, key)
		}
		by, other := s.Store, s.Peer
		if i == 1 {
			by, other = other, by
		}
		s.puts(t, by, key, "1", time.Hour)
		s.finds(t, by, key, "1")
		s.hears(t, other, key, "1")
		s.puts(t, by, key, "2", time.Hour)
		s.finds(t, by, key, "2")
		s.hears(t, other, key, "2")
	}
	s.Advance(time.Hour + time.Millisecond)
	s.forgets(t, s.Store, "revoked:a")
	s.forgets(t, s.Peer, "account:c")
}
