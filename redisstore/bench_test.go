package redisstore_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/redisstore"
)

// A claim id as certify makes it.
func jti(n int64) string { return fmt.Sprintf("revoked:%043d", n) }

// stores are what the benchmarks compare, in one run.
func stores(b *testing.B) []struct {
	name  string
	store certify.Store
} {
	b.Helper()
	redis := redisServer(b)
	kept, _ := openWarm(b, config(redis.addr), 1)
	cfg := config(redis.addr)
	cfg.CacheEntries = -1
	asked, _ := openWarm(b, cfg, 1)
	return []struct {
		name  string
		store certify.Store
	}{
		{"memory store", certify.NewMemoryStore(50_000_000, nil)},
		{"redis, kept in memory", kept},
		{"redis, asked each time", asked},
	}
}

// BenchmarkGet looks up 1,000 claims that nobody revoked, again and again.
func BenchmarkGet(b *testing.B) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = jti(int64(i))
	}
	for _, s := range stores(b) {
		b.Run(s.name+"/one at a time", func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if _, ok, err := s.store.Get(b.Context(), keys[i%len(keys)]); ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
		b.Run(s.name+"/64 at a time", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, ok, err := s.store.Get(b.Context(), keys[n.Add(1)%int64(len(keys))]); ok || err != nil {
						b.Fatal(ok, err)
					}
				}
			})
		})
	}
}

// BenchmarkPutIfAbsent takes one attempt after the other.
func BenchmarkPutIfAbsent(b *testing.B) {
	for _, s := range stores(b) {
		if s.name == "redis, kept in memory" {
			continue // the cache has no part in it
		}
		var n atomic.Int64
		take := func(b *testing.B) {
			if _, err := s.store.PutIfAbsent(b.Context(), fmt.Sprint("attempt:", n.Add(1)), "0123456789012345678901234567890123456789012 1786000000 ", time.Minute); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(s.name+"/one at a time", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				take(b)
			}
		})
		b.Run(s.name+"/64 at a time", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					take(b)
				}
			})
		})
	}
}

// BenchmarkReplicas takes attempts that a replica confirms.
func BenchmarkReplicas(b *testing.B) {
	primary := redisServer(b, "--repl-diskless-sync-delay", "0")
	replicaOf(b, primary)
	cfg := config(primary.addr)
	cfg.Replicas, cfg.Timeout = 1, redisstore.MaxTimeout
	s := open(b, cfg)
	for i := range b.N {
		if _, err := s.PutIfAbsent(b.Context(), fmt.Sprint("attempt:", i), "v", time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvalidation is how long a process goes on to say that nothing was
// revoked, counted from the moment when another has been told that it is.
func BenchmarkInvalidation(b *testing.B) {
	redis := redisServer(b)
	here, _ := openWarm(b, config(redis.addr), 1)
	there, _ := openWarm(b, config(redis.addr), 1)
	delays := make([]time.Duration, 0, b.N)
	for i := range b.N {
		key := jti(int64(i))
		for range 2 {
			if _, ok, err := there.Get(b.Context(), key); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
		if err := here.Put(b.Context(), key, "1", time.Hour); err != nil {
			b.Fatal(err)
		}
		put := time.Now()
		for {
			_, ok, err := there.Get(b.Context(), key)
			if err != nil {
				b.Fatal(err)
			}
			if ok {
				break
			}
		}
		delays = append(delays, time.Since(put))
	}
	slices.Sort(delays)
	at := func(p float64) float64 {
		return float64(delays[int(p*float64(len(delays)-1))].Microseconds())
	}
	b.ReportMetric(at(0.50), "µs-p50")
	b.ReportMetric(at(0.99), "µs-p99")
	b.ReportMetric(at(1), "µs-max")
}

// TestBytesPerKey is where docs/scale.md has its figures from: what Redis needs
// for an entry, by MEMORY USAGE and with its share of the tables.
func TestBytesPerKey(t *testing.T) {
	t.Parallel()
	const n = 25_000
	txn, account := strings.Repeat("t", 43), strings.Repeat("a", 43)
	for _, row := range []struct {
		name, prefix, value string
		alone, among        int64 // no more than these
	}{
		{"a used attempt", "attempt:%024d", txn + " 1786000000 ", 160, 220},
		{"a used attempt that signed somebody in", "attempt:%024d", txn + " 1786000000 " + account, 208, 270},
		{"a revoked claim", "revoked:%043d", "1", 112, 180},
		{"a revoked account", "account:%043d", "1786000000", 112, 180},
	} {
		redis := redisServer(t)
		cfg := config(redis.addr)
		cfg.CacheEntries, cfg.Timeout = -1, redisstore.MaxTimeout
		s := open(t, cfg)
		before := redis.stat("used_memory")
		var all sync.WaitGroup
		for worker := range 64 {
			all.Go(func() {
				for i := worker; i < n; i += 64 {
					if err := s.Put(t.Context(), fmt.Sprintf(row.prefix, i), row.value, time.Hour); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		among := (redis.stat("used_memory") - before) / n
		alone, err := strconv.ParseInt(strings.Trim(redis.do("MEMORY", "USAGE", "certify:"+fmt.Sprintf(row.prefix, 1)), ":\r\n"), 10, 64)
		if err != nil || alone > row.alone || among > row.among {
			t.Errorf("%s: %d bytes alone and %d among others, %v; docs/scale.md says less", row.name, alone, among, err)
		}
		t.Logf("%s: %d bytes, with its share of the tables %d", row.name, alone, among)
	}
}
