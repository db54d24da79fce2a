package redisstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// asks counts how often Redis is asked while f runs.
func asks(s *server, f func()) int64 {
	before := s.calls("get")
	f()
	return s.calls("get") - before
}

func get(t testing.TB, s *redisstore.Store, key string, want bool) {
	t.Helper()
	if _, ok, err := (patient{t, s}).Get(t.Context(), key); err != nil || ok != want {
		t.Fatalf("Get(%q) = %t, %v; want %t", key, ok, err, want)
	}
}

// heard wants a value that was put at that time, and waits for it. Redis may be
// away, but what was known before must not be told more than a second later.
func heard(t testing.TB, s *redisstore.Store, key, value string, put time.Time) time.Duration {
	t.Helper()
	eventually(t, key+" is heard", func() bool {
		asked := time.Since(put)
		got, ok, err := s.Get(t.Context(), key)
		if err == nil && got != value && asked > staleFor {
			t.Fatalf("%s after %s was put as %q, it is still said to be %q, %t", asked, key, value, got, ok)
		}
		return err == nil && ok && got == value
	})
	return time.Since(put)
}

func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	for _, row := range []struct {
		name    string
		key     string
		present bool
		entries int
		kept    bool
	}{
		{"no revocation", "revoked:none", false, 0, true},
		{"no revocation of an account", "account:none", false, 0, true},
		{"a revocation", "revoked:one", true, 0, true},
		{"an attempt, whose state must be of now", "attempt:one", true, 0, false},
		{"no attempt", "attempt:none", false, 0, false},
		{"without a cache", "revoked:none", false, -1, false},
	} {
		cfg := config(redis.addr)
		cfg.Prefix, cfg.CacheEntries = row.name+":", row.entries
		s, _ := openWarm(t, cfg, 1)
		if row.present {
			if err := s.Put(t.Context(), row.key, "1", time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		lookups := func() int64 {
			return asks(redis, func() {
				for range 100 {
					get(t, s, row.key, row.present)
				}
			})
		}
		if row.kept { // unless the machine is so slow that Redis seems to be gone
			eventually(t, row.name+" is kept", func() bool { return lookups() <= 1 })
			continue
		}
		n := lookups()
		for range 5 { // the same
			if n != 100 {
				n = lookups()
			}
		}
		if n != 100 {
			t.Errorf("%s: 100 lookups asked Redis %d times", row.name, n)
		}
	}
}

// CacheFor bounds what nobody counted on: it must not depend on being told.
func TestKeptAnswersEnd(t *testing.T) {
	t.Parallel()
	redis := redisServer(t, "--enable-debug-command", "local")
	cfg := config(redis.addr)
	cfg.CacheFor = 50 * time.Millisecond
	s, _ := openWarm(t, cfg, 1)
	get(t, s, "revoked:a", false)
	eventually(t, "it asks again", func() bool {
		return asks(redis, func() { get(t, s, "revoked:a", false) }) == 1
	})
	// A revocation ends with what it protects, kept or not.
	cfg.CacheFor = time.Hour
	s, _ = openWarm(t, cfg, 1)
	redis.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") // so that Redis does not tell of the end
	const ttl, tick = 300 * time.Millisecond, 10 * time.Millisecond
	began := time.Now()
	if err := s.Put(t.Context(), "revoked:b", "1", ttl); err != nil {
		t.Fatal(err)
	}
	put := time.Now()
	eventually(t, "the revocation ends", func() bool {
		asked := time.Since(put)
		_, ok, err := s.Get(t.Context(), "revoked:b")
		if err != nil || ok && asked > ttl+tick || !ok && time.Since(began) < ttl-tick {
			t.Fatalf("asked %s after it was put for %s: %t, %v", asked, ttl, ok, err)
		}
		return !ok
	})
}

// Keys of another prefix, and whatever else others do on the same Redis, do not
// disturb.
func TestOthersDoNotDisturb(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, _ := openWarm(t, config(redis.addr), 1)
	round := 0
	eventually(t, "the answer is still known", func() bool { // unless the machine is too slow
		get(t, s, "revoked:a", false)
		redis.do("SET", "revoked:a", "1")
		redis.do("SET", "other:revoked:a", "1")
		redis.do("SET", "certify:attempt:a", "1")
		round++
		last := fmt.Sprint("revoked:", round)
		redis.do("SET", "certify:"+last, "1")
		heard(t, s, last, "1", time.Now()) // and so was all that came before
		return asks(redis, func() { get(t, s, "revoked:a", false) }) == 0
	})
}

// A Redis that is emptied tells everybody to forget everything.
func TestFlushIsHeard(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, _ := openWarm(t, config(redis.addr), 1)
	if err := s.Put(t.Context(), "revoked:a", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	opened := time.Now()
	eventually(t, "the looks at the marker after the start are over", func() bool { return time.Since(opened) > 3*time.Second })
	eventually(t, "the answer is kept", func() bool { return asks(redis, func() { get(t, s, "revoked:a", true) }) == 0 })
	redis.do("FLUSHALL")
	flushed := time.Now()
	eventually(t, "it is forgotten", func() bool {
		asked := time.Since(flushed)
		_, ok, err := s.Get(t.Context(), "revoked:a")
		if ok && asked > staleFor {
			t.Fatalf("%s after Redis was emptied, it is still known", asked)
		}
		return !ok && err == nil
	})
}

// Whoever reads while another process revokes finds the revocation within a
// second, and never loses it again.
func TestRevocationsAreHeard(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	here, _ := openWarm(t, config(redis.addr), 1)
	there, _ := openWarm(t, config(redis.addr), 1)
	var slowest time.Duration
	for round := range 50 {
		key := fmt.Sprint("revoked:", round)
		get(t, here, key, false)
		get(t, there, key, false)
		var readers sync.WaitGroup
		var unheard [2]time.Time
		for i := range unheard {
			readers.Go(func() { unheard[i] = readUntilRevoked(t, there, key) })
		}
		if err := here.Put(t.Context(), key, "1", time.Hour); err != nil {
			t.Fatal(err)
		}
		put := time.Now()
		get(t, here, key, true)
		readers.Wait()
		for _, asked := range unheard {
			slowest = max(slowest, asked.Sub(put))
		}
	}
	if slowest > staleFor {
		t.Errorf("%s after a revocation, there was still said to be none", slowest)
	}
	t.Logf("the slowest of 50 revocations was heard everywhere after %s", slowest)
}

// readUntilRevoked returns when the last lookup began that did not find the
// revocation. It reads on for a little: what was found must stay.
func readUntilRevoked(t *testing.T, s *redisstore.Store, key string) (unheard time.Time) {
	for found := 0; found < 20; {
		asked := time.Now()
		_, ok, err := s.Get(t.Context(), key)
		switch {
		case redisstore.IsUnanswered(err): // the machine stood still
		case err != nil:
			t.Error(err)
			return unheard
		case !ok && found > 0:
			t.Errorf("%s was found, and lost again", key)
			return unheard
		case ok:
			found++
		default:
			unheard = asked
		}
	}
	return unheard
}

// A revocation that cannot be heard counts after a second at the latest: by
// then nobody is let in on what was known before.
func TestSilenceEndsWhatIsKept(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	network := newProxy(t, redis.addr)
	cfg := config(network.addr)
	cfg.Timeout = timeout
	deaf, book := openWarm(t, cfg, 1)
	other, _ := openWarm(t, config(redis.addr), 1)
	for round := range 2 {
		key := fmt.Sprint("revoked:", round)
		losses, gains := book.count(lost), book.count(hears)
		eventually(t, "the answer is kept", func() bool {
			var err error
			return asks(redis, func() { _, _, err = deaf.Get(t.Context(), key) }) == 0 && err == nil
		})
		network.silence()
		silent := time.Now()
		if err := other.Put(t.Context(), key, "1", time.Hour); err != nil {
			t.Fatal(err)
		}
		kept := keptFor(t, deaf, key, silent)
		if kept > staleFor {
			t.Errorf("%s after Redis fell silent, it was still said that nothing was revoked", kept)
		}
		t.Logf("kept answers counted for %s", kept)
		eventually(t, "the loss is logged", func() bool { return book.count(lost) > losses })
		network.cut() // so that what Redis told meanwhile never arrives
		network.restore()
		heard(t, deaf, key, "1", silent)
		eventually(t, "it hears again", func() bool { return book.count(hears) > gains })
		heard(t, deaf, key, "1", silent) // and does not remember what it knew before
	}
}

// keptFor is until when after the silence began it was said that nothing was
// revoked.
func keptFor(t *testing.T, s *redisstore.Store, key string, silent time.Time) (kept time.Duration) {
	t.Helper()
	for refused := 0; refused < 3; {
		asked := time.Since(silent)
		_, ok, err := s.Get(t.Context(), key)
		switch {
		case err == nil && !ok && asked > staleFor:
			return asked
		case err == nil && !ok:
			kept = asked
		case err != nil && asked > staleFor:
			refused++
		}
	}
	return kept
}
