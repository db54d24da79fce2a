package redisstore_test

import (
	"log/slog"
	"testing"
)

// Where no answer is kept, Redis need not tell of changes, and the log has
// nothing of a cache; but a node that begins to evict is still noticed.
func TestWatchWithoutCache(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	book := newLogbook()
	cfg := config(redis.addr)
	cfg.CacheEntries, cfg.Logger = -1, slog.New(book)
	open(t, cfg)
	redis.do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	redis.do("CLIENT", "KILL", "TYPE", "normal")
	eventually(t, "it warns", func() bool { return book.count("maxmemory-policy is not noeviction") > 0 })
	if n := book.count("cache o"); n != 0 {
		t.Errorf("%d lines of a cache that is not there", n)
	}
	if n := redis.calls("client|tracking"); n != 0 {
		t.Errorf("Redis was asked %d times to tell of changes", n)
	}
}
