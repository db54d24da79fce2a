package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/redis/rueidis"
)

// A link is the client of Redis, which may not be there yet: an instance can
// start while Redis is down, and connects as soon as it can.
type link struct {
	cfg      Config
	loss     *lossDetector
	client   atomic.Pointer[rueidis.Client] // nil until a connection was made and Redis was found fit
	fault    atomic.Pointer[error]          // why no call can be made now; nil if calls can be made
	readOnly atomic.Bool                    // Redis took no writes yet, so that not all of it is checked
}

// connect makes the client and checks that Redis is fit.
func (l *link) connect() error {
	client, err := newClient(l.cfg)
	if err == nil {
		if err = l.check(client); err == nil {
			l.loss.useClient(client)
			l.client.Store(&client)
			l.fault.Store(nil)
			return nil
		}
		client.Close()
	}
	l.fault.Store(&err)
	return err
}

// check tries everything that can be tried. A Redis that is full, or that lacks
// replicas, takes no writes for now: what depends on writes is checked later.
func (l *link) check(client rueidis.Client) error {
	if err := checkProtocol(client, l.cfg.Timeout); err != nil {
		return err
	}
	err := checkStoring(client, l.cfg)
	l.readOnly.Store(refusesWrites(err))
	if err != nil && !refusesWrites(err) {
		return err
	}
	if l.readOnly.Load() {
		l.cfg.Logger.Error("redisstore: Redis takes no writes: nobody can verify or sign out until it does", "error", err)
	}
	if err := checkEvictionOfAll(client, l.cfg); err != nil {
		return err
	}
	warnOfNoPersistence(client, l.cfg)
	return nil
}

// recheck repeats what could not be checked while Redis took no writes.
func (l *link) recheck(ctx context.Context) {
	client := l.client.Load()
	if client == nil || !l.readOnly.Load() {
		return
	}
	err := checkStoring(*client, l.cfg)
	switch {
	case err == nil:
		l.readOnly.Store(false)
		if l.fault.Swap(nil) == nil {
			l.cfg.Logger.InfoContext(ctx, "redisstore: Redis takes writes again")
		}
	case isUnfit(err):
		if l.fault.Swap(&err) == nil {
			l.logFault(ctx, err)
		}
	}
}

func (l *link) logFault(ctx context.Context, err error) {
	if isTransient(err) {
		l.cfg.Logger.WarnContext(ctx, "redisstore: no connection to Redis: gates and verifications answer 503 until there is one", "error", err)
		return
	}
	l.cfg.Logger.ErrorContext(ctx, "redisstore: operator fault: this Redis cannot be used: gates and verifications answer 503 until it is mended", "error", err)
}

// get returns the client, or why there is none.
func (l *link) get() (rueidis.Client, error) {
	if err := l.fault.Load(); err != nil {
		return nil, *err
	}
	client := l.client.Load()
	if client == nil {
		return nil, errNoAnswer
	}
	return *client, nil
}

// newClient makes the kind of client that Redis needs. The client itself would
// ask every Redis for CLUSTER SLOTS, which the documented permissions deny to a
// Redis that is none.
func newClient(cfg Config) (rueidis.Client, error) {
	o := cfg.Client
	mayBeCluster := o.Sentinel.MasterSet == "" && len(o.InitAddress) == 1 && !o.ForceSingleClient && !o.Standalone.EnableRedirect
	o.ForceSingleClient = o.ForceSingleClient || mayBeCluster
	client, err := rueidis.NewClient(o)
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, explainConnecting(err)
	}
	if !mayBeCluster {
		return client, nil
	}
	hello, err := sayHello(client, cfg.Timeout)
	if err != nil || hello["mode"] == "standalone" {
		return client, nil // the checks tell what is wrong
	}
	client.Close()
	if client, err = rueidis.NewClient(cfg.Client); err != nil {
		return nil, explainConnecting(err)
	}
	if hello["mode"] == "cluster" && client.Mode() != rueidis.ClientModeCluster {
		client.Close()
		return nil, unfit(errors.New("redisstore: Redis is a cluster and does not tell of its slots: the user needs the permissions +cluster|slots +cluster|shards"))
	}
	return client, nil
}

// explainConnecting says what a failure to connect may mean.
func explainConnecting(err error) error {
	var alert tls.AlertError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.As(err, &alert):
		return fmt.Errorf("redisstore: the connection was closed instead of an answer to HELLO 3: Redis is going down, or a proxy in between speaks RESP2 only or has no Redis behind it, or one side speaks TLS and the other does not: %w", err)
	case rueidis.IsRedisNil(err), strings.Contains(err.Error(), "No such master"):
		return unfit(errors.New("redisstore: Sentinel does not know Config.Client.Sentinel.MasterSet"))
	case isRedisError(err) && strings.Contains(err.Error(), "NOPROTO"):
		return unfit(fmt.Errorf("%w: %w", errRESP2, err))
	}
	return explain(err)
}

// An unfitError says why a Redis that answers must not be used. It is never
// taken for a Redis that is down.
type unfitError struct{ error }

func (e unfitError) Unwrap() error { return e.error }

func unfit(err error) error { return unfitError{err} }

func isUnfit(err error) bool {
	var e unfitError
	return errors.As(err, &e)
}

// isTransient reports whether what failed may succeed later without anybody
// mending the configuration.
func isTransient(err error) bool {
	var said *rueidis.RedisError
	var network net.Error
	var address *net.AddrError
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case err == nil, isUnfit(err), errors.As(err, &address), errors.As(err, &certificate), errors.As(err, &plain), errors.As(err, &alert):
		return false
	case errors.As(err, &said):
		return saysDown(said.Error()) || saysFull(said.Error()) || strings.Contains(said.Error(), "max number of clients")
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed), errors.Is(err, errNoAnswer):
		return true
	}
	return strings.Contains(err.Error(), "role is not master") // a failover is under way, by Sentinel
}

func isRedisError(err error) bool {
	var said *rueidis.RedisError
	return errors.As(err, &said)
}

// refusesWrites reports whether Redis refuses writes for a reason that passes:
// it is full, cannot write to its disk, or has too few replicas.
func refusesWrites(err error) bool {
	var said *rueidis.RedisError
	return errors.As(err, &said) && saysFull(said.Error())
}

func saysFull(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return word == "OOM" || word == "MISCONF" || word == "NOREPLICAS"
}
