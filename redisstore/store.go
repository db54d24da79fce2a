package redisstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/certify-go/certify"
)

// A Store is a [certify.Store] on Redis or Valkey.
type Store struct {
	link     *link
	loss     *lossDetector
	conns    *conns
	prefix   string
	calls    *caller
	replicas int
	patience time.Duration // for replicas
	cache    *cache
	cacheFor time.Duration // 0 if answers are not kept
	watch    *watch
	down     *down // nil if nothing passes unchecked
	close    sync.Once
}

var _ certify.Store = (*Store)(nil)

// New connects to Redis. Its errors name the field to mend, or say what Redis
// lacks: it must be version 7 or later, hold what it is given, and allow what
// the package comment lists. A Redis that does not answer is no error: New logs
// it and returns within a few seconds, and the Store connects by itself later.
func New(cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Store{
		prefix: cfg.Prefix, calls: newCaller(cfg.Timeout), replicas: cfg.Replicas, patience: cfg.Timeout / 2,
		cache: newCache(cfg.CacheEntries), down: newDown(cfg),
	}
	if cfg.CacheEntries > 0 {
		s.cacheFor = cfg.CacheFor
	}
	s.loss = newLossDetector(cfg, s.cache)
	s.conns = newConns(&cfg.Client, s.loss.doubt)
	s.link = &link{cfg: cfg, loss: s.loss}
	if err := s.link.connect(); err != nil {
		if !isTransient(err) {
			s.loss.stop()
			return nil, err
		}
		s.link.logFault(context.Background(), err)
	}
	s.watch = newWatch(s.link, s.conns, s.cache, cfg)
	return s, nil
}

// Close ends the connections and whatever waits for them, within a few
// seconds. Calls fail from then on.
func (s *Store) Close() {
	s.close.Do(func() {
		close(s.calls.closed)
		s.loss.stop() // which a handler may be waiting for
		s.watch.close()
		if client := s.link.client.Load(); client != nil {
			(*client).Close()
		}
		s.calls.wait(closePatience)
		s.loss.close(closePatience)
	})
}

const closePatience = 2 * time.Second

// revocations are the keys that certify reads on every request, and that
// nearly always lead to nothing.
var revocations = [...]string{"revoked:", "account:"}

func isRevocation(key string) bool {
	for _, prefix := range revocations {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

var errTTL = errors.New("redisstore: an entry needs a positive ttl")

// PutIfAbsent implements [certify.Store], by one SET NX GET.
func (s *Store) PutIfAbsent(ctx context.Context, key, value string, ttl time.Duration) (string, error) {
	if ttl <= 0 {
		return "", errTTL
	}
	o := s.call(ctx, key, func(c rueidis.Client) outcome {
		cmd := c.B().Set().Key(s.prefix + key).Value(value).Nx().Get().PxMilliseconds(milliseconds(ttl)).Build()
		o := s.write(c, key, cmd, ttl, true)
		if o.err == nil && !o.ok {
			o.value = value
		}
		return o
	})
	if o.err != nil {
		return "", o.err
	}
	return o.value, nil
}

// Put implements [certify.Store].
func (s *Store) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	if ttl <= 0 {
		return errTTL
	}
	return s.call(ctx, key, func(c rueidis.Client) outcome {
		return s.write(c, key, c.B().Set().Key(s.prefix+key).Value(value).PxMilliseconds(milliseconds(ttl)).Build(), ttl, false)
	}).err
}

// milliseconds rounds up: nothing is dropped before its time.
func milliseconds(ttl time.Duration) int64 {
	return int64((ttl + time.Millisecond - 1) / time.Millisecond)
}

// call asks Redis, unless it is known that there will be no answer. The answer
// counts only if Redis holds the data that it held before.
func (s *Store) call(ctx context.Context, key string, f func(rueidis.Client) outcome) outcome {
	losses := s.loss.losses.Load()
	client, err := s.ready(ctx, key, losses)
	if err != nil {
		return outcome{err: err}
	}
	o := s.calls.call(ctx, func() outcome { return f(client) })
	if err := s.loss.checkHandled(ctx, losses); err != nil && o.err == nil {
		return outcome{err: err}
	}
	return o
}

// ready returns the client, or at once why a call would fail.
func (s *Store) ready(ctx context.Context, key string, losses uint64) (rueidis.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.calls.closed:
		return nil, errClosed
	default:
	}
	client, err := s.link.get()
	if err == nil && !s.loss.isHandler(ctx) { // after a failover it may know better
		err = s.watch.checkSilence(s.prefix, key)
	}
	if err == nil {
		err = s.loss.checkHandled(ctx, losses)
	}
	return client, err
}

// write drops what is remembered of the key once Redis has the new value, so
// that nobody here reads the old one after the call.
func (s *Store) write(client rueidis.Client, key string, cmd rueidis.Completed, ttl time.Duration, mayStand bool) outcome {
	o := s.send(client, key, cmd, mayStand)
	if isReadOnly(o.err) {
		s.conns.renew()
	}
	s.cache.drop(key)
	if o.err == nil {
		o.err = s.loss.check(key)
	}
	if o.err == nil && !(mayStand && o.ok) { // what stood already may end sooner
		s.loss.markerOf(key).remember(s.prefix+key, ttl)
	}
	return o
}

func (s *Store) send(client rueidis.Client, key string, cmd rueidis.Completed, mayStand bool) outcome {
	if s.replicas > 0 {
		return s.sendAndWait(client, key, cmd, mayStand)
	}
	return read(client.Do(context.Background(), cmd))
}

// Get implements [certify.Store]. Whether something is revoked may be answered
// from memory, which Redis has confirmed within the last second.
func (s *Store) Get(ctx context.Context, key string) (string, bool, error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	cacheable := isRevocation(key)
	if !cacheable || s.cacheFor == 0 {
		return s.answer(ctx, cacheable, s.call(ctx, key, func(c rueidis.Client) outcome { return s.ask(c, key) }))
	}
	known, version, ok := s.cache.get(key)
	now, fresh := s.watch.fresh() // after the version: a silence in between counts
	switch {
	case !fresh || s.loss.pending.Load(): // what its handler learns is not for others
		return s.answer(ctx, true, s.call(ctx, key, func(c rueidis.Client) outcome { return s.ask(c, key) }))
	case ok && now.Before(known.until):
		return known.value, known.ok, nil
	}
	return s.answer(ctx, true, s.call(ctx, key, func(c rueidis.Client) outcome { return s.learn(c, key, version) }))
}

// answer lets a lookup pass unchecked if Redis is down and that was asked for,
// but not if the visitor left.
func (s *Store) answer(ctx context.Context, revocation bool, o outcome) (string, bool, error) {
	if s.down != nil && revocation && isDown(o.err) && ctx.Err() == nil {
		s.down.admit(ctx, o.err)
		return "", false, nil
	}
	return o.value, o.ok, o.err
}

func (s *Store) ask(client rueidis.Client, key string) outcome {
	o := read(client.Do(context.Background(), client.B().Get().Key(s.prefix+key).Build()))
	if o.err == nil {
		o.err = s.loss.check(key)
	}
	return o
}

// learn asks and remembers, unless something changed since the version.
func (s *Store) learn(client rueidis.Client, key string, version uint64) outcome {
	o := s.ask(client, key)
	if o.err != nil {
		return o
	}
	now := time.Now() // before asking what is left: rather too short than too long
	until := now.Add(s.cacheFor)
	if o.ok {
		left, err := client.Do(context.Background(), client.B().Pttl().Key(s.prefix+key).Build()).AsInt64()
		if err != nil || left <= 0 {
			return o
		}
		if end := now.Add(time.Duration(left) * time.Millisecond); end.Before(until) {
			until = end
		}
	}
	s.cache.put(key, entry{o.value, o.ok, until}, version)
	return o
}
