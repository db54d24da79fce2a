package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/rueidis"
)

// Defaults of [Config].
const (
	DefaultPrefix       = "certify:"
	DefaultTimeout      = 500 * time.Millisecond
	DefaultCacheEntries = 100_000
	DefaultCacheFor     = time.Minute
)

// MaxTimeout is when certify itself gives up on a Store.
const MaxTimeout = 3 * time.Second

// Config configures [New]. Client.InitAddress is required.
type Config struct {
	// Client says where Redis is and who asks: InitAddress, Username, Password,
	// TLSConfig, SelectDB, Sentinel, ClusterOption, Dialer and so on. New sets
	// what this package depends on: see the package comment. Options that would
	// read from replicas are refused.
	Client rueidis.ClientOption
	// Prefix begins every key: [DefaultPrefix] if "". Services that share
	// certify's sessions share it; others on the same Redis need their own.
	Prefix string
	// Timeout bounds each call, connecting and waiting for replicas included:
	// [DefaultTimeout] if 0, and at most [MaxTimeout].
	Timeout time.Duration
	// Replicas is how many replicas must have confirmed a write before it
	// counts. 0 waits for none: a failover may forget the last writes then.
	Replicas int
	// CacheEntries is how many answers about revocations are kept in memory,
	// some 200 bytes each: [DefaultCacheEntries] if 0, none if negative. Nodes
	// are looked at four times a second all the same: one that is no longer
	// primary must not be read, and one that begins to evict is logged. Without a
	// cache, a flushed Redis is noticed within a minute and not at once.
	CacheEntries int
	// CacheFor is how long an answer may be kept while Redis keeps telling of
	// changes: [DefaultCacheFor] if 0.
	CacheFor time.Duration
	// Logger is [slog.Default] if nil. It hears when changes are no longer
	// told, and when they are again; when Redis is away, unfit or full; and, as
	// errors that begin with "redisstore: operator fault", of lost data.
	Logger *slog.Logger
	// InsecureAllowEviction accepts a Redis whose maxmemory-policy is not
	// noeviction, or does not say what it is: when its memory is full it
	// forgets revocations and used attempts. A marker that it forgets is told as
	// lost data.
	InsecureAllowEviction bool
	// InsecureAdmitWhenDown lets visitors pass unchecked while Redis gives no
	// answer: a lookup of a revocation says "there is none" then. Whoever signed
	// out, was signed out, or stole a token that was revoked, is in again until
	// Redis is back. Verifications and revocations are writes and fail as they
	// would without it; but where Redis comes and goes, a verification that was
	// revoked may be confirmed, and its claim is void again when Redis is back.
	// It needs a Timeout below [MaxTimeout].
	InsecureAdmitWhenDown bool
	// Unchecked hears of every lookup that InsecureAdmitWhenDown let pass, and
	// why, while the request waits. By default the first in ten seconds is
	// logged as an error.
	Unchecked func(ctx context.Context, why error)

	lookEvery time.Duration // at the markers; tests do not wait for a minute
}

func (cfg Config) withDefaults() Config {
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.CacheEntries == 0 {
		cfg.CacheEntries = DefaultCacheEntries
	}
	if cfg.CacheFor == 0 {
		cfg.CacheFor = DefaultCacheFor
	}
	if cfg.lookEvery == 0 {
		cfg.lookEvery = lookEvery
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Client = clientOption(cfg.Client, cfg.Timeout)
	return cfg
}

func (cfg Config) check() error {
	switch {
	case len(cfg.Client.InitAddress) == 0:
		return errors.New(`redisstore: Config.Client.InitAddress is missing: set it to where Redis listens, like []string{"redis.internal:6379"}`)
	case cfg.Timeout < time.Millisecond || cfg.Timeout > MaxTimeout:
		return fmt.Errorf("redisstore: Config.Timeout must be at least 1ms and at most %s, when certify gives up", MaxTimeout)
	case cfg.Replicas < 0:
		return errors.New("redisstore: Config.Replicas must not be negative")
	case cfg.CacheFor < 0:
		return errors.New("redisstore: Config.CacheFor must not be negative: a negative CacheEntries keeps no answers")
	case cfg.InsecureAdmitWhenDown && cfg.Timeout == MaxTimeout:
		return fmt.Errorf("redisstore: Config.Timeout must be below %s with InsecureAdmitWhenDown: certify gives up then, and refuses", MaxTimeout)
	case cfg.Unchecked != nil && !cfg.InsecureAdmitWhenDown:
		return errors.New("redisstore: Config.Unchecked is set without InsecureAdmitWhenDown: nothing passes unchecked")
	}
	return checkClient(cfg.Client)
}

// checkClient refuses what would answer with yesterday's news: a replica has
// not heard of the last revocations.
func checkClient(o rueidis.ClientOption) error {
	switch {
	case o.ReplicaOnly, o.SendToReplicas != nil, o.ReadNodeSelector != nil, len(o.Standalone.ReplicaAddress) > 0:
		return errors.New("redisstore: Config.Client must not send reads to replicas (ReplicaOnly, SendToReplicas, ReadNodeSelector, Standalone.ReplicaAddress): a replica may not know yet what was revoked")
	case o.AlwaysRESP2:
		return errors.New("redisstore: Config.Client.AlwaysRESP2 must be off: only RESP3 tells of changes")
	case o.DisableAutoPipelining:
		return errors.New("redisstore: Config.Client.DisableAutoPipelining must be off")
	case outside(o.Dialer.KeepAlive) || outside(o.ConnWriteTimeout):
		return fmt.Errorf("redisstore: Config.Client.Dialer.KeepAlive and ConnWriteTimeout must be at most %s, and not negative: by them a dead connection is noticed", maxSilence)
	case o.DialFn != nil:
		return errors.New("redisstore: Config.Client.DialFn is deprecated: set DialCtxFn")
	case o.NewCacheStoreFn != nil, o.OnInvalidations != nil, o.ClientTrackingOptions != nil:
		return errors.New("redisstore: Config.Client must not set up caching (NewCacheStoreFn, OnInvalidations, ClientTrackingOptions): see CacheEntries")
	}
	return nil
}

func outside(d time.Duration) bool { return d < 0 || d > maxSilence }

const (
	maxSilence      = 5 * time.Second
	bufferSize      = 64 << 10    // for entries of a few hundred bytes; the client's own default is 512 KiB
	minDialTimeout  = time.Second // a short Timeout must not keep a TLS handshake from ever ending
	refreshInterval = time.Second
	maxRedirects    = 5
	maxWaiting      = 64        // connections to a node that wait for its replicas
	clientName      = "certify" // as CLIENT LIST shows it
)

// clientOption completes what the operator set.
func clientOption(o rueidis.ClientOption, timeout time.Duration) rueidis.ClientOption {
	o.DisableCache = true     // watch.go says why
	o.DisableRetry = true     // calls are bounded in call.go
	o.AlwaysPipelining = true // a reader on every connection hears at once that it is closed
	if o.ClientSetInfo == nil {
		o.ClientSetInfo = rueidis.DisableClientSetInfo // it needs a permission, and tells nothing that the name does not
	}
	setDefault(&o.ClientName, clientName) // by HELLO, which needs no permission
	setDefault(&o.Sentinel.ClientName, clientName)
	setDefault(&o.ConnWriteTimeout, max(timeout, minDialTimeout/2))
	setDefault(&o.Dialer.Timeout, max(timeout, minDialTimeout))
	setDefault(&o.Dialer.KeepAlive, o.ConnWriteTimeout) // also how often an idle connection is probed
	setDefault(&o.Sentinel.Dialer.Timeout, o.Dialer.Timeout)
	setDefault(&o.Sentinel.Dialer.KeepAlive, o.Dialer.KeepAlive)
	setDefault(&o.Sentinel.TopologyRefreshInterval, refreshInterval)
	setDefault(&o.ClusterOption.ShardsRefreshInterval, refreshInterval)
	setDefault(&o.ClusterOption.MaxMovedRedirections, maxRedirects) // without, as many as there are
	setDefault(&o.BlockingPoolSize, maxWaiting)
	setDefault(&o.BlockingPoolCleanup, time.Minute)
	setDefault(&o.ReadBufferEachConn, bufferSize)
	setDefault(&o.WriteBufferEachConn, bufferSize)
	return o
}

func setDefault[T int | string | time.Duration](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}
