package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// lookEvery is how often the markers are looked at while nothing happens.
const lookEvery = time.Minute

// When something happened, the markers are looked at after a moment, in which
// more may happen, and again twice: the client may ask the server of before for a
// second.
const (
	lookSoon   = 10 * time.Millisecond
	lookAgain  = time.Second
	looksAgain = 2
)

// mergeWithin is how long after a loss that nobody handles more of it is expected.
const mergeWithin = time.Second

// handleEvery is how long a handler that failed waits before it is called again.
const handleEvery = time.Second

// A DataLoss says that Redis does not hold what it confirmed: it was emptied,
// restarted without its data, or replaced by a replica that did not have it.
// Revoked claims may be admitted again, and used attempts redeemed again.
type DataLoss struct {
	// Since is when the data was last known to be there, and Noticed when it was
	// missed. The loss happened in between. What was revoked before may be void.
	Since, Noticed time.Time
	// Partial reports whether only the last writes are missing, such as those that
	// a replica had not received when it was promoted.
	Partial bool
	// Detail says what was found, for the operator.
	Detail string
}

var errLost = unfit(errors.New("redisstore: Redis lost its data: nothing is answered until the handler of the loss has returned"))

// A lossDetector notices that Redis lost its data. Whatever may mean a loss is a
// doubt: a new connection, a message that the database was flushed. No answer
// counts until a look at the marker has cleared the doubt.
type lossDetector struct {
	prefix  string
	timeout time.Duration
	every   time.Duration // a look is made
	logger  *slog.Logger
	cache   *cache
	doubts  atomic.Uint64
	losses  atomic.Uint64
	pending atomic.Bool // a loss is being handled: all other calls are refused
	wake    chan struct{}
	client  rueidis.Client // set before the client is used
	markers [shards]*marker
	ctx     context.Context
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu       sync.Mutex
	handle   func(context.Context, DataLoss) error
	loss     *DataLoss // not handled yet
	handling bool
	closed   bool
	logged   time.Time
}

func newLossDetector(cfg Config, c *cache) *lossDetector {
	d := &lossDetector{prefix: cfg.Prefix, timeout: cfg.Timeout, every: cfg.lookEvery, logger: cfg.Logger, cache: c, wake: make(chan struct{}, 1)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.doubts.Store(1) // nothing has been looked at yet
	return d
}

// close waits for a handler that is called just now, for the patience at most.
func (d *lossDetector) close(patience time.Duration) {
	d.stop()
	d.mu.Lock()
	d.closed = true // no handler is started from here on
	d.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		d.done.Wait()
		close(ended)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

// useClient prepares the markers for the kind of Redis there is.
func (d *lossDetector) useClient(client rueidis.Client) {
	d.client, d.markers = client, newMarkers(d.prefix, client.Mode())
}

// markerOf returns the marker of the shard that a key is in.
func (d *lossDetector) markerOf(key string) *marker {
	if d.markers[0] == d.markers[shards-1] {
		return d.markers[0]
	}
	return d.markers[slot(d.prefix+key)/slotsOfShard]
}

// doubt says that Redis may hold other data than before.
func (d *lossDetector) doubt() {
	d.doubts.Add(1)
	d.lookNow()
}

// lookNow has the markers looked at by the goroutine that does so.
func (d *lossDetector) lookNow() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// check returns nil if what Redis has answered about a key comes from data that
// was looked at, or is now.
func (d *lossDetector) check(key string) error {
	m := d.markerOf(key)
	for m.cleared.Load() != d.doubts.Load() {
		if err := m.look(d, d.client); err != nil {
			return err
		}
	}
	return nil
}

// checkHandled returns an error while a loss is being handled, and for a call that
// began when fewer losses were known. The handler's own calls pass.
func (d *lossDetector) checkHandled(ctx context.Context, losses uint64) error {
	if (d.pending.Load() || d.losses.Load() != losses && d.hasHandler()) && !d.isHandler(ctx) {
		return errLost
	}
	return nil
}

func (d *lossDetector) isHandler(ctx context.Context) bool { return ctx.Value(handlerKey{}) == d }

func (d *lossDetector) hasHandler() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.handle != nil
}

type handlerKey struct{}

// run looks at the markers when there is a doubt, and once in a while.
func (d *lossDetector) run(ctx context.Context) {
	again := looksAgain
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			again = looksAgain
			sleep(ctx, lookSoon)
		case <-timer.C:
		}
		d.lookAtAll()
		if again > 0 {
			again--
			timer.Reset(lookAgain)
		} else {
			timer.Reset(d.every)
		}
	}
}

// lookAtAll looks at the markers of all shards at once.
func (d *lossDetector) lookAtAll() {
	var all sync.WaitGroup
	for m := range d.allMarkers() {
		all.Go(func() { _ = m.look(d, d.client) })
	}
	all.Wait()
}

// allMarkers returns every marker once.
func (d *lossDetector) allMarkers() map[*marker]bool {
	set := make(map[*marker]bool)
	for _, m := range d.markers {
		set[m] = true
	}
	return set
}

// confirm says that one connection has led to the same data until now. In a
// cluster, it proves nothing of the other nodes.
func (d *lossDetector) confirm(at time.Time) {
	if d.markers[0] == d.markers[shards-1] {
		d.markers[0].confirm(d.doubts.Load(), at)
	}
}

// report hears of each marker whose data was lost. Several make one loss.
func (d *lossDetector) report(loss DataLoss) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loss == nil || d.handle == nil && time.Since(d.logged) > mergeWithin {
		d.logged = time.Now()
		d.logger.Error("redisstore: operator fault: Redis lost its data: revocations and used attempts of before may be void. Call Sessions.RevokeAll, or replace the signing key; Store.HandleDataLoss does so at once",
			"since", loss.Since, "noticed", loss.Noticed, "partial", loss.Partial, "detail", loss.Detail, "handled", d.handle != nil)
	}
	if d.loss != nil { // not handled yet: this is part of it
		loss.Since, loss.Partial = earlier(d.loss.Since, loss.Since), d.loss.Partial && loss.Partial
	}
	d.loss = &loss
	d.startHandling()
	d.losses.Add(1) // from here on no answer of before counts
	d.cache.flush()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// startHandling is called with the lock held.
func (d *lossDetector) startHandling() {
	if d.handle == nil || d.loss == nil || d.handling || d.closed {
		return
	}
	d.handling = true
	d.pending.Store(true)
	d.done.Go(d.handleAll)
}

// handleAll calls the handler until it succeeds, and again if more was lost.
func (d *lossDetector) handleAll() {
	ctx := context.WithValue(d.ctx, handlerKey{}, d)
	d.lookAtAll() // so that all shards are part of one loss
	for ctx.Err() == nil {
		d.mu.Lock()
		loss, handle := d.loss, d.handle
		if loss == nil || handle == nil {
			d.handling = false
			d.pending.Store(false)
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		if err := handle(ctx, *loss); err != nil {
			d.logger.ErrorContext(ctx, "redisstore: operator fault: the handler of a loss of data failed, and is called again: nothing is answered until it succeeds", "error", err)
			sleep(ctx, handleEvery)
			continue
		}
		d.mu.Lock()
		if d.loss == loss {
			d.loss = nil
		}
		d.mu.Unlock()
		for m := range d.allMarkers() {
			m.markHandled(d, d.client)
		}
		d.logger.WarnContext(ctx, "redisstore: the loss of data was handled")
	}
}

// HandleDataLoss sets what is done when Redis turns out to have lost its data.
// Without it the loss is only logged. Let handle revoke all claims:
//
//	store.HandleDataLoss(func(ctx context.Context, _ redisstore.DataLoss) error {
//		return sessions.RevokeAll(ctx)
//	})
//
// It is called once for each loss that this process notices, in a goroutine of
// its own, and again each second while it returns an error. Until it returns nil,
// calls of the Store fail, except those with the ctx that it is given: so nobody
// is let in by a claim that was revoked. Several processes may notice one loss
// and call their handlers at the same time, so handle must be idempotent. A process
// that notices it after another has handled it does not call its handler.
//
// A loss that was noticed before the first call of HandleDataLoss is handled then.
func (s *Store) HandleDataLoss(handle func(ctx context.Context, loss DataLoss) error) {
	d := s.loss
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handle = handle
	d.startHandling()
}
