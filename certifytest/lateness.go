package certifytest

import (
	"sync/atomic"
	"testing"
	"time"
)

// A lateness is how late this process is woken on a machine that is busy
// otherwise, at worst. What a store has to do within a second may come that
// much later, some times over, and the store is not to blame.
type lateness struct{ worst atomic.Int64 }

const pulse = 5 * time.Millisecond

// newLateness measures until the test ends.
func newLateness(t *testing.T) *lateness {
	l := &lateness{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			began := time.Now()
			select {
			case <-t.Context().Done():
				return
			case <-time.After(pulse):
			}
			l.worst.Store(max(l.worst.Load(), int64(time.Since(began)-pulse)))
		}
	}()
	t.Cleanup(func() { <-done })
	return l
}

// allow is a bound on this machine.
func (l *lateness) allow(bound time.Duration) time.Duration {
	return bound + 5*time.Duration(l.worst.Load())
}
