package redisstore

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// markerKey is the key of a marker, after the prefix. Nothing of certify's begins
// with it.
const markerKey = "marker"

// A marker is an entry with a random value and without an end. While it stands
// unchanged, Redis holds the data that this process knows. All processes share
// it: the first writes it, by SET NX.
type marker struct {
	key     string
	cleared atomic.Uint64 // the doubt that the last good look has cleared
	last    atomic.Pointer[written]

	mu     sync.Mutex
	flight *flight
	value  string    // as it was last seen; "" before
	seen   time.Time // when it was last as it should be
	before string    // the value that was lost, until the loss is handled
}

// A written is the last write that Redis confirmed to this process.
type written struct {
	key   string
	until time.Time
}

// A flight is a look that is under way, and its result.
type flight struct {
	done chan struct{}
	err  error
}

// The value of a marker is its own name and, once a loss was handled, the name of
// the marker that was lost: "name,lost". Processes that notice the loss later
// need not handle it again.
func nameOf(value string) string { name, _, _ := strings.Cut(value, ","); return name }

func handledLoss(value string) string { _, lost, _ := strings.Cut(value, ","); return lost }

// missFor is how long a write is missed at most. Another process may have written
// the entry again meanwhile, so that it ends sooner.
const missFor = 10 * time.Minute

// remember keeps a confirmed write. Entries that end soon prove nothing.
func (m *marker) remember(key string, ttl time.Duration) {
	margin := max(time.Second, ttl/10)
	if ttl > 2*margin {
		m.last.Store(&written{key, time.Now().Add(min(ttl-margin, missFor))})
	}
}

// look reads the marker and the last write of this process. Looks at one marker
// join each other.
func (m *marker) look(d *lossDetector, client rueidis.Client) error {
	m.mu.Lock()
	if f := m.flight; f != nil {
		m.mu.Unlock()
		<-f.done
		return f.err
	}
	f := &flight{done: make(chan struct{})}
	m.flight = f
	m.mu.Unlock()
	f.err = m.compare(d, client)
	m.mu.Lock()
	m.flight = nil
	m.mu.Unlock()
	close(f.done)
	return f.err
}

// compare is done by one caller at a time.
func (m *marker) compare(d *lossDetector, client rueidis.Client) error {
	doubt, asked, last := d.doubts.Load(), time.Now(), m.last.Load()
	found := d.do(client, client.B().Get().Key(m.key).Build())
	if found.err != nil {
		return found.err
	}
	m.mu.Lock()
	known, seen := m.value, m.seen
	m.mu.Unlock()
	var detail string
	switch {
	case known == "" || nameOf(found.value) == nameOf(known):
	case !found.ok:
		detail = "the marker is gone"
	case handledLoss(found.value) != nameOf(known):
		detail = "the marker is another"
	default:
		d.cache.flush()
		d.logger.Warn("redisstore: Redis has lost its data, and another process has handled it", "since", seen, "noticed", asked)
	}
	partial := false
	if detail == "" && last != nil && asked.Before(last.until) && nameOf(found.value) == nameOf(known) {
		entry := d.do(client, client.B().Get().Key(last.key).Build())
		if entry.err != nil {
			return entry.err
		}
		if partial = !entry.ok; partial {
			detail = "the last write of this process is gone"
		}
	}
	if !found.ok {
		if found = m.create(d, client); found.err != nil && !refusesWrites(found.err) {
			return found.err
		}
	}
	if detail != "" || nameOf(found.value) != nameOf(known) {
		m.last.CompareAndSwap(last, nil) // it belongs to the data of before
	}
	m.mu.Lock()
	m.value, m.seen = found.value, asked
	if detail != "" && !partial {
		m.before = nameOf(known)
	}
	m.mu.Unlock()
	if detail != "" {
		d.report(DataLoss{Since: seen, Noticed: asked, Partial: partial, Detail: detail})
	}
	m.cleared.Store(doubt)
	return nil
}

// create writes a new marker, unless another process was first.
func (m *marker) create(d *lossDetector, client rueidis.Client) outcome {
	value := rand.Text()
	o := d.do(client, client.B().Set().Key(m.key).Value(value).Nx().Get().Build())
	switch {
	case o.err != nil:
		return outcome{err: o.err}
	case !o.ok:
		return outcome{value: value, ok: true}
	}
	return o
}

// markHandled notes in the marker that the loss of the one before was handled.
func (m *marker) markHandled(d *lossDetector, client rueidis.Client) {
	m.mu.Lock()
	value, before := m.value, m.before
	m.mu.Unlock()
	if before == "" || value == "" {
		return
	}
	found := d.do(client, client.B().Get().Key(m.key).Build())
	if found.err != nil || found.value != value {
		return // another process has written it, or it is lost again
	}
	next := nameOf(value) + "," + before
	if o := d.do(client, client.B().Set().Key(m.key).Value(next).Build()); o.err == nil {
		m.mu.Lock()
		m.before = ""
		m.mu.Unlock()
	}
}

// confirm notes that the data of a good look is still there.
func (m *marker) confirm(doubts uint64, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cleared.Load() == doubts && m.value != "" && at.After(m.seen) {
		m.seen = at
	}
}

// do bounds a command of the detector.
func (d *lossDetector) do(client rueidis.Client, cmd rueidis.Completed) outcome {
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	defer cancel()
	return read(client.Do(ctx, cmd))
}
