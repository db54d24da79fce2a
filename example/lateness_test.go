package main

import (
	"context"
	"testing"
	"time"
)

// A lateness knows when this machine stood still, or was so busy that who only
// slept was woken late. Others were late then, too, and are not to blame.
type lateness struct {
	stop  context.CancelFunc
	done  chan struct{}
	times []span // complete once it is done
}

type span struct{ from, to time.Time }

const (
	pulse  = 50 * time.Millisecond
	lateBy = 250 * time.Millisecond // half of what a shop gives its Redis
)

// newLateness watches until it is asked, or the test ends.
func newLateness(t testing.TB) *lateness {
	ctx, stop := context.WithCancel(t.Context())
	l := &lateness{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for last := time.Now(); ctx.Err() == nil; {
			last = l.beat(ctx, last)
		}
	}()
	t.Cleanup(func() { l.all() })
	return l
}

func (l *lateness) beat(ctx context.Context, last time.Time) (woken time.Time) {
	select {
	case <-ctx.Done():
	case <-time.After(pulse):
	}
	if woken = time.Now(); woken.Sub(last) > pulse+lateBy {
		l.times = append(l.times, span{last, woken})
	}
	return woken
}

// all are the times when it was late. They are told at the end: whoever stood
// still, too, may be woken before the pulse that knows of it.
func (l *lateness) all() []span {
	l.stop()
	<-l.done
	return l.times
}
