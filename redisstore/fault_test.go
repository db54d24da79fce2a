package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

const (
	timeout = 300 * time.Millisecond
	// slack is what answering may take beside waiting.
	slack = time.Second
	// staleFor is how long an answer of before may be given, at most. What the
	// machine does changes nothing about it: it counts from when a call began.
	staleFor = time.Second
)

// A witness uses a store without pause, and knows every right answer.
type witness struct {
	t     testing.TB
	store *redisstore.Store
	ctx   context.Context
	stop  context.CancelFunc
	done  sync.WaitGroup

	down          atomic.Int64 // unix ns since when no answer can be right; 0 while Redis is up
	answers, errs atomic.Int64
	refused       atomic.Int64 // errors of calls that began when no answer could be right any more
	slowest       atomic.Int64
	late          *lateness
	failsOver     atomic.Bool // to a replica, which may lack what was just put

	mu    sync.Mutex
	acked []string // attempts that were put and confirmed
}

func newWitness(t testing.TB, s *redisstore.Store, callers int) *witness {
	w := &witness{t: t, store: s, late: newLateness(t)}
	w.ctx, w.stop = context.WithCancel(t.Context())
	for i := range callers {
		w.done.Go(func() {
			for n := 0; w.ctx.Err() == nil; n++ {
				w.round(fmt.Sprintf("%d-%d", i, n))
			}
		})
	}
	t.Cleanup(func() { w.stop(); w.done.Wait() })
	return w
}

// round asks everything once, and judges the answers.
func (w *witness) round(id string) {
	mayLack := w.failsOver.Load()
	w.judge("PutIfAbsent", id, func() (bool, error) {
		stands, err := w.store.PutIfAbsent(w.ctx, "attempt:"+id, "mine "+id, time.Hour)
		if err == nil {
			w.mu.Lock()
			w.acked = append(w.acked, id)
			w.mu.Unlock()
		}
		return stands == "mine "+id, err
	})
	put := w.judge("Put", id, func() (bool, error) {
		return true, w.store.Put(w.ctx, "revoked:"+id, "1", time.Hour)
	})
	if put {
		w.judge("Get of what was revoked", id, func() (bool, error) {
			value, ok, err := w.store.Get(w.ctx, "revoked:"+id)
			return ok && value == "1" || mayLack || w.failsOver.Load(), err
		})
	}
	w.judge("Get of what was not", id, func() (bool, error) {
		_, ok, err := w.store.Get(w.ctx, "revoked:never-"+id[len(id)-1:])
		return !ok, err
	})
}

// judge reports whether there was an answer. It must be right and in time, and
// none can be right that was asked for when Redis had long been gone.
func (w *witness) judge(call, id string, f func() (right bool, err error)) bool {
	began := time.Now()
	down := w.down.Load()
	right, err := f()
	took := time.Since(began)
	for old := w.slowest.Load(); int64(took) > old && !w.slowest.CompareAndSwap(old, int64(took)); old = w.slowest.Load() {
	}
	if w.late.beyond(took, timeout) {
		w.t.Errorf("%s took %s, with a timeout of %s", call, took, timeout)
	}
	hopeless := down != 0 && began.Sub(time.Unix(0, down)) > staleFor && w.down.Load() == down
	if err != nil {
		w.errs.Add(1)
		if hopeless {
			w.refused.Add(1)
		}
		return false
	}
	w.answers.Add(1)
	if !right {
		w.t.Errorf("%s gave a wrong answer for %s", call, id)
	}
	if hopeless {
		w.t.Errorf("%s was answered %s after Redis was gone", call, began.Sub(time.Unix(0, down)))
	}
	return true
}

// gone says that Redis has just been taken away, and watches until so many
// calls were refused of which none could be answered.
func (w *witness) gone(calls int64) {
	w.t.Helper()
	before := w.refused.Load()
	w.down.Store(time.Now().UnixNano())
	defer w.down.Store(0)
	eventually(w.t, "calls are refused while Redis is gone", func() bool { return w.refused.Load() >= before+calls })
}

// back wants answers again, of every kind and without end.
func (w *witness) back() {
	w.t.Helper()
	eventually(w.t, "all calls succeed again", func() bool {
		errs, answers := w.errs.Load(), w.answers.Load()
		for w.answers.Load() < answers+200 && w.errs.Load() == errs {
			tick()
		}
		return w.errs.Load() == errs
	})
}

// end wants every confirmed write to be there still.
func (w *witness) end() {
	w.t.Helper()
	w.stop()
	w.done.Wait()
	for i := 0; i < len(w.acked); i += 1 + len(w.acked)/200 {
		id := w.acked[i]
		eventually(w.t, "it is told what became of a confirmed attempt", func() bool {
			value, ok, err := w.store.Get(w.t.Context(), "attempt:"+id)
			if err == nil && (!ok || value != "mine "+id) {
				w.t.Errorf("the confirmed attempt %s: %q, %t", id, value, ok)
			}
			return err == nil
		})
	}
	w.t.Logf("%d answers, %d errors, %d confirmed attempts; the slowest call took %s with a timeout of %s",
		w.answers.Load(), w.errs.Load(), len(w.acked), time.Duration(w.slowest.Load()).Round(time.Millisecond), timeout)
}

// A world is what a store depends on.
type world struct {
	redis *server
	net   *proxy
}

var faults = map[string]func(w *witness, x world){
	"kill -STOP and -CONT": func(w *witness, x world) {
		x.redis.stop()
		w.gone(16)
		x.redis.cont()
	},
	"kill -STOP, shortly": func(w *witness, x world) {
		x.redis.stop()
		<-time.After(timeout / 2)
		x.redis.cont()
	},
	"kill -9 and a restart": func(w *witness, x world) {
		x.redis.kill()
		w.gone(16)
		x.redis.restart()
	},
	"kill -9 and a restart at once": func(w *witness, x world) {
		x.redis.kill()
		x.redis.restart()
	},
	"a network that drops packets": func(w *witness, x world) {
		x.net.silence()
		w.gone(16)
		x.net.restore()
	},
	"a network that cuts connections": func(w *witness, x world) {
		for range 20 {
			x.net.cut()
			tick()
		}
	},
}

func TestRedisFails(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What Redis confirmed is on the disk, so that a kill loses nothing.
			x := world{redis: redisServer(t, "--appendonly", "yes", "--appendfsync", "always")}
			x.net = newProxy(t, x.redis.addr)
			cfg := config(x.net.addr)
			cfg.Timeout = timeout
			s, _ := openWarm(t, cfg, 1)
			w := newWitness(t, s, 8)
			w.back()
			for range 2 {
				fault(w, x)
				w.back()
			}
			w.end()
		})
	}
}

// Redis that is gone must not be a way in, nor cost more than the timeout.
func TestErrorsWhileDown(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, _ := openWarm(t, config(redis.addr), 1)
	redis.kill()
	eventually(t, "lookups fail", func() bool {
		_, _, err := s.Get(t.Context(), "revoked:a")
		return err != nil
	})
	eventually(t, "one fault reads the same, so that it is logged once", func() bool {
		_, _, err := s.Get(t.Context(), "revoked:a")
		_, _, again := s.Get(t.Context(), "revoked:b")
		return fmt.Sprint(again) == fmt.Sprint(err)
	})
	for range 3 {
		_, ok, err := s.Get(t.Context(), "revoked:a")
		_, errPut := s.PutIfAbsent(t.Context(), "attempt:a", "v", time.Minute)
		if err == nil || ok || errPut == nil || s.Put(t.Context(), "revoked:a", "1", time.Minute) == nil {
			t.Errorf("Get = %t, %v; PutIfAbsent: %v", ok, err, errPut)
		}
	}
}

// Who asks just when a connection breaks may get no answer, but never a "no".
func TestBrokenLookups(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	network := newProxy(t, redis.addr)
	cfg := config(network.addr)
	cfg.Timeout = redisstore.MaxTimeout
	s, _ := openWarm(t, cfg, 1)
	if err := s.Put(t.Context(), "attempt:a", "v", time.Hour); err != nil {
		t.Fatal(err)
	}
	network.silence()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if value, ok, err := s.Get(t.Context(), "attempt:a"); err == nil && (value != "v" || !ok) {
				t.Errorf("Get = %q, %t", value, ok)
			}
		})
	}
	for range 20 {
		tick() // for them to ask
	}
	network.cut()
	network.restore()
	all.Wait()
	eventually(t, "lookups work again", func() bool {
		value, ok, err := s.Get(t.Context(), "attempt:a")
		return value == "v" && ok && err == nil
	})
}

func TestErrorsReadTheSame(t *testing.T) {
	t.Parallel()
	redis := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 6379}
	broken := func(port int) error {
		return redisstore.Explain(&net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: port}, Addr: redis, Err: syscall.ECONNRESET})
	}
	if one, other := broken(50_001).Error(), broken(50_002).Error(); one != other || one != "redisstore: read 10.0.0.1:6379: connection reset by peer" {
		t.Errorf("one fault reads %q and %q", one, other)
	}
	if !errors.Is(broken(1), syscall.ECONNRESET) || redisstore.Explain(nil) != nil {
		t.Error("the cause is lost")
	}
}

// A visitor who leaves waits no longer, and neither does who waits behind a
// thousand others.
func TestWaiting(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.Timeout = timeout
	const long = 5 * time.Second // so that no connection is given up meanwhile
	cfg.Client.ConnWriteTimeout, cfg.Client.Dialer.KeepAlive = long, long
	s, _ := openWarm(t, cfg, 1)
	redis.stop()
	defer redis.cont()
	late := newLateness(t)
	var all sync.WaitGroup
	for i := range 3000 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if i%3 == 0 {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), timeout/10)
			}
			defer cancel()
			began := time.Now()
			_, err := s.PutIfAbsent(ctx, fmt.Sprint("attempt:", i), "v", time.Minute)
			took := time.Since(began)
			if err == nil || late.beyond(took, timeout) {
				t.Errorf("after %s: %v", took, err)
			}
			if i%3 == 0 && took < timeout && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a visitor left and was told: %v", err)
			}
		})
	}
	all.Wait()
	redis.cont()
	eventually(t, "it answers again", func() bool {
		_, err := s.PutIfAbsent(t.Context(), "attempt:again", "v", time.Minute)
		return err == nil
	})
}
