package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"
)

// What the tests of this package see of its inside.
type (
	Cache = cache
	Entry struct {
		Value string
		OK    bool
		Until time.Time
	}
)

type Caller = caller

const MaxInFlight = maxInFlight

var (
	NewCache    = newCache
	NewCaller   = newCaller
	Explain     = explain
	SaysDown    = saysDown
	ErrNoAnswer = errNoAnswer
)

// IsUnanswered reports whether Redis said nothing, or not in time.
func IsUnanswered(err error) bool {
	return isConnectionLost(err) && !errors.Is(err, errClosed) && !errors.Is(err, errTTL)
}

func (c *caller) Call(ctx context.Context, f func() error) error {
	return c.call(ctx, func() outcome { return outcome{err: f()} }).err
}

func (c *cache) Look(key string) (e Entry, version uint64, ok bool) {
	found, version, ok := c.get(key)
	return Entry{found.value, found.ok, found.until}, version, ok
}

func (c *cache) Learn(key string, e Entry, version uint64) {
	c.put(key, entry{e.Value, e.OK, e.Until}, version)
}

func (c *cache) Drop(key string) { c.drop(key) }
func (c *cache) Flush()          { c.flush() }

// Size is the number of entries in both generations.
func (c *cache) Size() (n int) {
	for i := range c.shards {
		n += len(c.shards[i].young) + len(c.shards[i].old)
	}
	return n
}

// Silent and Replica are ages of nodes that never proved themselves, the latter
// because it said that it is a replica.
const (
	Silent  = time.Duration(-1)
	Replica = time.Duration(-2)
)

// Fresh is what a watch says whose nodes proved themselves that long ago.
func Fresh(ages ...time.Duration) bool {
	w := &watch{}
	var trackers []*tracker
	for _, age := range ages {
		t := &tracker{}
		t.replica.Store(age == Replica)
		if age >= 0 {
			at := time.Now().Add(-age)
			t.proven.Store(&at)
		}
		trackers = append(trackers, t)
	}
	w.trackers.Store(&trackers)
	_, ok := w.fresh()
	return ok
}

// Version changes when what is remembered of a key may have become untrue.
func (s *Store) Version(key string) uint64 {
	_, version, _ := s.cache.get(key)
	return version
}

// LookingEvery is the configuration of a store that looks at its markers so often.
func (cfg Config) LookingEvery(d time.Duration) Config {
	cfg.lookEvery = d
	return cfg
}

// Slot is the hash slot of a key.
func Slot(key string) int { return slot(key) }

// MarkersOfCluster are the keys of the markers in a cluster.
func MarkersOfCluster(prefix string) (keys []string) {
	for _, m := range newMarkers(prefix, rueidis.ClientModeCluster) {
		keys = append(keys, m.key)
	}
	return keys
}

// MissedFor is for how long a write of that ttl is missed when it is gone.
func MissedFor(ttl time.Duration) time.Duration {
	m := &marker{}
	m.remember("", ttl)
	last := m.last.Load()
	if last == nil {
		return 0
	}
	return time.Until(last.until)
}

// Silent reports whether it is known that there is no answer about a key.
func (s *Store) Silent(key string) bool { return s.watch.checkSilence(s.prefix, key) != nil }

// Hears reports whether all changes until a second ago have been heard.
func (s *Store) Hears() bool {
	_, ok := s.watch.fresh()
	return ok
}
