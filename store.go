package certify

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/patrickmn/go-cache"
)

// A Store remembers used attempts and revoked claims. [MemoryStore] serves one
// process; several need one store that they share.
//
// Keys are at most 128 bytes of ASCII, values at most 256 bytes. Nothing in
// them is personal data. Every entry has a positive ttl, after which it must
// not be found, and before which it must not be dropped: a store that is full
// returns an error. Any error refuses the request with 503.
// Implementations must be safe for concurrent use.
type Store interface {
	// PutIfAbsent stores value under key and returns it, unless something
	// stands there already: then it returns that. It is atomic across all
	// users of the store.
	PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (stands string, err error)

	// Put stores value under key, whatever stood there.
	Put(ctx context.Context, key, value string, ttl time.Duration) error

	// Get returns the value under key, or "" and false.
	Get(ctx context.Context, key string) (value string, ok bool, err error)
}

// DefaultMemoryLimit is the number of entries that a MemoryStore holds: some
// 200 MB, and some 500,000 verifications with their logouts at a time.
const DefaultMemoryLimit = 1_000_000

// shardEntries is the number of entries above which a store is split, so that a
// sweep holds up few callers and those shortly.
const shardEntries = 16_384

var errStoreFull = errors.New("certify: the memory store is full: raise its limit, or use a store outside the process")

// A MemoryStore is the [Store] of a single process, on go-cache. It starts no
// goroutine: each new entry pays for the removal of expired ones, a shard at a
// time, so that no caller waits for a sweep of the whole.
type MemoryStore struct {
	now    func() time.Time
	limit  int // entries in each shard
	seed   maphash.Seed
	shards []memoryShard
}

type memoryShard struct {
	mu       sync.Mutex // makes look and put one step under our clock
	cache    *cache.Cache
	puts     int       // since the last sweep
	earliest time.Time // no entry expires before
}

type memoryEntry struct {
	value   string
	expires time.Time // by the store's own clock, which go-cache has not
}

// NewMemoryStore makes a store for at most limit entries ([DefaultMemoryLimit]
// if 0) that tells the time by now ([time.Now] if nil).
func NewMemoryStore(limit int, now func() time.Time) *MemoryStore {
	if limit <= 0 {
		limit = DefaultMemoryLimit
	}
	if now == nil {
		now = time.Now
	}
	n := (limit + shardEntries - 1) / shardEntries
	s := &MemoryStore{now: now, limit: limit / n, seed: maphash.MakeSeed(), shards: make([]memoryShard, n)}
	for i := range s.shards {
		s.shards[i].cache = cache.New(cache.NoExpiration, 0) // 0: no janitor
	}
	return s
}

// PutIfAbsent implements [Store].
func (s *MemoryStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	return s.put(ctx, key, value, ttl, true)
}

// Put implements [Store].
func (s *MemoryStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	_, err := s.put(ctx, key, value, ttl, false)
	return err
}

// Get implements [Store].
func (s *MemoryStore) Get(ctx context.Context, key string) (string, bool, error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	value, ok := s.shard(key).get(key, s.now())
	return value, ok, nil
}

func (s *MemoryStore) shard(key string) *memoryShard {
	return &s.shards[maphash.String(s.seed, key)%uint64(len(s.shards))]
}

func (s *MemoryStore) put(ctx context.Context, key, value string, ttl time.Duration, keep bool) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if ttl <= 0 { // to go-cache, 0 means the default and less means for ever
		return "", errors.New("certify: a store entry needs a positive ttl")
	}
	now := s.now()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	stands, ok := sh.get(key, now)
	if ok && keep {
		return stands, nil
	}
	sh.sweep(now, s.limit)
	if !ok && sh.cache.ItemCount() >= s.limit {
		return "", errStoreFull
	}
	sh.add(key, memoryEntry{value, now.Add(ttl)})
	return value, nil
}

func (sh *memoryShard) add(key string, e memoryEntry) {
	if sh.earliest.IsZero() || e.expires.Before(sh.earliest) {
		sh.earliest = e.expires
	}
	sh.cache.Set(key, e, cache.NoExpiration)
}

func (sh *memoryShard) get(key string, now time.Time) (string, bool) {
	v, ok := sh.cache.Get(key)
	if !ok {
		return "", false
	}
	e := v.(memoryEntry)
	if !now.Before(e.expires) {
		return "", false
	}
	return e.value, true
}

// sweep removes what has expired: after as many puts as half the entries, or
// when the shard is full, and only if something can have expired at all.
func (sh *memoryShard) sweep(now time.Time, limit int) {
	sh.puts++
	n := sh.cache.ItemCount()
	if now.Before(sh.earliest) || sh.puts <= n/2 && n < limit {
		return
	}
	sh.puts, sh.earliest = 0, time.Time{}
	for key, item := range sh.cache.Items() {
		e := item.Object.(memoryEntry)
		if !now.Before(e.expires) {
			sh.cache.Delete(key)
		} else if sh.earliest.IsZero() || e.expires.Before(sh.earliest) {
			sh.earliest = e.expires
		}
	}
}
