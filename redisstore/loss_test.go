package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// What the log says of a loss, and what it says of one that another process has
// handled.
const (
	tellsLoss  = "operator fault: Redis lost its data"
	tellsOther = "another process has handled it"
	everybody  = "revoked:everybody"
)

// A process uses a store as gates do, and revokes everybody when data was lost.
type process struct {
	*redisstore.Store
	book  *logbook
	calls atomic.Int64
	loss  atomic.Pointer[redisstore.DataLoss]
}

func newProcess(t testing.TB, cfg redisstore.Config, nodes int) *process {
	t.Helper()
	s, book := openWarm(t, cfg, nodes)
	p := &process{Store: s, book: book}
	p.HandleDataLoss(func(ctx context.Context, loss redisstore.DataLoss) error {
		p.calls.Add(1)
		p.loss.Store(&loss)
		return p.Put(ctx, everybody, "1", time.Hour)
	})
	return p
}

// admits reports whether a gate would let the cookie in: it was not revoked, and
// neither were all. No answer is no entry.
func (p *process) admits(ctx context.Context, cookie string) bool {
	for _, key := range []string{cookie, everybody} {
		if _, revoked, err := p.Get(ctx, key); revoked || err != nil {
			return false
		}
	}
	return true
}

const revokedCookies = 501

func revokeMany(t testing.TB, s *redisstore.Store) {
	t.Helper()
	for i := range revokedCookies {
		if err := (patient{t, s}).Put(t.Context(), fmt.Sprint("revoked:", i), "1", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// told reports whether the loss was logged, as its own or as one that another
// process has handled already.
func (p *process) told() bool { return p.book.count(tellsLoss)+p.book.count(tellsOther) > 0 }

// tellsInTime wants the loss to be logged within two seconds.
func (p *process) tellsInTime(t testing.TB, late *lateness, back time.Time) {
	t.Helper()
	eventually(t, "the loss is told", p.told)
	took := time.Since(back)
	if late.beyond(took, 2*time.Second-slack) {
		t.Errorf("the loss was told %s after Redis was back", took)
	}
	t.Logf("the loss was told %s after Redis was back", took)
}

// losses are how a Redis loses what it has, at once or until it is back.
var losses = map[string]struct {
	lose   func(t *testing.T, s *server)
	atOnce bool // the connections stay, and what was asked just before may still be answered
}{
	"kill -9 without persistence": {func(_ *testing.T, s *server) { s.kill(); s.restart() }, false},
	"FLUSHALL":                    {func(_ *testing.T, s *server) { s.do("FLUSHALL") }, true},
	"FLUSHDB":                     {func(_ *testing.T, s *server) { s.do("FLUSHDB", "ASYNC") }, true},
	"DEBUG RELOAD of an older state": {func(_ *testing.T, s *server) {
		s.do("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")
		s.do("FLUSHALL")
	}, true},
}

// After a loss none of the revoked cookies comes back, in any process.
func TestLostDataIsNoticed(t *testing.T) {
	t.Parallel()
	for name, row := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redisServer(t, "--enable-debug-command", "local")
			if strings.HasPrefix(name, "DEBUG") {
				redis.do("SAVE")
			}
			one, other := newProcess(t, config(redis.addr), 1), newProcess(t, config(redis.addr), 1)
			revokeMany(t, one.Store)
			late := newLateness(t)
			comeBack := comesBack(t, row.atOnce, one, other)
			before := time.Now()
			row.lose(t, redis)
			back := time.Now()
			one.tellsInTime(t, late, back)
			other.tellsInTime(t, late, back)
			for _, p := range []*process{one, other} {
				eventually(t, "everybody is revoked", func() bool { _, ok, err := p.Get(t.Context(), everybody); return ok && err == nil })
			}
			comeBack()
			for _, p := range []*process{one, other} {
				for i := range revokedCookies {
					if p.admits(t.Context(), fmt.Sprint("revoked:", i)) {
						t.Fatalf("the revoked cookie %d is admitted", i)
					}
				}
				loss := p.loss.Load()
				if n := p.calls.Load(); n > 1 || n == 1 && (loss.Since.After(back) || loss.Noticed.Before(before) || loss.Partial || late.beyond(before.Sub(loss.Since), 0)) {
					t.Errorf("the handler was called %d times, with %+v; the loss was between %s and %s", n, loss, before, back)
				}
			}
			if one.calls.Load()+other.calls.Load() == 0 {
				t.Error("nobody has handled the loss")
			}
		})
	}
}

// comesBack asks for revoked cookies without pause. The function that it returns
// ends this, and wants none to have been admitted.
func comesBack(t *testing.T, atOnce bool, processes ...*process) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, p := range processes {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				began := p.told()
				if p.admits(ctx, fmt.Sprint("revoked:", i%revokedCookies)) && (began || !atOnce) {
					t.Errorf("the revoked cookie %d was admitted", i%revokedCookies)
				}
			}
		})
	}
	return func() { stop(); all.Wait() }
}

// A replica without the data that Sentinel promotes is an empty Redis.
func TestEmptyReplicaIsNoticed(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, primary)
	sentinel := sentinelFor(t, primary)
	eventually(t, "the sentinel knows the replica", func() bool {
		return strings.Contains(sentinel.do("SENTINEL", "REPLICAS", "wine"), "ok") && strings.Contains(sentinel.do("INFO", "sentinel"), "slaves=1")
	})
	cfg := config(sentinel.addr)
	cfg.Client.Sentinel.MasterSet, cfg.Timeout = "wine", timeout
	p := newProcess(t, cfg, 1)
	revokeMany(t, p.Store)
	late := newLateness(t)
	comeBack := comesBack(t, false, p)
	replica.do("CONFIG", "SET", "replica-read-only", "no") // so that the test can empty it
	primary.stop()
	replica.do("FLUSHALL")
	eventually(t, "the replica is promoted", func() bool { return strings.Contains(replica.do("INFO", "replication"), "role:master") })
	eventually(t, "the store is connected to it", func() bool {
		_, err := p.PutIfAbsent(t.Context(), "attempt:a", "v", time.Hour)
		return err == nil || p.book.count(tellsLoss) > 0
	})
	p.tellsInTime(t, late, time.Now())
	eventually(t, "everybody is revoked", func() bool { _, ok, err := p.Get(t.Context(), everybody); return ok && err == nil })
	comeBack()
	if n := p.calls.Load(); n != 1 {
		t.Errorf("the handler was called %d times:\n%s", n, p.book.text.String())
	}
}

// behindAName is a store that knows its Redis by a name, and a replica that has
// been cut off.
func behindAName(t *testing.T) (p *process, primary, replica *server, name *proxy) {
	t.Helper()
	primary = redisServer(t, "--repl-diskless-sync-delay", "0")
	replica = replicaOf(t, primary)
	name = newProxy(t, primary.addr)
	p = newProcess(t, config(name.addr), 1)
	takes(t, p.Store, "attempt:before", "mine")
	eventually(t, "the replica has it", func() bool {
		return strings.Contains(replica.do("GET", "certify:attempt:before"), "mine") && strings.HasPrefix(replica.do("GET", "certify:marker"), "$26")
	})
	return p, primary, replica, name
}

// failOver gives the name to the replica.
func failOver(primary, replica *server, name *proxy) {
	primary.kill()
	replica.do("REPLICAOF", "NO", "ONE")
	name.lead(replica.addr)
}

// A replica that lacks the last writes has the marker. What this process wrote
// last is missing.
func TestLateReplicaIsNoticed(t *testing.T) {
	t.Parallel()
	p, primary, replica, name := behindAName(t)
	replica.do("REPLICAOF", "127.0.0.1", "1") // it hears nothing from here on
	if err := (patient{t, p.Store}).Put(t.Context(), "revoked:last", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	late := newLateness(t)
	failOver(primary, replica, name)
	p.tellsInTime(t, late, time.Now())
	eventually(t, "the handler is called", func() bool { return p.calls.Load() == 1 })
	if loss := p.loss.Load(); !loss.Partial || !strings.Contains(loss.Detail, "last write") {
		t.Errorf("the loss is %+v", loss)
	}
}

// A replica that has everything is no loss, and neither are entries that end.
func TestWholeReplicaIsNoLoss(t *testing.T) {
	t.Parallel()
	p, primary, replica, name := behindAName(t)
	failOver(primary, replica, name)
	takes(t, p.Store, "attempt:after", "mine")
	// An entry that ended is not missed.
	if err := (patient{t, p.Store}).Put(t.Context(), "revoked:short", "1", 3*time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it ends", func() bool { _, ok, err := p.Get(t.Context(), "revoked:short"); return !ok && err == nil })
	replica.do("CLIENT", "KILL", "TYPE", "normal")
	looks(t, p, replica)
	if p.book.count(tellsLoss) != 0 || p.calls.Load() != 0 {
		t.Error("a loss is told, and nothing was lost")
	}
}

// looks waits until the process has looked at its marker after this moment.
func looks(t testing.TB, p *process, s *server) {
	t.Helper()
	before := s.calls("get")
	eventually(t, "it looks at its marker", func() bool { return s.calls("get") >= before+3 })
	get(t, p.Store, fmt.Sprint("revoked:", time.Now()), false)
}

// An empty Redis that is used for the first time has lost nothing, and processes
// that start together agree on one marker.
func TestFirstStartIsNoLoss(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	processes := make([]*process, 8)
	redis.do("CLIENT", "PAUSE", "60000", "WRITE") // until all have found no marker
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() { processes[i] = newProcess(t, config(redis.addr), 1) })
	}
	eventually(t, "all want to write the marker", func() bool { return strings.Contains(redis.do("INFO", "clients"), "\r\nblocked_clients:8\r\n") })
	redis.do("CLIENT", "UNPAUSE")
	all.Wait()
	for i, p := range processes {
		get(t, p.Store, fmt.Sprint("revoked:", i), false)
	}
	marker := redis.do("GET", "certify:marker")
	if !strings.HasPrefix(marker, "$26") || redis.do("PTTL", "certify:marker") != ":-1\r\n" {
		t.Errorf("the marker is %q", marker)
	}
	redis.do("CLIENT", "KILL", "TYPE", "normal")
	for _, p := range processes {
		looks(t, p, redis)
	}
	if redis.do("GET", "certify:marker") != marker {
		t.Error("the marker was changed")
	}
	for _, p := range processes {
		if p.book.count(tellsLoss) != 0 || p.calls.Load() != 0 {
			t.Error("a loss is told, and nothing was lost")
		}
	}
}

// A process that was away while others handled a loss does not handle it again:
// it would revoke what was issued since.
func TestLossIsHandledOnce(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	network := newProxy(t, redis.addr)
	one := newProcess(t, config(redis.addr), 1)
	cfg := config(network.addr)
	cfg.Timeout = timeout
	away := newProcess(t, cfg, 1)
	get(t, away.Store, "revoked:a", false)
	network.silence()
	network.cut()
	redis.do("FLUSHALL")
	eventually(t, "the loss is handled", func() bool { return one.book.count("the loss of data was handled") == 1 })
	network.cut() // so that nothing of before arrives
	network.restore()
	eventually(t, "the other is told", func() bool { return away.book.count(tellsOther) == 1 })
	get(t, away.Store, everybody, true)
	if n := away.calls.Load(); n != 0 || away.book.count(tellsLoss) != 0 {
		t.Errorf("it was handled %d times again", n)
	}
	// The next loss is one of its own.
	redis.do("FLUSHALL")
	eventually(t, "the next loss is told", func() bool { return away.book.count(tellsLoss)+one.book.count(tellsLoss) >= 2 })
}

// Until the handler has succeeded nothing is answered, except to itself.
func TestHandlerThatFails(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, book := openWarm(t, config(redis.addr), 1)
	p := &process{Store: s, book: book}
	get(t, s, "revoked:a", false)
	entered, leave := make(chan struct{}, 10), make(chan error)
	s.HandleDataLoss(func(ctx context.Context, _ redisstore.DataLoss) error {
		if _, ok, err := s.Get(ctx, "revoked:a"); ok || err != nil {
			t.Errorf("the handler itself gets %t, %v", ok, err)
		}
		if err := s.Put(ctx, everybody, "1", time.Hour); err != nil {
			t.Errorf("the handler itself puts: %v", err)
		}
		entered <- struct{}{}
		return <-leave
	})
	redis.do("FLUSHALL")
	for range 2 {
		<-entered
		for range 3 {
			for _, key := range []string{"revoked:a", "attempt:a", everybody} {
				if _, ok, err := s.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), "lost its data") {
					t.Errorf("a lookup of %s while the loss is handled: %t, %v", key, ok, err)
				}
			}
			admitsNothingElse(t, s)
		}
		leave <- errors.New("not now")
	}
	<-entered
	leave <- nil
	eventually(t, "it answers again", func() bool { _, ok, err := s.Get(t.Context(), everybody); return ok && err == nil })
	if p.book.count("the handler of a loss of data failed") != 2 || p.book.count(tellsLoss) != 1 {
		t.Error("the log does not tell of it as it should")
	}
}

// A loss that was noticed before there was a handler is handled when there is.
func TestHandlerThatComesLater(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, book := openWarm(t, config(redis.addr), 1)
	get(t, s, "revoked:a", false)
	redis.do("FLUSHALL")
	eventually(t, "the loss is told", func() bool { return book.count(tellsLoss) == 1 })
	get(t, s, "revoked:a", false) // without a handler it goes on
	handled := make(chan redisstore.DataLoss, 1)
	s.HandleDataLoss(func(_ context.Context, loss redisstore.DataLoss) error { handled <- loss; return nil })
	if loss := <-handled; loss.Since.IsZero() || !loss.Noticed.After(loss.Since) {
		t.Errorf("the loss is %+v", loss)
	}
}

// While Redis is down nobody passes unchecked because data was lost: it answers.
func TestLossIsNotSilence(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.Timeout, cfg.InsecureAdmitWhenDown = redisstore.MaxTimeout/2, true
	s, _ := openWarm(t, cfg, 1)
	get(t, s, "revoked:a", false)
	handling, leave := make(chan struct{}), make(chan struct{})
	s.HandleDataLoss(func(context.Context, redisstore.DataLoss) error { close(handling); <-leave; return nil })
	defer close(leave)
	redis.do("FLUSHALL")
	<-handling
	if _, _, err := s.Get(t.Context(), "revoked:a"); err == nil {
		t.Error("a visitor passes while the loss is handled")
	}
}

// Nothing tells a store without a cache that Redis was flushed: it looks.
func TestMarkerIsLookedAt(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr).LookingEvery(100 * time.Millisecond)
	cfg.CacheEntries = -1
	book := newLogbook()
	cfg.Logger = slog.New(book)
	s := open(t, cfg)
	get(t, s, "revoked:a", false)
	before := redis.calls("get")
	eventually(t, "the first looks are over", func() bool { return redis.calls("get") > before+4 })
	redis.do("FLUSHALL")
	eventually(t, "the loss is told", func() bool { return book.count(tellsLoss) == 1 })
}

// A marker that another process has written is noticed, though something stands
// there: Redis was emptied, and the other was first.
func TestAnotherMarkerIsALoss(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	p := newProcess(t, config(redis.addr), 1)
	get(t, p.Store, "revoked:a", false)
	redis.do("SET", "certify:marker", "ANOTHER")
	eventually(t, "the loss is handled", func() bool { return p.calls.Load() == 1 })
	if loss := p.loss.Load(); loss.Partial || !strings.Contains(loss.Detail, "another") {
		t.Errorf("the loss is %+v", loss)
	}
	eventually(t, "it is noted that it was handled", func() bool { return strings.Contains(redis.do("GET", "certify:marker"), "ANOTHER,") })
}

// A connection that is made anew may lead to another server, while the one that
// hears of changes is still with the server of before.
func TestNewConnectionIsADoubt(t *testing.T) {
	t.Parallel()
	before, after := redisServer(t), redisServer(t)
	name := newProxy(t, before.addr)
	p := newProcess(t, config(name.addr), 1)
	get(t, p.Store, "revoked:a", false)
	before.do("SET", "certify:revoked:out", "1")
	eventually(t, "the first looks at the marker are over", func() bool {
		return asks(before, func() {
			for range 20 {
				tick()
			}
		}) == 0
	})
	name.lead(after.addr)
	for client := range strings.Lines(before.do("CLIENT", "LIST")) {
		if _, id, ok := strings.Cut(client, "id="); ok && strings.Contains(client, "name=certify ") && !strings.Contains(client, "flags=t") {
			id, _, _ = strings.Cut(id, " ")
			before.do("CLIENT", "KILL", "ID", id)
		}
	}
	eventually(t, "a lookup is answered by the other server", func() bool {
		_, ok, err := p.Get(t.Context(), "revoked:out")
		if err == nil && !ok && p.calls.Load() == 0 {
			t.Fatal("the answer of a server without the data is believed")
		}
		return err == nil && !ok
	})
}

// A write is missed while it must be there: not when it is about to end, and not
// for so long that another process may have written it anew, for less time.
func TestWritesAreMissedForAWhile(t *testing.T) {
	t.Parallel()
	for ttl, want := range map[time.Duration]time.Duration{
		time.Second: 0, 2 * time.Second: 0, 5 * time.Second: 4 * time.Second, 5 * time.Minute: 270 * time.Second,
		time.Hour: 10 * time.Minute, 365 * 24 * time.Hour: 10 * time.Minute,
	} {
		late := newLateness(t)
		if got := redisstore.MissedFor(ttl); got > want || late.beyond(want-got, 0) {
			t.Errorf("a write of %s is missed for %s, not %s", ttl, got, want)
		}
	}
}
