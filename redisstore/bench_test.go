package redisstore_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
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
	cfg.Replicas = 1
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
// for an entry, itself included.
func TestBytesPerKey(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s := open(t, config(redis.addr))
	for _, row := range []struct {
		name, key, value string
		most             string
	}{
		{"a used attempt", "attempt:" + "ABCDEFGHIJKLMNOPQRSTUVWX", "txn4567890123456789012345678901234567890123 1786000000 ", ":300"},
		{"a used attempt that signed somebody in", "attempt:" + "abcdefghijklmnopqrstuvwx", "txn4567890123456789012345678901234567890123 1786000000 acc4567890123456789012345678901234567890123", ":300"},
		{"a revoked claim", jti(1), "1", ":200"},
		{"a revoked account", "account:4567890123456789012345678901234567890123456", "1786000000", ":200"},
	} {
		if err := s.Put(t.Context(), row.key, row.value, time.Hour); err != nil {
			t.Fatal(err)
		}
		usage := redis.do("MEMORY", "USAGE", "certify:"+row.key)
		if len(usage) > len(row.most)+2 || usage > row.most {
			t.Errorf("%s: %s bytes", row.name, usage)
		}
		t.Logf("%s: %s bytes", row.name, usage[1:len(usage)-2])
	}
	before := redis.stat("used_memory")
	const n = 100_000
	for i := range int64(n) {
		if err := s.Put(t.Context(), jti(i+2), "1", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("with its share of the tables, a revoked claim: %d bytes", (redis.stat("used_memory")-before)/n)
}
