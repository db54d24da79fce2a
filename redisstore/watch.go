package redisstore

import (
	"context"
	"log/slog"
	"maps"
	"slices"
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
	// recheckEvery is how often it is tried again what could not be checked.
	recheckEvery = time.Second
)

// A watch hears from every node of Redis which revocations were written, and
// knows until when it has heard everything. Redis broadcasts by key prefix
// (CLIENT TRACKING BCAST), so that it keeps no table of who read what. The watch
// has connections of its own: an answer "nothing there" stays true when its
// key's slot moves to another node, as long as that node is heard, too.
type watch struct {
	link      *link
	loss      *lossDetector
	conns     *conns
	cache     *cache
	prefix    string
	mayEvict  bool
	caches    bool // else it only looks where the primary is, and whether it evicts
	isCluster bool // is set before there are trackers
	logger    *slog.Logger
	trackers  atomic.Pointer[[]*tracker]
	slots     atomic.Pointer[[]slotRange] // of silent nodes; nil if this is no cluster
	stop      context.CancelFunc
	done      sync.WaitGroup
}

func newWatch(l *link, conns *conns, c *cache, cfg Config) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{link: l, loss: l.loss, conns: conns, cache: c, prefix: cfg.Prefix, mayEvict: cfg.InsecureAllowEviction, caches: cfg.CacheEntries > 0, logger: cfg.Logger, stop: stop}
	w.trackers.Store(new([]*tracker))
	w.done.Go(func() {
		if client := w.connect(ctx); client != nil {
			w.isCluster = client.Mode() == rueidis.ClientModeCluster
			w.done.Go(func() { w.loss.run(ctx) })
			w.follow(ctx, client)
		}
	})
	return w
}

// connect returns the client as soon as there is one, and nil if ctx ends before.
func (w *watch) connect(ctx context.Context) rueidis.Client {
	var said string // and when
	var at time.Time
	if err := w.link.fault.Load(); err != nil {
		said, at = (*err).Error(), time.Now()
	}
	for {
		if client := w.link.client.Load(); client != nil {
			if said != "" {
				w.logger.InfoContext(ctx, "redisstore: connected to Redis")
			}
			return *client
		}
		sleep(ctx, beatEvery)
		if ctx.Err() != nil {
			return nil
		}
		if err := w.link.connect(); err != nil && (err.Error() != said && isUnfit(err) || time.Since(at) > logConnectingEvery) {
			said, at = err.Error(), time.Now()
			w.link.logFault(ctx, err)
		}
	}
}

// logConnectingEvery is how often it is logged that there is no connection yet.
const logConnectingEvery = 10 * time.Minute

func (w *watch) close() {
	w.stop()
	w.done.Wait()
}

// fresh reports whether every change that was made until a second ago has been
// heard.
func (w *watch) fresh() (now time.Time, ok bool) {
	now = time.Now()
	for _, t := range *w.trackers.Load() {
		if t.replica.Load() {
			continue
		}
		proven := t.proven.Load()
		if proven == nil || now.Sub(*proven) > freshFor {
			return now, false
		}
		ok = true
	}
	return now, ok
}

// follow keeps a tracker at every node there is.
func (w *watch) follow(ctx context.Context, client rueidis.Client) {
	at := make(map[string]*tracker)
	var located, rechecked time.Time
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		if w.adjust(ctx, at, client.Nodes()) {
			trackers := slices.Collect(maps.Values(at))
			w.trackers.Store(&trackers)
			w.cache.flush() // of what a new node told before, nothing was heard
			located = time.Time{}
		}
		if w.isCluster && time.Since(located) > locateEvery {
			w.locateSilentSlots(client, at)
			located = time.Now()
		}
		if time.Since(rechecked) > recheckEvery {
			w.link.recheck(ctx)
			rechecked = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// adjust reports whether nodes came or went.
func (w *watch) adjust(ctx context.Context, at map[string]*tracker, nodes map[string]rueidis.Client) (changed bool) {
	for addr, t := range at {
		if _, ok := nodes[addr]; !ok {
			t.stop()
			delete(at, addr)
			changed = true
		}
	}
	for addr, node := range nodes {
		if t, ok := at[addr]; ok {
			t.node.Store(&node) // the client may have made a new one for the same address
			continue
		}
		at[addr] = w.track(ctx, addr, node)
		changed = true
	}
	return changed
}

func (w *watch) track(ctx context.Context, addr string, node rueidis.Client) *tracker {
	t := &tracker{watch: w, addr: addr}
	t.node.Store(&node)
	ctx, t.stop = context.WithCancel(ctx)
	w.done.Go(func() { t.run(ctx) })
	return t
}

// forgetReplicas makes every node say anew what it is, since one that took
// writes no longer does: another may have taken its place.
func (w *watch) forgetReplicas() {
	for _, t := range *w.trackers.Load() {
		t.replica.Store(false)
	}
}
