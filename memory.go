package certify

import (
	"container/heap"
	"context"
	"errors"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/patrickmn/go-cache"
)

// DefaultMemoryLimit is the number of entries that a MemoryStore holds: up to
// some 300 MB, and some 500,000 verifications with their logouts at a time.
const DefaultMemoryLimit = 1_000_000

var errStoreFull = errors.New("certify: the memory store is full: raise its limit, or use a store outside the process")

// A MemoryStore is the [Store] of a single process, on go-cache. It starts no
// goroutine: each new entry pays for the removal of a few expired ones.
type MemoryStore struct {
	now     func() time.Time
	entries *shelf
}

// NewMemoryStore makes a store for at most limit entries ([DefaultMemoryLimit]
// if 0 or less) that tells the time by now ([time.Now] if nil). They lie in
// parts of up to 16,384, each with its share of the limit: the first part that
// is full refuses what belongs there, at some 98 % of the whole.
func NewMemoryStore(limit int, now func() time.Time) *MemoryStore {
	if limit <= 0 {
		limit = DefaultMemoryLimit
	}
	if now == nil {
		now = time.Now
	}
	return &MemoryStore{now, newShelf(limit)}
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
	e := s.entries.find(key)
	if e == nil || e.expired(s.now()) {
		return "", false, nil
	}
	return e.value, true, nil
}

func (s *MemoryStore) put(ctx context.Context, key, value string, ttl time.Duration, keep bool) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if ttl <= 0 { // to go-cache, 0 means the default and less means for ever
		return "", errors.New("certify: a store entry needs a positive ttl")
	}
	now := s.now()
	stands, ok := s.entries.put(strings.Clone(key), strings.Clone(value), now.Add(ttl), now, keep)
	if !ok {
		return "", errStoreFull
	}
	return stands, nil
}

const (
	shardEntries = 16_384 // that share a lock
	expirePerPut = 4      // more than one, so that what has expired gets less
)

// A shelf holds up to a number of entries in memory, each until it expires. It
// is go-cache without what does not fit here: its clock, which nobody can set;
// its janitor, a goroutine that nobody can stop and that holds up everyone for
// a sweep; and its growth without bounds.
type shelf struct {
	limit  int // entries in each shard
	seed   maphash.Seed
	shards []shard
}

func newShelf(limit int) *shelf {
	n := (limit + shardEntries - 1) / shardEntries
	s := &shelf{limit / n, maphash.MakeSeed(), make([]shard, n)}
	for i := range s.shards {
		s.shards[i].entries = cache.New(cache.NoExpiration, 0) // 0: no janitor
	}
	return s
}

func (s *shelf) shard(key string) *shard {
	return &s.shards[maphash.String(s.seed, key)%uint64(len(s.shards))]
}

// find returns the entry of a key, expired or not, or nil.
func (s *shelf) find(key string) *entry { return s.shard(key).find(key) }

// put stores value, unless keep is set and something stands there already. It
// returns what stands there then, and false if there is no room. It keeps key.
func (s *shelf) put(key, value string, expires, now time.Time, keep bool) (stands string, ok bool) {
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.expire(now)
	old := sh.find(key)
	switch {
	case old != nil && keep && !old.expired(now):
		return old.value, true
	case old == nil && len(sh.queue) >= s.limit:
		return stands, false
	}
	// Round strips the monotonic reading: tokens expire by the wall clock, and
	// what is remembered of them must do so with them.
	sh.place(old, &entry{key: key, value: value, expires: expires.Round(0)})
	return value, true
}

// A shard is a part of a shelf with a lock of its own.
type shard struct {
	mu      sync.Mutex // makes look and put one step
	entries *cache.Cache
	queue   expiryQueue
}

// An entry does not change, but for its place in the queue.
type entry struct {
	key     string
	value   string
	expires time.Time
	place   int
}

func (e *entry) expired(now time.Time) bool { return !now.Before(e.expires) }

func (sh *shard) find(key string) *entry {
	found, ok := sh.entries.Get(key)
	if !ok {
		return nil
	}
	return found.(*entry)
}

// place puts e in the stead of old, if there was one.
func (sh *shard) place(old, e *entry) {
	if old == nil {
		heap.Push(&sh.queue, e)
	} else {
		e.place = old.place
		sh.queue[e.place] = e
		heap.Fix(&sh.queue, e.place)
	}
	sh.entries.Set(e.key, e, cache.NoExpiration)
}

// expire removes what has expired, a few entries at a time.
func (sh *shard) expire(now time.Time) {
	for range expirePerPut {
		if len(sh.queue) == 0 || !sh.queue[0].expired(now) {
			return
		}
		sh.entries.Delete(heap.Pop(&sh.queue).(*entry).key)
	}
}

// An expiryQueue is a [heap.Interface] with the next to expire first.
type expiryQueue []*entry

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].expires.Before(q[j].expires) }

func (q expiryQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push adds e at the end.
func (q *expiryQueue) Push(e any) {
	e.(*entry).place = len(*q)
	*q = append(*q, e.(*entry))
}

// Pop takes the last away.
func (q *expiryQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
