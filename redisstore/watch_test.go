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
	if _, ok, err := s.Get(t.Context(), key); err != nil || ok != want {
		t.Fatalf("Get(%q) = %t, %v; want %t", key, ok, err, want)
	}
}

func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	for _, row := range []struct {
		name    string
		key     string
		present bool
		entries int
		want    int64
	}{
		{"no revocation", "revoked:none", false, 0, 1},
		{"no revocation of an account", "account:none", false, 0, 1},
		{"a revocation", "revoked:one", true, 0, 1},
		{"an attempt, whose state must be of now", "attempt:one", true, 0, 100},
		{"no attempt", "attempt:none", false, 0, 100},
		{"without a cache", "revoked:none", false, -1, 100},
	} {
		cfg := config(redis.addr)
		cfg.Prefix, cfg.CacheEntries = row.name+":", row.entries
		s, _ := openWarm(t, cfg, 1)
		if row.present {
			if err := s.Put(t.Context(), row.key, "1", time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		got := asks(redis, func() {
			for range 100 {
				get(t, s, row.key, row.present)
			}
		})
		if got != row.want {
			t.Errorf("%s: 100 lookups asked Redis %d times, want %d", row.name, got, row.want)
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
	if err := s.Put(t.Context(), "revoked:b", "1", 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	put := time.Now()
	get(t, s, "revoked:b", true)
	redis.do("DEBUG", "SET-ACTIVE-EXPIRE", "0") // so that Redis does not tell of the end
	eventually(t, "the revocation ends", func() bool {
		_, ok, err := s.Get(t.Context(), "revoked:b")
		if err != nil || !ok && time.Since(put) < 250*time.Millisecond {
			t.Fatalf("after %s: %t, %v", time.Since(put), ok, err)
		}
		return !ok
	})
	if took := time.Since(put); took > 300*time.Millisecond+slack {
		t.Errorf("it ended after %s", took)
	}
}

// Keys of another prefix, and whatever else others do on the same Redis, do not
// disturb.
func TestOthersDoNotDisturb(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, _ := openWarm(t, config(redis.addr), 1)
	get(t, s, "revoked:a", false)
	redis.do("SET", "revoked:a", "1")
	redis.do("SET", "other:revoked:a", "1")
	redis.do("SET", "certify:attempt:a", "1")
	if n := asks(redis, func() { get(t, s, "revoked:a", false) }); n != 0 {
		t.Errorf("Redis was asked %d times", n)
	}
	redis.do("FLUSHALL") // tells everyone to forget everything
	eventually(t, "it asks again", func() bool {
		return asks(redis, func() { get(t, s, "revoked:a", false) }) == 1
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
	for round := range 200 {
		key := fmt.Sprint("revoked:", round)
		get(t, there, key, false)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() { readUntilRevoked(t, there, key) })
		}
		if err := here.Put(t.Context(), key, "1", time.Hour); err != nil {
			t.Fatal(err)
		}
		put := time.Now()
		get(t, here, key, true)
		readers.Wait()
		slowest = max(slowest, time.Since(put))
	}
	if slowest > staleFor {
		t.Errorf("the slowest revocation took %s to be heard", slowest)
	}
	t.Logf("the slowest of 200 revocations was heard everywhere after %s", slowest)
}

// readUntilRevoked reads on for a little: what was found must stay.
func readUntilRevoked(t *testing.T, s *redisstore.Store, key string) {
	for found := 0; found < 20; {
		_, ok, err := s.Get(t.Context(), key)
		switch {
		case err != nil:
			t.Error(err)
			return
		case !ok && found > 0:
			t.Errorf("%s was found, and lost again", key)
			return
		case ok:
			found++
		}
	}
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
		eventually(t, "the answer is kept", func() bool {
			return asks(redis, func() { get(t, deaf, key, false) }) == 0
		})
		network.silence()
		silent := time.Now()
		if err := other.Put(t.Context(), key, "1", time.Hour); err != nil {
			t.Fatal(err)
		}
		kept := keptFor(t, deaf, key, silent)
		if kept > staleFor+slack/10 {
			t.Errorf("%s after Redis fell silent, it was still said that nothing was revoked", kept)
		}
		t.Logf("kept answers counted for %s", kept)
		network.restore()
		eventually(t, "the revocation is found", func() bool {
			_, ok, err := deaf.Get(t.Context(), key)
			if err == nil && !ok {
				t.Fatal("an answer from before the silence came back")
			}
			return ok
		})
		eventually(t, "it hears again", func() bool { return book.count(hears) == round+2 })
		if book.count(lost) != round+1 {
			t.Errorf("%d losses were logged, want %d", book.count(lost), round+1)
		}
	}
}

// keptFor is until when after the silence began it was said that nothing was
// revoked.
func keptFor(t *testing.T, s *redisstore.Store, key string, silent time.Time) (kept time.Duration) {
	t.Helper()
	for refused := time.Duration(0); refused < staleFor+500*time.Millisecond; {
		asked := time.Since(silent)
		_, ok, err := s.Get(t.Context(), key)
		switch {
		case err == nil && !ok:
			kept = asked
		case err != nil:
			refused = asked
		}
	}
	return kept
}
