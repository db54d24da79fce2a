package redisstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A holder keeps back what Redis says, but for what it tells of changes.
type holder struct {
	mu   sync.Mutex
	held chan struct{} // closed if nothing is kept back
}

func newHolder() *holder {
	h := &holder{held: make(chan struct{})}
	close(h.held)
	return h
}

// hold keeps back until release is called.
func (h *holder) hold() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := make(chan struct{})
	h.held = held
	return func() { close(held) }
}

func (h *holder) until() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held
}

func (h *holder) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	c, err := d.DialContext(ctx, "tcp", addr)
	return &heldConn{Conn: c, by: h}, err
}

type heldConn struct {
	net.Conn
	by     *holder
	tracks atomic.Bool // it tells of changes
}

func (c *heldConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("TRACKING")) {
		c.tracks.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *heldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.tracks.Load() {
		<-c.by.until()
	}
	return n, err
}

// An answer that was on its way when a revocation was heard is older than the
// revocation. It may be given, but not be remembered: nobody would tell again.
func TestOvertakenAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	slow := newHolder()
	cfg := config(redis.addr)
	cfg.Client.DialCtxFn = slow.dial
	s, _ := openWarm(t, cfg, 1)
	other := open(t, config(redis.addr))
	const key = "revoked:a"
	release := slow.hold()
	asked := redis.calls("get")
	done := make(chan bool)
	go func() {
		_, ok, err := s.Get(t.Context(), key)
		done <- !ok && err == nil
	}()
	eventually(t, "Redis has answered", func() bool { return redis.calls("get") > asked })
	before := s.Version(key)
	if err := other.Put(t.Context(), key, "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revocation is heard", func() bool { return s.Version(key) > before })
	release()
	if !<-done {
		t.Log("the machine was too slow for the answer")
	}
	get(t, s, key, true)
}
