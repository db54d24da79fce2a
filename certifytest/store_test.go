package certifytest_test

import (
	"context"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/certifytest"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory is a sound subject, from which the broken ones are made.
func memory() certifytest.StoreSubject {
	c := &clock{now: time.Date(2026, 8, 10, 12, 0, 0, 0, time.UTC)}
	begin, store := c.now, certify.NewMemoryStore(0, c.time)
	// An entry expires by the monotonic clock, too, which apps cannot set.
	elapsed := reflect.ValueOf(store).Elem().FieldByName("elapsed")
	field := (*func() time.Duration)(unsafe.Pointer(elapsed.UnsafeAddr())) // #nosec G103 -- in a test
	*field = func() time.Duration { return c.time().Sub(begin) }
	return certifytest.StoreSubject{Store: store, Advance: c.advance}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	certifytest.StoreSuite(t, func(testing.TB) certifytest.StoreSubject { return memory() })
}

// A brokenStore breaks the contract where a function is set.
type brokenStore struct {
	certify.Store
	key         func(string) string
	value       func(string) string
	ttl         func(time.Duration) time.Duration
	ctx         func(context.Context) context.Context
	putIfAbsent func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error)
	get         func(s certify.Store, ctx context.Context, key string) (string, bool, error)
}

func (b brokenStore) change(ctx context.Context, key, value string, ttl time.Duration) (context.Context, string, string, time.Duration) {
	if b.ctx != nil {
		ctx = b.ctx(ctx)
	}
	if b.key != nil {
		key = b.key(key)
	}
	if b.value != nil {
		value = b.value(value)
	}
	if b.ttl != nil {
		ttl = b.ttl(ttl)
	}
	return ctx, key, value, ttl
}

func (b brokenStore) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	ctx, key, value, ttl = b.change(ctx, key, value, ttl)
	if b.putIfAbsent != nil {
		return b.putIfAbsent(b.Store, ctx, key, value, ttl)
	}
	return b.Store.PutIfAbsent(ctx, key, value, ttl)
}

func (b brokenStore) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	ctx, key, value, ttl = b.change(ctx, key, value, ttl)
	return b.Store.Put(ctx, key, value, ttl)
}

func (b brokenStore) Get(ctx context.Context, key string) (string, bool, error) {
	ctx, key, _, _ = b.change(ctx, key, "", 0)
	if b.get != nil {
		return b.get(b.Store, ctx, key)
	}
	return b.Store.Get(ctx, key)
}

// broken are stores that must not pass, and the part that must say so.
func broken() map[string]struct {
	store brokenStore
	part  string
} {
	var absent, order sync.Map
	var puts atomic.Int64
	return map[string]struct {
		store brokenStore
		part  string
	}{
		"overwrites": {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			return value, s.Put(ctx, key, value, ttl)
		}}, "the_first_put_stands"},
		"looks first": {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			if stands, ok, err := s.Get(ctx, key); ok || err != nil {
				return stands, err
			}
			return value, s.Put(ctx, key, value, ttl)
		}}, "many_keys"},
		"looks first, and long": {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			if stands, ok, err := s.Get(ctx, key); ok || err != nil {
				return stands, err
			}
			for range 100 { // the others look, too
				runtime.Gosched()
			}
			return value, s.Put(ctx, key, value, ttl)
		}}, "one_of_a_thousand"},
		byChance: {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			ctx = context.Background() // the window is as short as can be
			if stands, ok, err := s.Get(ctx, key); ok || err != nil {
				return stands, err
			}
			return value, s.Put(ctx, key, value, ttl)
		}}, "many_keys"},
		"keeps a thousand": {brokenStore{
			putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
				stands, err := s.PutIfAbsent(ctx, key, value, ttl)
				if _, known := order.LoadOrStore(key, puts.Load()); !known && err == nil {
					puts.Add(1)
				}
				return stands, err
			},
			get: func(s certify.Store, ctx context.Context, key string) (string, bool, error) {
				if at, known := order.Load(key); known && puts.Load()-at.(int64) > 1000 {
					return "", false, ctx.Err()
				}
				return s.Get(ctx, key)
			},
		}, "none_is_dropped"},
		"tells no loser": {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			_, err := s.PutIfAbsent(ctx, key, value, ttl)
			return value, err
		}}, "the_first_put_stands"},
		"never forgets":     {brokenStore{ttl: func(d time.Duration) time.Duration { return d * 100 }}, "until_their_end"},
		"forgets early":     {brokenStore{ttl: func(d time.Duration) time.Duration { return min(d, 30*24*time.Hour) }}, "until_their_end"},
		"takes any ttl":     {brokenStore{ttl: func(d time.Duration) time.Duration { return max(d, time.Second) }}, "no_end_is_refused"},
		"seconds are least": {brokenStore{ttl: func(d time.Duration) time.Duration { return d.Truncate(time.Second) }}, "no_end_is_refused"},
		"folds case":        {brokenStore{key: strings.ToLower}, "the_first_put_stands"},
		"cuts keys":         {brokenStore{key: func(s string) string { return s[:min(len(s), 127)] }}, "documented_kind"},
		"drops braces":      {brokenStore{key: func(s string) string { return strings.Trim(s, "{}") }}, "documented_kind"},
		"cuts values":       {brokenStore{value: func(s string) string { return s[:min(len(s), 255)] }}, "documented_kind"},
		"ignores contexts":  {brokenStore{ctx: context.WithoutCancel}, "context_has_ended"},
		"a put extends": {brokenStore{putIfAbsent: func(s certify.Store, ctx context.Context, key, value string, ttl time.Duration) (string, error) {
			stands, err := s.PutIfAbsent(ctx, key, value, ttl)
			if err == nil {
				err = s.Put(ctx, key, stands, ttl)
			}
			return stands, err
		}}, "gives_a_new_end"},
		"remembers nothing": {brokenStore{get: func(s certify.Store, ctx context.Context, key string) (string, bool, error) {
			if _, ok := absent.Load(key); ok {
				return "", false, ctx.Err()
			}
			value, ok, err := s.Get(ctx, key)
			if !ok && strings.HasPrefix(key, "revoked:") {
				absent.Store(key, true)
			}
			return value, ok, err
		}}, "a_revocation_is_seen"},
		"finds anything": {brokenStore{get: func(s certify.Store, ctx context.Context, key string) (string, bool, error) {
			return "", true, nil
		}}, "empty_store"},
	}
}

const breakStore = "CERTIFYTEST_BREAK_STORE"

func TestStoreSuiteOfABrokenStore(t *testing.T) {
	b, ok := broken()[os.Getenv(breakStore)]
	if !ok {
		t.Skip("run by TestStoreSuiteFails")
	}
	certifytest.StoreSuite(t, func(testing.TB) certifytest.StoreSubject {
		s := memory()
		b.store.Store = s.Store
		s.Store = b.store
		return s
	})
}

// A suite that passes everything would be none.
func TestStoreSuiteFails(t *testing.T) {
	t.Parallel()
	for name, b := range broken() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 1
			if name == byChance {
				tries = chances(t)
			}
			for try := 1; ; try++ {
				out, err := runBroken(name)
				switch {
				case err != nil && fails(out, b.part):
					return
				case try < tries:
				case err == nil:
					t.Fatal("the suite passes it")
				default:
					t.Fatalf("the part %q does not fail:\n%s", b.part, out)
				}
			}
		})
	}
}

// byChance is the flaw that shows only where two callers run at the same time.
const byChance = "looks first, and asks its context but once"

// chances are how often the suite may be run: on a machine that is busy
// otherwise, two callers seldom run at the same time.
func chances(t *testing.T) int {
	t.Helper()
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("skipped on one core, where no two callers ever run at the same time")
	}
	return 10
}

func runBroken(name string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestStoreSuiteOfABrokenStore$")
	cmd.Env = append(os.Environ(), breakStore+"="+name)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fails reports whether the part is among those that failed.
func fails(out, part string) bool {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "--- FAIL") && strings.Contains(line, part) {
			return true
		}
	}
	return false
}
