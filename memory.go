package certify

import (
	"container/heap"
	"context"
	"errors"
	"hash/maphash"
	"math"
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
//
// An entry expires when its time has passed by two clocks: the one that can be
// set, by which claims and attempts expire, and the monotonic one of the
// process. A clock that is wrong for a while, ahead or behind, drops nothing
// early. While it is behind, and on a machine that slept, entries stay longer.
type MemoryStore struct {
	now     func() time.Time
	elapsed func() time.Duration // monotonic, since the store was made
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
	start := time.Now()
	return &MemoryStore{now, func() time.Duration { return time.Since(start) }, newShelf(limit)}
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
	if e == nil || e.expired(s.instant()) {
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
	now := s.instant()
	e := &entry{key: strings.Clone(key), value: strings.Clone(value), expires: now.add(ttl)}
	stands, ok := s.entries.put(e, now, keep)
	if !ok {
		return "", errStoreFull
	}
	return stands, nil
}

// An instant is a moment by both clocks, in nanoseconds: since 1970, and since
// the store was made.
type instant struct{ wall, monotonic int64 }

func (s *MemoryStore) instant() instant {
	return instant{s.now().UnixNano(), int64(s.elapsed())}
}

// add gives math.MaxInt64 for sums that are larger.
func (t instant) add(ttl time.Duration) instant {
	return instant{addNanoseconds(t.wall, ttl), addNanoseconds(t.monotonic, ttl)}
}

func addNanoseconds(t int64, d time.Duration) int64 {
	if t > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return t + int64(d)
}

const (
	shardEntries = 16_384    // that share a lock
	lookAgain    = time.Hour // at an entry that expired by the monotonic clock alone
	expirePerPut = 4         // more than one, so that what has expired gets less
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

// put stores e, unless keep is set and something stands there already. It
// returns what stands there then, and false if there is no room.
func (s *shelf) put(e *entry, now instant, keep bool) (stands string, ok bool) {
	sh := s.shard(e.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.expire(now)
	old := sh.find(e.key)
	switch {
	case old != nil && keep && !old.expired(now):
		return old.value, true
	case old == nil && len(sh.queue) >= s.limit:
		return stands, false
	}
	e.due = e.expires.monotonic
	sh.place(old, e)
	return e.value, true
}

// A shard is a part of a shelf with a lock of its own.
type shard struct {
	mu      sync.Mutex // makes look and put one step
	entries *cache.Cache
	queue   expiryQueue
}

// An entry does not change, but for when it is due and its place in the queue,
// which the shard's lock guards.
type entry struct {
	key, value string
	expires    instant
	due        int64 // to be looked at, by the monotonic clock
	place      int
}

func (e *entry) expired(now instant) bool {
	return now.wall >= e.expires.wall && now.monotonic >= e.expires.monotonic
}

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

// expire looks at a few entries that are due, and removes those that expired.
// The others, whose time has not passed by the wall clock, make way: they must
// not keep what has expired behind them.
func (sh *shard) expire(now instant) {
	for range expirePerPut {
		if len(sh.queue) == 0 || now.monotonic < sh.queue[0].due {
			return
		}
		e := sh.queue[0]
		if !e.expired(now) {
			e.due = addNanoseconds(now.monotonic, lookAgain)
			heap.Fix(&sh.queue, 0)
			continue
		}
		sh.entries.Delete(heap.Pop(&sh.queue).(*entry).key)
	}
}

// An expiryQueue is a [heap.Interface] with the next that is due first.
type expiryQueue []*entry

func (q expiryQueue) Len() int           { return len(q) }
func (q expiryQueue) Less(i, j int) bool { return q[i].due < q[j].due }

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
