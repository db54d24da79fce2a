package certifytest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A storeTest is a subject with the words of the tests. All of them may be used
// from any goroutine.
type storeTest struct {
	StoreSubject
	late *lateness
}

func (s storeTest) claims(t *testing.T, store certify.Store, key, value string, ttl time.Duration, stands string) {
	t.Helper()
	got, err := store.PutIfAbsent(t.Context(), key, value, ttl)
	if err != nil || got != stands {
		t.Errorf("PutIfAbsent(%q, %q, %s) = %q, %v; want %q", key, value, ttl, got, err, stands)
	}
}

func (s storeTest) puts(t *testing.T, store certify.Store, key, value string, ttl time.Duration) {
	t.Helper()
	if err := store.Put(t.Context(), key, value, ttl); err != nil {
		t.Errorf("Put(%q, %q, %s): %v", key, value, ttl, err)
	}
}

func (s storeTest) finds(t *testing.T, store certify.Store, key, value string) {
	t.Helper()
	got, ok, err := store.Get(t.Context(), key)
	if err != nil || !ok || got != value {
		t.Errorf("Get(%q) = %q, %t, %v; want %q", key, got, ok, err, value)
	}
}

func (s storeTest) misses(t *testing.T, store certify.Store, key string) {
	t.Helper()
	got, ok, err := store.Get(t.Context(), key)
	if err != nil || ok || got != "" {
		t.Errorf(`Get(%q) = %q, %t, %v; want "", false`, key, got, ok, err)
	}
}

// hears wants the value found by every lookup that begins more than a second
// after it was put, and more where this machine is late.
func (s storeTest) hears(t *testing.T, store certify.Store, key, value string) {
	t.Helper()
	for put := time.Now(); ; {
		asked := time.Since(put)
		got, ok, err := store.Get(t.Context(), key)
		switch {
		case err != nil:
			t.Fatalf("Get(%q): %v", key, err)
		case ok && got == value:
			return
		case s.late.beyond(asked, time.Second):
			t.Fatalf("Get(%q) = %q, %t, %s after %q was put elsewhere", key, got, ok, asked, value)
		}
	}
}

// forgets wants what was revoked to end. That it was there may be remembered for
// a second, too: [StoreSubject.Advance] has no power over what a store remembers.
func (s storeTest) forgets(t *testing.T, store certify.Store, key string) {
	t.Helper()
	for ended := time.Now(); ; {
		asked := time.Since(ended)
		got, ok, err := store.Get(t.Context(), key)
		switch {
		case err != nil:
			t.Fatalf("Get(%q): %v", key, err)
		case !ok:
			return
		case s.late.beyond(asked, time.Second):
			t.Fatalf("Get(%q) = %q, %s after its end", key, got, asked)
		}
	}
}

// races calls PutIfAbsent as the i-th of some callers, of which every other one
// is in another process, and returns what it is told.
func (s storeTest) races(t *testing.T, key string, i int) string {
	store := s.Store
	if i%2 == 1 {
		store = s.Peer
	}
	told, err := store.PutIfAbsent(yielding{t.Context()}, key, caller(i), time.Hour)
	if err != nil {
		t.Errorf("PutIfAbsent(%q), caller %d: %v", key, i, err)
	}
	return told
}

func caller(i int) string { return fmt.Sprint("caller ", i) }

// oneWon wants all of the callers to have been told the value of one.
func (s storeTest) oneWon(t *testing.T, key string, told []string) {
	t.Helper()
	winners := 0
	for i, stands := range told {
		if stands != told[0] {
			t.Fatalf("%s: caller 0 was told %q and caller %d %q", key, told[0], i, stands)
		}
		if stands == caller(i) {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%s: %d callers won, and all were told %q", key, winners, told[0])
	}
	s.finds(t, s.Peer, key, told[0])
}

// A yielding context lets others run whenever a store asks it. A store that
// looks and then puts asks in between, so that even on one core others look
// before it puts.
type yielding struct{ context.Context }

func (c yielding) Done() <-chan struct{} {
	runtime.Gosched()
	return c.Context.Done()
}

func (c yielding) Err() error {
	runtime.Gosched()
	return c.Context.Err()
}

// A meeting is where callers wait for each other. They spin: those that are
// woken come one after the other, and a caller of a fast store is done before
// the next. Where the store is slow they sleep, and leave the cores to it.
type meeting struct{ missing atomic.Int64 }

func (m *meeting) wait() {
	m.missing.Add(-1)
	for spins := 1; m.missing.Load() > 0; spins++ {
		switch {
		case spins%500 > 0: // not even the scheduler is between two callers
		case spins < 3000:
			runtime.Gosched()
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// together calls f in n goroutines that begin at once.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			f(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
}
