package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// checkEvictionEvery is how often a node is asked whether it evicts: the
// setting may be changed while it runs.
const checkEvictionEvery = time.Minute

// A tracker is a connection to one node that hears of changes there.
type tracker struct {
	watch   *watch
	addr    string
	node    atomic.Pointer[rueidis.Client]
	stop    context.CancelFunc
	proven  atomic.Pointer[time.Time] // as a primary; all that it told until then was heard
	replica atomic.Bool               // it takes no writes, and its silence means nothing
	silent  atomic.Pointer[silentError]
	limit   logLimit // of lines about the cache
	before  []*conn  // of when the last connection was lost
}

// run listens until ctx ends, on one connection after the other. A connection
// that was lost after it had worked for a while is made anew at once.
func (t *tracker) run(ctx context.Context) {
	w := t.watch
	for logged := false; ctx.Err() == nil; {
		began := time.Now()
		err := t.listen(ctx)
		t.before = w.conns.to(t.addr)
		proved := t.proven.Swap(nil) != nil
		t.recordEnd(err, proved)
		if proved {
			w.forgetReplicas()
		}
		w.cache.flush() // in this order: nothing is learned any more, and what was is forgotten
		logged = logged && !proved
		if w.caches && !logged && !t.replica.Load() && ctx.Err() == nil {
			t.log(ctx, slog.LevelWarn, "redisstore: cache off: a node does not tell of revocations, so that each is asked for", slog.Any("error", explain(err)))
			logged = true
		}
		if !proved || time.Since(began) < beatEvery {
			sleep(ctx, beatEvery)
		}
	}
}

// log writes a line about the cache, unless there were many of late.
func (t *tracker) log(ctx context.Context, level slog.Level, text string, more ...slog.Attr) {
	dropped, ok := t.limit.allows(time.Now())
	if !ok {
		return
	}
	attrs := append([]slog.Attr{slog.String("node", t.addr)}, more...)
	if dropped > 0 {
		attrs = append(attrs, slog.Int("not_logged", dropped))
	}
	t.watch.logger.LogAttrs(ctx, level, text, attrs...)
}

// listen returns when the connection is lost, silent for too long, or leads to a
// node that is no longer primary.
func (t *tracker) listen(ctx context.Context) error {
	conn, _ := (*t.node.Load()).Dedicate()
	defer conn.Close()
	lost := conn.SetOnInvalidations(t.invalidate)
	if t.watch.caches {
		if err := do(ctx, conn, t.watch.tracking(conn)).Error(); err != nil {
			return err
		}
	}
	for checked := (time.Time{}); ; {
		if err := t.prove(ctx, conn); err != nil {
			return err
		}
		if time.Since(checked) > checkEvictionEvery {
			t.checkEviction(ctx, conn)
			checked = time.Now()
		}
		if err := pause(ctx, lost); err != nil {
			return err
		}
	}
}

var errReplica = errors.New("a replica answers: the primary is elsewhere now")

// prove asks the node what it is. It answers in order: what it told before the
// question has arrived then, and what it told until the answer may still be on
// its way. Connections of before are closed first: they may lead to another
// server than this one, which would answer without being heard.
func (t *tracker) prove(ctx context.Context, conn rueidis.DedicatedClient) error {
	asked := time.Now()
	info, err := do(ctx, conn, conn.B().Info().Section("replication").Build()).ToString()
	switch {
	case err != nil:
		return err
	case strings.Contains(info, "\nrole:master\r\n"):
		closeAll(t.before)
		t.before = nil
		t.replica.Store(false)
		t.silent.Store(nil)
		if t.proven.Swap(&asked) == nil {
			t.watch.loss.lookNow()
			if t.watch.caches {
				t.log(ctx, slog.LevelInfo, "redisstore: cache on: a node tells of revocations")
			}
		}
		t.watch.loss.confirm(asked)
	case t.proven.Load() != nil || !t.watch.isCluster:
		return errReplica // demoted, and its name may lead elsewhere
	default:
		t.replica.Store(true)
		t.silent.Store(nil)
	}
	return nil
}

func (t *tracker) checkEviction(ctx context.Context, conn rueidis.DedicatedClient) {
	if !t.watch.mayEvict && errors.Is(checkEviction(conn, freshFor), errEvicts) {
		t.watch.logger.ErrorContext(ctx, errEvicts.Error(), "node", t.addr)
	}
}

func (w *watch) tracking(conn rueidis.DedicatedClient) rueidis.Completed {
	cmd := conn.B().Arbitrary("CLIENT", "TRACKING", "ON", "BCAST")
	for _, p := range revocations {
		cmd = cmd.Args("PREFIX", w.prefix+p)
	}
	return cmd.Args("PREFIX", w.prefix+markerKey).Build()
}

// invalidate is told the keys that changed, or nothing if everything may have.
func (t *tracker) invalidate(keys []rueidis.RedisMessage) {
	if keys == nil {
		t.watch.loss.doubt()
		t.watch.cache.flush()
		return
	}
	for _, m := range keys {
		key, err := m.ToString()
		if err != nil {
			t.watch.cache.flush()
			return
		}
		key = strings.TrimPrefix(key, t.watch.prefix)
		if strings.HasPrefix(key, markerKey) {
			t.watch.loss.doubt()
		}
		t.watch.cache.drop(key)
	}
}

// do wants an answer while it can still prove something.
func do(ctx context.Context, conn rueidis.DedicatedClient, cmd rueidis.Completed) rueidis.RedisResult {
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	return conn.Do(ctx, cmd)
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
