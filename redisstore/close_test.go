package redisstore_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// goroutines counts those that this package or its client started.
func goroutines() (n int, stacks string) {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 2)
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, "/rueidis") || strings.Contains(stack, "redisstore.(*") {
			n++
			stacks += stack + "\n\n"
		}
	}
	return n, stacks
}

// Not parallel: it counts what others would start, too.
func TestCloseLeavesNothing(t *testing.T) {
	for name, away := range map[string]func(*server, *proxy){
		"while all is well":           func(*server, *proxy) {},
		"while Redis is stopped":      func(s *server, _ *proxy) { s.stop() },
		"while Redis is gone":         func(s *server, _ *proxy) { s.kill() },
		"while the network is silent": func(_ *server, p *proxy) { p.silence() },
	} {
		t.Run(name, func(t *testing.T) {
			redis := redisServer(t)
			network := newProxy(t, redis.addr)
			cfg := config(network.addr)
			cfg.Timeout = timeout
			s, _ := openWarm(t, cfg, 1)
			w := newWitness(t, s, 20)
			w.back()
			away(redis, network)
			if name != "while all is well" {
				w.gone(20)
			}
			w.stop()
			began := time.Now()
			s.Close()
			took := time.Since(began)
			if w.late.beyond(took, 5*time.Second) {
				t.Errorf("Close took %s", took)
			}
			t.Logf("Close took %s", took)
			if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil {
				t.Error("a closed store answers")
			}
			if _, err := s.PutIfAbsent(t.Context(), "attempt:a", "v", time.Minute); err == nil {
				t.Error("a closed store takes an attempt")
			}
			s.Close() // again does no harm
			w.done.Wait()
			var stacks string
			nothingLeft(t, &stacks, func() (left bool) {
				n, text := goroutines()
				stacks = text
				return n > 0
			})
		})
	}
}

func nothingLeft(t *testing.T, stacks *string, left func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); left(); tick() {
		if time.Now().After(deadline) {
			t.Fatalf("these are left:\n%s", *stacks)
		}
	}
}

// Hours of trouble must not pile anything up.
func TestTroubleLeavesNothing(t *testing.T) {
	redis := redisServer(t)
	network := newProxy(t, redis.addr)
	cfg := config(network.addr)
	cfg.Timeout = timeout
	s, book := openWarm(t, cfg, 1)
	use := func() {
		for i := range 50 {
			_, _, _ = s.Get(t.Context(), fmt.Sprint("revoked:", i))
		}
	}
	use()
	var before int
	var clients int64
	eventually(t, "it settles", func() bool { // the machine may have cost it a connection
		before, _ = goroutines()
		clients = redis.stat("connected_clients")
		tick()
		after, _ := goroutines()
		return after == before && redis.stat("connected_clients") == clients && book.count(hears) > book.count(lost)
	})
	for range 2 {
		w := newWitness(t, s, 50)
		w.back()
		network.silence()
		w.gone(50)
		network.restore()
		redis.stop()
		w.gone(50)
		redis.cont()
		network.cut()
		w.back()
		w.end()
	}
	use()
	var stacks string
	nothingLeft(t, &stacks, func() bool {
		n, text := goroutines()
		stacks = text
		return n > before+2 || redis.stat("connected_clients") > clients
	})
}

// Close ends a handler of lost data that waits for the end of its context, and a
// second loss starts none.
func TestCloseWhileALossIsHandled(t *testing.T) {
	redis := redisServer(t)
	s, _ := openWarm(t, config(redis.addr), 1)
	get(t, s, "revoked:a", false)
	handling := make(chan struct{})
	s.HandleDataLoss(func(ctx context.Context, _ redisstore.DataLoss) error {
		close(handling)
		<-ctx.Done()
		return ctx.Err()
	})
	redis.do("FLUSHALL")
	<-handling
	late, began := newLateness(t), time.Now()
	s.Close()
	if took := time.Since(began); late.beyond(took, 5*time.Second) {
		t.Errorf("Close took %s", took)
	}
	var stacks string
	nothingLeft(t, &stacks, func() bool {
		n, text := goroutines()
		stacks = text
		return n > 0
	})
}
