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
	client   rueidis.Client
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
// the package comment lists.
func New(cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	conns := newConns(&cfg.Client)
	client, err := rueidis.NewClient(cfg.Client)
	if err != nil {
		return nil, explain(err)
	}
	s := &Store{
		client: client, conns: conns, prefix: cfg.Prefix, calls: newCaller(cfg.Timeout),
		replicas: cfg.Replicas, patience: cfg.Timeout / 2, down: newDown(cfg),
	}
	if err := s.checkServer(cfg); err != nil {
		client.Close()
		return nil, err
	}
	if cfg.CacheEntries > 0 {
		s.cacheFor = cfg.CacheFor
	}
	s.cache = newCache(cfg.CacheEntries)
	s.watch = newWatch(client, conns, s.cache, cfg)
	return s, nil
}

// Close ends the connections and whatever waits for them, within a few
// seconds. Calls fail from then on.
func (s *Store) Close() {
	s.close.Do(func() {
		close(s.calls.closed)
		s.watch.close()
		s.client.Close()
		s.calls.wait(closePatience)
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
	o := s.calls.call(ctx, func() outcome {
		cmd := s.client.B().Set().Key(s.prefix + key).Value(value).Nx().Get().PxMilliseconds(milliseconds(ttl)).Build()
		o := s.write(key, cmd, true)
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
	return s.calls.call(ctx, func() outcome {
		return s.write(key, s.client.B().Set().Key(s.prefix+key).Value(value).PxMilliseconds(milliseconds(ttl)).Build(), false)
	}).err
}

// milliseconds rounds up: nothing is dropped before its time.
func milliseconds(ttl time.Duration) int64 {
	return int64((ttl + time.Millisecond - 1) / time.Millisecond)
}

// write drops what is remembered of the key once Redis has the new value, so
// that nobody here reads the old one after the call.
func (s *Store) write(key string, cmd rueidis.Completed, mayStand bool) outcome {
	o := s.send(key, cmd, mayStand)
	if isReadOnly(o.err) {
		s.conns.renew()
	}
	s.cache.drop(key)
	return o
}

func (s *Store) send(key string, cmd rueidis.Completed, mayStand bool) outcome {
	if s.replicas > 0 {
		return s.sendAndWait(key, cmd, mayStand)
	}
	return read(s.client.Do(context.Background(), cmd))
}

// Get implements [certify.Store]. Whether something is revoked may be answered
// from memory, which Redis has confirmed within the last second.
func (s *Store) Get(ctx context.Context, key string) (string, bool, error) {
	if err := ctx.Err(); err != nil {
		return "", false, err
	}
	cacheable := isRevocation(key)
	if !cacheable || s.cacheFor == 0 {
		return s.answer(ctx, cacheable, s.calls.call(ctx, func() outcome { return s.ask(key) }))
	}
	known, version, ok := s.cache.get(key)
	now, fresh := s.watch.fresh() // after the version: a silence in between counts
	switch {
	case !fresh:
		return s.answer(ctx, true, s.calls.call(ctx, func() outcome { return s.ask(key) }))
	case ok && now.Before(known.until):
		return known.value, known.ok, nil
	}
	return s.answer(ctx, true, s.calls.call(ctx, func() outcome { return s.learn(key, version) }))
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

func (s *Store) ask(key string) outcome {
	return read(s.client.Do(context.Background(), s.client.B().Get().Key(s.prefix+key).Build()))
}

// learn asks and remembers, unless something changed since the version.
func (s *Store) learn(key string, version uint64) outcome {
	o := s.ask(key)
	if o.err != nil {
		return o
	}
	now := time.Now() // before asking what is left: rather too short than too long
	until := now.Add(s.cacheFor)
	if o.ok {
		left, err := s.client.Do(context.Background(), s.client.B().Pttl().Key(s.prefix+key).Build()).AsInt64()
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
