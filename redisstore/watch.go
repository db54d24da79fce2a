package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	// freshFor is how old the last proof may be that every change was heard.
	freshFor = time.Second
	// beatEvery is how often there is a new proof, and a look for new nodes.
	beatEvery = freshFor / 4
)

// A watch hears from every node of Redis which revocations were written, and
// knows until when it has heard everything. Redis broadcasts by key prefix
// (CLIENT TRACKING BCAST), so that it keeps no table of who read what. The watch
// hears on connections of its own rather than on those that ask: an answer
// "nothing there" stays true when its key's slot moves to another node, as long
// as that node is heard, too.
type watch struct {
	client   rueidis.Client
	conns    *conns
	cache    *cache
	prefix   string
	mayEvict bool
	logger   *slog.Logger
	ears     atomic.Pointer[[]*ear]
	stop     context.CancelFunc
	done     sync.WaitGroup
}

func newWatch(client rueidis.Client, conns *conns, c *cache, cfg Config) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{client: client, conns: conns, cache: c, prefix: cfg.Prefix, mayEvict: cfg.InsecureAllowEviction, logger: cfg.Logger, stop: stop}
	w.ears.Store(new([]*ear))
	w.done.Go(func() { w.follow(ctx) })
	return w
}

func (w *watch) close() {
	w.stop()
	w.done.Wait()
}

// fresh reports whether every change that was made until a second ago has been
// heard.
func (w *watch) fresh() (now time.Time, ok bool) {
	now = time.Now()
	ears := *w.ears.Load()
	for _, e := range ears {
		proven := e.proven.Load()
		if proven == nil || now.Sub(*proven) > freshFor {
			return now, false
		}
	}
	return now, len(ears) > 0
}

// follow keeps an ear at every node there is.
func (w *watch) follow(ctx context.Context) {
	at := make(map[string]*ear)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		nodes := w.client.Nodes()
		if w.adjust(ctx, at, nodes) {
			ears := make([]*ear, 0, len(at))
			for _, e := range at {
				ears = append(ears, e)
			}
			w.ears.Store(&ears)
			w.cache.flush() // of what a new node told before, nothing was heard
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// adjust reports whether nodes came or went.
func (w *watch) adjust(ctx context.Context, at map[string]*ear, nodes map[string]rueidis.Client) (changed bool) {
	for addr, e := range at {
		if _, ok := nodes[addr]; !ok {
			e.stop()
			delete(at, addr)
			changed = true
		}
	}
	for addr, node := range nodes {
		if e, ok := at[addr]; ok {
			e.node.Store(&node) // the client may have made a new one for the same address
			continue
		}
		at[addr] = w.listenAt(ctx, addr, node)
		changed = true
	}
	return changed
}

func (w *watch) listenAt(ctx context.Context, addr string, node rueidis.Client) *ear {
	e := &ear{watch: w, addr: addr}
	e.node.Store(&node)
	ctx, e.stop = context.WithCancel(ctx)
	w.done.Go(func() { e.run(ctx) })
	return e
}

// An ear is a connection to one node that hears of changes there.
type ear struct {
	watch  *watch
	addr   string
	node   atomic.Pointer[rueidis.Client]
	stop   context.CancelFunc
	proven atomic.Pointer[time.Time] // all that was told until then was heard
}

// run listens until ctx ends, on one connection after the other.
func (e *ear) run(ctx context.Context) {
	w := e.watch
	var before []*conn
	for said := false; ctx.Err() == nil; sleep(ctx, beatEvery) {
		err := e.listen(ctx, before)
		before = w.conns.to(e.addr)
		heard := e.proven.Swap(nil) != nil
		said = said && !heard
		w.cache.flush() // in this order: nothing is learned any more, and what was is forgotten
		if !said && ctx.Err() == nil {
			w.logger.WarnContext(ctx, "redisstore: nobody tells of revocations: each is asked for until somebody does", "node", e.addr, "error", explain(err))
			said = true
		}
	}
}

// listen returns when the connection is lost, silent for too long, or leads to a
// replica. Connections of before are closed: they may lead to another server
// than this one, which would answer without being heard.
func (e *ear) listen(ctx context.Context, before []*conn) error {
	w := e.watch
	conn, _ := (*e.node.Load()).Dedicate()
	defer conn.Close()
	lost := conn.SetOnInvalidations(e.hear)
	if err := do(ctx, conn, w.track(conn)).Error(); err != nil {
		return err
	}
	if !w.mayEvict && errors.Is(checkEviction(conn, freshFor), errEvicts) {
		w.logger.ErrorContext(ctx, errEvicts.Error(), "node", e.addr) // a new node, or a new setting
	}
	closeAll(before)
	for {
		asked := time.Now()
		if err := checkPrimary(ctx, conn); err != nil {
			return err
		}
		// Redis answers in order: what it told before the question has
		// arrived. What it told until the answer may still be on its way.
		if e.proven.Swap(&asked) == nil {
			w.logger.InfoContext(ctx, "redisstore: hears of revocations", "node", e.addr)
		}
		if err := pause(ctx, lost); err != nil {
			return err
		}
	}
}

func (w *watch) track(conn rueidis.DedicatedClient) rueidis.Completed {
	cmd := conn.B().Arbitrary("CLIENT", "TRACKING", "ON", "BCAST")
	for _, p := range revocations {
		cmd = cmd.Args("PREFIX", w.prefix+p)
	}
	return cmd.Build()
}

// hear is told the keys that changed, or nothing if everything may have.
func (e *ear) hear(keys []rueidis.RedisMessage) {
	if keys == nil {
		e.watch.cache.flush()
		return
	}
	for _, m := range keys {
		key, err := m.ToString()
		if err != nil {
			e.watch.cache.flush()
			return
		}
		e.watch.cache.drop(strings.TrimPrefix(key, e.watch.prefix))
	}
}

var errReplica = errors.New("this is a replica: the primary is elsewhere now")

// do wants an answer while it can still prove something.
func do(ctx context.Context, conn rueidis.DedicatedClient, cmd rueidis.Completed) rueidis.RedisResult {
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	return conn.Do(ctx, cmd)
}

func checkPrimary(ctx context.Context, conn rueidis.DedicatedClient) error {
	info, err := do(ctx, conn, conn.B().Info().Section("replication").Build()).ToString()
	if err == nil && !strings.Contains(info, "\nrole:master\r\n") {
		return errReplica
	}
	return err
}

// pause ends early when the connection does.
func pause(ctx context.Context, lost <-chan error) error {
	timer := time.NewTimer(beatEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err, ok := <-lost:
		if !ok {
			return rueidis.ErrClosing
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
