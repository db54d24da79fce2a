package certifytest

import (
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify"
)

// A storeTest is a subject with the words of the tests. All of them may be used
// from any goroutine.
type storeTest struct{ StoreSubject }

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
// after it was put.
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
		case asked > time.Second:
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
		case asked > time.Second:
			t.Fatalf("Get(%q) = %q, %s after its end", key, got, asked)
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
