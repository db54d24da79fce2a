package redisstore

import (
	"hash/maphash"
	"sync"
	"time"
)

const cacheShards = 64

// A cache remembers answers. Of each shard it keeps two generations: when the
// young one is full the old one goes, so that what is in use stays and the
// whole stays bounded, at no cost but a look into two maps.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu         sync.Mutex
	version    uint64 // counts what may have made an answer under way untrue
	young, old map[string]entry
	limit      int // of a generation
}

// An entry is an answer, "nothing there" included, and when it ends.
type entry struct {
	value string
	ok    bool
	until time.Time
}

func newCache(entries int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].limit = max(1, entries/cacheShards/2)
	}
	return c
}

func (c *cache) shard(key string) *cacheShard {
	return &c.shards[maphash.String(c.seed, key)%cacheShards]
}

// get returns an answer, which may have ended, and the version with which to
// put one that is yet to be asked for.
func (c *cache) get(key string) (e entry, version uint64, ok bool) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok = s.young[key]; !ok {
		if e, ok = s.old[key]; ok {
			s.keep(key, e)
		}
	}
	return e, s.version, ok
}

// put remembers an answer, unless a change was told since it was asked for: the
// answer may be older than the change, and there would be no second word of it.
func (c *cache) put(key string, e entry, version uint64) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version == version {
		s.keep(key, e)
	}
}

func (s *cacheShard) keep(key string, e entry) {
	if len(s.young) >= s.limit {
		s.old, s.young = s.young, nil
	}
	if s.young == nil {
		s.young = make(map[string]entry)
	}
	s.young[key] = e
}

// drop forgets the answer about a key.
func (c *cache) drop(key string) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	delete(s.young, key)
	delete(s.old, key)
}

// flush forgets everything.
func (c *cache) flush() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.version++
		s.young, s.old = nil, nil
		s.mu.Unlock()
	}
}
