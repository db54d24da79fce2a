package certify_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certify-go/certify"
)

// A testClock stands until it is told to go on.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// A shop is a store that is asked without error.
type shop struct {
	*certify.MemoryStore
	testClock
	t testing.TB
}

func newShop(t testing.TB, limit int) *shop {
	s := &shop{t: t, testClock: testClock{t: noon}}
	s.MemoryStore = certify.NewMemoryStore(limit, s.now)
	s.SetElapsed(func() time.Duration { return s.now().Sub(noon) })
	return s
}

func (s *shop) put(key, value string, ttl time.Duration) {
	s.t.Helper()
	if err := s.Put(s.t.Context(), key, value, ttl); err != nil {
		s.t.Fatal(err)
	}
}

// add returns what stands under key then.
func (s *shop) add(key, value string, ttl time.Duration) string {
	s.t.Helper()
	stands, err := s.PutIfAbsent(s.t.Context(), key, value, ttl)
	if err != nil {
		s.t.Fatal(err)
	}
	return stands
}

// get returns "-" for what is not found.
func (s *shop) get(key string) string {
	s.t.Helper()
	value, ok, err := s.Get(s.t.Context(), key)
	switch {
	case err != nil:
		s.t.Fatal(err)
	case !ok && value != "":
		s.t.Fatalf("%q was not found, and is %q", key, value)
	case !ok:
		return "-"
	}
	return value
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		play func(s *shop) (got, want string)
	}{
		{"nothing there", func(s *shop) (string, string) { return s.get("k"), "-" }},
		{"put", func(s *shop) (string, string) { s.put("k", "a", time.Hour); return s.get("k"), "a" }},
		{"put twice", func(s *shop) (string, string) {
			s.put("k", "a", time.Hour)
			s.put("k", "b", time.Minute)
			return s.get("k"), "b"
		}},
		{"added", func(s *shop) (string, string) { return s.add("k", "a", time.Hour) + s.get("k"), "aa" }},
		{"added twice", func(s *shop) (string, string) {
			s.add("k", "a", time.Hour)
			return s.add("k", "b", time.Hour) + s.get("k"), "aa"
		}},
		{"added over a put", func(s *shop) (string, string) { s.put("k", "a", time.Hour); return s.add("k", "b", time.Hour), "a" }},
		{"put over an added", func(s *shop) (string, string) {
			s.add("k", "a", time.Hour)
			s.put("k", "b", time.Hour)
			return s.get("k"), "b"
		}},
		{"an empty value is there", func(s *shop) (string, string) {
			s.put("k", "", time.Hour)
			return s.get("k") + s.add("k", "b", time.Hour), ""
		}},
		{"just before it expires", func(s *shop) (string, string) {
			s.put("k", "a", time.Second)
			s.wait(time.Second - 1)
			return s.get("k") + s.add("k", "b", time.Hour), "aa"
		}},
		{"expired", func(s *shop) (string, string) {
			s.put("k", "a", time.Second)
			s.wait(time.Second)
			return s.get("k"), "-"
		}},
		{"added after it expired", func(s *shop) (string, string) {
			s.add("k", "a", time.Second)
			s.wait(time.Second)
			return s.add("k", "b", time.Hour) + s.get("k"), "bb"
		}},
		{"added after it expired, behind others", func(s *shop) (string, string) {
			for i := range 10 {
				s.put(fmt.Sprint(i), "x", time.Millisecond)
			}
			s.put("k", "a", time.Second)
			s.wait(time.Second)
			return s.add("k", "b", time.Hour) + s.get("k"), "bb"
		}},
		{"a later put lengthens it", func(s *shop) (string, string) {
			s.put("k", "a", time.Second)
			s.put("k", "b", time.Hour)
			s.wait(time.Minute)
			s.put("other", "x", time.Hour)
			return s.get("k"), "b"
		}},
		{"a later put shortens it", func(s *shop) (string, string) {
			s.put("k", "a", time.Hour)
			s.put("k", "b", time.Second)
			s.wait(time.Minute)
			return s.get("k"), "-"
		}},
		{"an added one keeps its time", func(s *shop) (string, string) {
			s.add("k", "a", time.Second)
			s.add("k", "b", time.Hour)
			s.wait(time.Minute)
			return s.get("k"), "-"
		}},
		{"the longest time there is", func(s *shop) (string, string) {
			s.put("k", "a", math.MaxInt64)
			s.wait(100 * 365 * 24 * time.Hour)
			s.put("other", "x", time.Hour)
			return s.get("k"), "a"
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got, want := tc.play(newShop(t, 1000)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// The contract of Store asks for less.
func TestMemoryStoreTakesAnyBytes(t *testing.T) {
	t.Parallel()
	s := newShop(t, 10_000)
	keys := []string{"", "\x00\x00", "\xff\xfe", "\xed\xa0\x80", "키", "a b", "a\r\nb", "{}", "{a}b", "{a}c", "}{", "a{", strings.Repeat("k", 1<<20)}
	for b := range 256 {
		keys = append(keys, string([]byte{byte(b)}), string([]byte{'x', byte(b), 'x'}))
	}
	for i, key := range keys {
		value := key + fmt.Sprint(i)
		if got := s.get(key); got != "-" {
			t.Errorf("%.20q is there as %.20q before it was put", key, got)
		}
		if got := s.add(key, value, time.Hour); got != value {
			t.Errorf("%.20q: %.20q stands", key, got)
		}
	}
	for i, key := range keys {
		value := key + fmt.Sprint(i)
		if s.get(key) != value || s.add(key, "late", time.Hour) != value {
			t.Errorf("%.20q is %.20q, want %.20q", key, s.get(key), value)
		}
		s.put(key, "\x00"+value, time.Hour)
	}
	for i, key := range keys {
		if got, want := s.get(key), "\x00"+key+fmt.Sprint(i); got != want {
			t.Errorf("%.20q is %.20q after a put, want %.20q", key, got, want)
		}
	}
}

// To go-cache, a time of 0 is the default and a negative one is for ever.
func TestMemoryStoreWantsAPositiveTTL(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	s.put("there", "a", time.Hour)
	for _, ttl := range []time.Duration{0, -1, -time.Hour, math.MinInt64} {
		for _, key := range []string{"k", "there"} {
			if err := s.Put(t.Context(), key, "v", ttl); err == nil {
				t.Errorf("Put %s for %s", key, ttl)
			}
			if stands, err := s.PutIfAbsent(t.Context(), key, "v", ttl); err == nil || stands != "" {
				t.Errorf("PutIfAbsent %s for %s: %q", key, ttl, stands)
			}
		}
	}
	if got := s.get("k") + s.get("there"); got != "-a" {
		t.Errorf("got %q", got)
	}
}

func TestMemoryStoreHasOneWinner(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	const callers = 1000
	for round := range 5 {
		key := fmt.Sprintf("attempt:%d", round)
		s.add(key, "expired", time.Second)
		s.wait(time.Second)
		stands := make([]string, callers)
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range callers {
			done.Go(func() {
				start.Wait()
				stands[i] = s.add(key, fmt.Sprint(i), time.Hour)
			})
		}
		start.Done()
		done.Wait()
		for i, got := range stands {
			if got != stands[0] || got == "expired" {
				t.Fatalf("caller %d is told %q, caller 0 %q", i, got, stands[0])
			}
		}
		if got := s.get(key); got != stands[0] {
			t.Fatalf("%q stands, and callers were told %q", got, stands[0])
		}
	}
}

// A full store says so, and drops nothing that is alive: a dropped entry is a
// revoked claim that counts again.
func TestMemoryStoreIsFull(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 10, 16_384, 40_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, limit)
			var kept []string
			for i := range 2 * limit {
				key := fmt.Sprint(i)
				if err := s.Put(t.Context(), key, key, time.Duration(i+1)*time.Second); err == nil {
					kept = append(kept, key)
				} else if !strings.Contains(err.Error(), "full") {
					t.Fatal(err)
				}
			}
			if len(kept) > limit || len(kept) < limit*9/10 || s.Len() != len(kept) {
				t.Fatalf("%d entries were taken, %d are there, the limit is %d", len(kept), s.Len(), limit)
			}
			for _, key := range kept {
				if s.get(key) != key || s.add(key, "other", time.Hour) != key {
					t.Fatalf("%s was dropped", key)
				}
			}
			s.put(kept[0], "changed", 1000*time.Hour)
			if s.get(kept[0]) != "changed" {
				t.Error("a full store does not take a new value for an old key")
			}
			s.wait(2000 * time.Hour)
			s.put("new", "v", time.Hour)
			if s.get("new") != "v" || s.get(kept[0]) != "-" {
				t.Error("what has expired makes no room")
			}
		})
	}
}

// What has expired goes bit by bit, as new entries come.
func TestMemoryStoreForgets(t *testing.T) {
	t.Parallel()
	s := newShop(t, 100_000)
	for i := range 10_000 {
		s.put(fmt.Sprint("old", i), "v", time.Hour)
	}
	s.put("long", "v", 48*time.Hour)
	s.wait(time.Hour)
	if n := s.Len(); n != 10_001 {
		t.Fatalf("%d entries before", n)
	}
	before := s.Len()
	for i := range 4_000 {
		s.put(fmt.Sprint("new", i), "v", time.Hour)
		if n := s.Len(); n < before-3 {
			t.Fatalf("one put waited for the removal of %d entries", before+1-n)
		}
		before = s.Len()
	}
	if n := s.Len(); n > 4_100 {
		t.Errorf("%d entries are there, 4,001 of them alive", n)
	}
	if s.get("long") != "v" || s.get("old0") != "-" {
		t.Error("the wrong ones went")
	}
}

// Random plays against a plain map.
func TestMemoryStoreAgainstAModel(t *testing.T) {
	t.Parallel()
	type entry struct {
		value   string
		expires time.Time
	}
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, model := newShop(t, 1000), make(map[string]entry)
		for step := range 2000 {
			key, value, ttl := fmt.Sprint(r.IntN(50)), fmt.Sprint(step), time.Duration(1+r.IntN(60))*time.Second
			there, ok := model[key]
			ok = ok && s.now().Before(there.expires)
			switch r.IntN(4) {
			case 0:
				s.put(key, value, ttl)
				model[key] = entry{value, s.now().Add(ttl)}
			case 1:
				if !ok {
					there = entry{value, s.now().Add(ttl)}
					model[key] = there
				}
				if got := s.add(key, value, ttl); got != there.value {
					t.Fatalf("seed %d, step %d: %q stands, want %q", seed, step, got, there.value)
				}
			case 2:
				want := "-"
				if ok {
					want = there.value
				}
				if got := s.get(key); got != want {
					t.Fatalf("seed %d, step %d: got %q, want %q", seed, step, got, want)
				}
			case 3:
				s.wait(time.Duration(r.IntN(10)) * time.Second)
			}
		}
		if s.Len() > 50 {
			t.Fatalf("%d entries of 50 keys", s.Len())
		}
	}
}

func TestMemoryStoreHeedsTheContext(t *testing.T) {
	t.Parallel()
	s := newShop(t, 0)
	s.put("k", "a", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err1 := s.PutIfAbsent(ctx, "other", "b", time.Hour)
	err2 := s.Put(ctx, "k", "b", time.Hour)
	_, ok, err3 := s.Get(ctx, "k")
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	if ok || s.get("k") != "a" || s.get("other") != "-" {
		t.Error("a cancelled call changed something")
	}
}

// go-cache's janitor would never let the bubble end.
func TestMemoryStoreStartsNoGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := certify.NewMemoryStore(100_000, nil)
		if err := s.Put(t.Context(), "k", "a", time.Hour); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		if _, ok, err := s.Get(t.Context(), "k"); ok || err != nil {
			t.Errorf("found %v, error %v", ok, err)
		}
		quiet(t, func(c *certify.SessionConfig) { c.Now = nil })
	})
}

func BenchmarkMemoryStore(b *testing.B) {
	b.Run("Put", func(b *testing.B) {
		s := newShop(b, 2*b.N+100_000)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			s.put(fmt.Sprintf("revoked:%022d", i), "1", time.Hour)
		}
		b.StopTimer()
		b.ReportMetric(heapPer(b, func() any { return fill(b, 200_000) }, 200_000), "heap-B/entry")
	})
	b.Run("Get", func(b *testing.B) {
		s := fill(b, 200_000)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s.get("revoked:0000000000000000000042")
			}
		})
	})
	b.Run("Put, with as many expired", func(b *testing.B) {
		s := fill(b, 400_000)
		s.wait(time.Hour)
		b.ResetTimer()
		for i := range b.N {
			s.put(fmt.Sprintf("new:%022d", i), "1", time.Minute)
			s.wait(time.Millisecond)
		}
	})
}

func fill(t testing.TB, n int) *shop {
	s := newShop(t, 2*n)
	for i := range n {
		s.put(fmt.Sprintf("revoked:%022d", i), "1", time.Hour)
	}
	return s
}
