package redisstore_test

import (
	"sync/atomic"
	"testing"
	"time"
)

// A lateness is how late this process is woken on a machine that is busy
// otherwise, at worst. Whatever is bounded by a timer may come that much later,
// some times over.
type lateness struct {
	worst, beats atomic.Int64
	done         chan struct{}
}

const pulse = 5 * time.Millisecond

// newLateness measures until the test ends.
func newLateness(t testing.TB) *lateness {
	l := &lateness{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			began := time.Now()
			select {
			case <-t.Context().Done():
				return
			case <-time.After(pulse):
			}
			l.worst.Store(max(l.worst.Load(), int64(time.Since(began)-pulse)))
			l.beats.Add(1)
		}
	}()
	t.Cleanup(func() { <-l.done })
	return l
}

// beyond reports whether something took longer than the bound, and this machine
// cannot be why.
func (l *lateness) beyond(took, bound time.Duration) bool {
	if !l.above(took, bound) {
		return false
	}
	l.awaitBeats()
	return l.above(took, bound)
}

func (l *lateness) above(took, bound time.Duration) bool {
	return took > bound+slack+5*time.Duration(l.worst.Load())
}

// awaitBeats waits for two beats, since who stood still may be woken before the
// pulse that tells of it, or until there are no more.
func (l *lateness) awaitBeats() {
	for beats := l.beats.Load(); l.beats.Load() < beats+2; {
		select {
		case <-l.done:
			return
		case <-time.After(pulse):
		}
	}
}
