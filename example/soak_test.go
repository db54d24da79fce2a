package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/certify-go/certify"
	"github.com/certify-go/certify/sandbox"
)

// soakFor is how long TestSoak takes: CERTIFY_SOAK, such as 10m.
const soakFor = "CERTIFY_SOAK"

// A soak drives a fleet at full speed, through everything that may happen to
// it, and knows the right answer to every request.
type soak struct {
	*fleet
	transport *http.Transport
	trouble   atomic.Int64 // unix ns until when requests may go unanswered
	late      *lateness

	requests, verified, signedOut, refused atomic.Int64
	unanswered                             atomic.Int64 // during trouble

	mu       sync.Mutex
	missed   []miss          // without trouble
	gates    []time.Duration // how long gated requests took while nothing was wrong
	admitted []time.Duration // how long after signing out the last request was admitted
}

// A miss is a request that went without an answer.
type miss struct {
	span
	what string
}

// recovery is for how long after trouble requests may go unanswered.
const recovery = 5 * time.Second

// work is one visitor after the other, beside one who stays.
func (s *soak) work(stop <-chan struct{}) {
	var stays *person
	var since time.Time
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if stays == nil || time.Since(since) > 20*time.Second {
			stays, since = s.person(), time.Now()
			if _, ok := stays.pass(sandbox.Adult); !ok {
				stays = nil
				continue
			}
		}
		s.walk(n)
		stays.gate()
	}
}

// hurt does something to the fleet, after which requests may go unanswered for
// a while.
func (s *soak) hurt(way int) string {
	if way == 4 { // nobody may notice
		keys := strings.Split(s.currentKeys(), ",")
		next := generateKey(s.t)
		s.roll(append(keys[:min(len(keys), 2)], next)...)
		s.roll(append([]string{next}, keys[:min(len(keys), 2)]...)...)
		return "a rolling rotation of the keys, six restarts"
	}
	s.trouble.Store(time.Now().Add(time.Hour).UnixNano())
	defer func() { s.trouble.Store(time.Now().Add(recovery).UnixNano()) }()
	switch way {
	case 0:
		s.redis.signal(syscall.SIGSTOP)
		<-time.After(1500 * time.Millisecond)
		s.redis.signal(syscall.SIGCONT)
		return "kill -STOP of Redis for 1.5 s"
	case 1:
		s.redis.end(syscall.SIGKILL)
		<-time.After(time.Second)
		s.redis.start()
		return "kill -9 of Redis and a restart after 1 s"
	case 2:
		s.net.silence()
		<-time.After(1500 * time.Millisecond)
		s.net.restore()
		return "a network that drops packets for 1.5 s"
	}
	shop := s.shops[1]
	shop.end(syscall.SIGKILL)
	shop.start()
	return "kill -9 of a shop and a restart"
}

// state is what grows where something leaks.
type state struct {
	goroutines, files, redis int
	heap                     uint64
}

func (s *soak) state() (all state) {
	for i, p := range s.shops {
		h := s.health(i)
		all.goroutines += h.Goroutines
		all.heap += h.Heap
		all.files += p.files()
	}
	all.redis = s.redisClients()
	return all
}

func (a state) String() string {
	return fmt.Sprintf("%d goroutines, %d files and sockets, %d MB of heap, %d connections to Redis", a.goroutines, a.files, a.heap>>20, a.redis)
}

// faultLines keeps what tells of a fault, and forgets the rest.
type faultLines struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (f *faultLines) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for line := range bytes.Lines(p) {
		if (bytes.Contains(line, []byte("ERROR")) || bytes.Contains(line, []byte("panic"))) && f.lines.Len() < 1<<16 {
			f.lines.Write(line)
		}
	}
	return len(p), nil
}

// TestSoak is the whole, for seconds or, with CERTIFY_SOAK=10m, for minutes:
// docs/scale.md has the figures.
func TestSoak(t *testing.T) {
	whole := 4 * time.Second
	if text := os.Getenv(soakFor); text != "" {
		var err error
		if whole, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakFor, err)
		}
	}
	faults := &faultLines{}
	s := &soak{fleet: newFleetPrinting(t, faults), transport: &http.Transport{MaxIdleConnsPerHost: 64}, late: newLateness(t)}
	s.load(min(whole/4, 20*time.Second), func(time.Time) {}) // what is made once is no leak
	before := s.state()
	t.Logf("before: %s", before)
	// First the shops live on, so that what leaks shows; then they, too, die.
	pause := max(time.Second, min(whole/20, 15*time.Second))
	s.load(whole*2/3, func(end time.Time) { s.hurtUntil(end, pause, 0, 1, 2) })
	t.Logf("after: %s", s.settle(before))
	s.load(whole/3, func(end time.Time) { s.hurtUntil(end, pause, 3, 4) })
	t.Logf("after the restarts: %s", s.settle(before))
	s.report(whole, faults)
}

// load is as much as the machine can bear, for a while, until what happens
// beside is over, and until enough was done to tell anything.
func (s *soak) load(d time.Duration, beside func(end time.Time)) {
	s.t.Helper()
	var workers sync.WaitGroup
	stop := make(chan struct{})
	for range 16 {
		workers.Go(func() { s.work(stop) })
	}
	end := time.Now().Add(d)
	beside(end)
	<-time.After(time.Until(end))
	for deadline := time.Now().Add(patience); !s.enough() && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
	}
	close(stop)
	workers.Wait()
	s.transport.CloseIdleConnections()
	if !s.enough() {
		s.t.Errorf("too little was done to tell anything: %d verifications, %d sign-outs", s.verified.Load(), s.signedOut.Load())
	}
}

func (s *soak) enough() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verified.Load() >= 10 && s.signedOut.Load() >= 3 && len(s.gates) >= 50
}

// hurtUntil hurts the fleet now and then, in these ways, at least once in each,
// and tells how it is.
func (s *soak) hurtUntil(end time.Time, pause time.Duration, ways ...int) {
	for n := 0; n < len(ways) || time.Now().Before(end); n++ {
		<-time.After(pause)
		what := s.hurt(ways[n%len(ways)])
		s.t.Logf("%s; now %s", what, s.state())
	}
}

// settle waits until what the load needed is given back.
func (s *soak) settle(before state) (after state) {
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		after = s.state()
		if after.goroutines <= before.goroutines+12 && after.files <= before.files+12 && after.redis <= before.redis+3 {
			break
		}
	}
	switch {
	case after.goroutines > before.goroutines+12:
		s.t.Errorf("goroutines leak: %d before, %d after", before.goroutines, after.goroutines)
	case after.files > before.files+12:
		s.t.Errorf("connections leak: %d files before, %d after", before.files, after.files)
	case after.redis > before.redis+3:
		s.t.Errorf("connections to Redis leak: %d before, %d after", before.redis, after.redis)
	case after.heap > before.heap+3*200<<20: // the caches of three processes, full
		s.t.Errorf("the heap grew from %d MB to %d MB", before.heap>>20, after.heap>>20)
	}
	return after
}

// unexplained are the requests that went without an answer while nothing was
// wrong, this machine included.
func (s *soak) unexplained(late []span) []miss {
	return slices.DeleteFunc(slices.Clone(s.missed), func(m miss) bool {
		return slices.ContainsFunc(late, func(l span) bool { return m.to.After(l.from) && m.from.Before(l.to.Add(recovery)) })
	})
}

func (s *soak) report(whole time.Duration, faults *faultLines) {
	late := s.late.all()
	unexplained := s.unexplained(late)
	s.t.Logf("%d requests in %s and the time before, %d without an answer during faults and %d without a fault; %d verifications, %d sign-outs, %d refused as somebody else's",
		s.requests.Load(), whole, s.unanswered.Load(), len(unexplained), s.verified.Load(), s.signedOut.Load(), s.refused.Load())
	if len(late) > 0 {
		s.t.Logf("this machine was late %d times, and %d requests with it", len(late), len(s.missed)-len(unexplained))
	}
	for _, m := range unexplained[:min(len(unexplained), 10)] {
		s.t.Logf("without an answer while nothing was wrong: %s", m.what)
	}
	slices.Sort(s.admitted)
	if n := len(s.admitted); n > 0 {
		s.t.Logf("who had signed out was admitted, somewhere, for: p50 %s, p99 %s, at most %s", s.admitted[n/2], s.admitted[n*99/100], s.admitted[n-1])
	}
	slices.Sort(s.gates)
	if n := len(s.gates); n > 0 {
		s.t.Logf("gated requests through nginx: p50 %s, p99 %s, at most %s", s.gates[n/2], s.gates[n*99/100], s.gates[n-1])
	}
	if n := int64(len(unexplained)); n*100 > s.requests.Load() { // a busy machine may be slow, now and then
		s.t.Errorf("%d of %d requests went without an answer while nothing was wrong", n, s.requests.Load())
	}
	faults.mu.Lock()
	defer faults.mu.Unlock()
	for line := range strings.Lines(faults.lines.String()) {
		if strings.Contains(line, "panic") || !strings.Contains(line, string(certify.CodeStoreUnavailable)) {
			s.t.Errorf("a process printed: %s", line)
		}
	}
}
