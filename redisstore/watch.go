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
)

// A watch hears from every node of Redis which revocations were written, and
// knows until when it has heard everything. Redis broadcasts by key prefix
// (CLIENT TRACKING BCAST), so that it keeps no table of who read what. The watch
// has connections of its own: an answer "nothing there" stays true when its
// key's slot moves to another node, as long as that node is heard, too.
type watch struct {
	client   rueidis.Client
	conns    *conns
	cache    *cache
	prefix   string
	mayEvict bool
	caches   bool // else it only looks where the primary is, and whether it evicts
	logger   *slog.Logger
	trackers atomic.Pointer[[]*tracker]
	stop     context.CancelFunc
	done     sync.WaitGroup
}

func newWatch(client rueidis.Client, conns *conns, c *cache, cfg Config) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{client: client, conns: conns, cache: c, prefix: cfg.Prefix, mayEvict: cfg.InsecureAllowEviction, caches: cfg.CacheEntries > 0, logger: cfg.Logger, stop: stop}
	w.trackers.Store(new([]*tracker))
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
func (w *watch) follow(ctx context.Context) {
	at := make(map[string]*tracker)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		if w.adjust(ctx, at, w.client.Nodes()) {
			trackers := slices.Collect(maps.Values(at))
			w.trackers.Store(&trackers)
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
