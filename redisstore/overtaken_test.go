package redisstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// A holder keeps back what Redis says on connections that asked for the key.
// Whatever else the client does, it goes on doing: a connection that it lost
// while the machine was busy is made anew.
type holder struct {
	key      string
	asked    atomic.Bool
	released chan struct{}
}

func (h *holder) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	c, err := d.DialContext(ctx, "tcp", addr)
	return &heldConn{Conn: c, by: h}, err
}

type heldConn struct {
	net.Conn
	by    *holder
	asked atomic.Bool
}

func (c *heldConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(c.by.key)) {
		c.asked.Store(true)
		c.by.asked.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *heldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.asked.Load() {
		<-c.by.released
	}
	return n, err
}

// An answer that was on its way when a revocation was heard is older than the
// revocation. It may be given, but not be remembered: nobody would tell again.
func TestOvertakenAnswersAreNotKept(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	const key = "revoked:a"
	slow := &holder{key: key, released: make(chan struct{})}
	cfg := config(redis.addr)
	cfg.Client.DialCtxFn = slow.dial
	s, _ := openWarm(t, cfg, 1)
	other := open(t, config(redis.addr))
	asked := redis.calls("get")
	done := make(chan error)
	go func() {
		_, _, err := s.Get(t.Context(), key)
		for err != nil && !slow.asked.Load() { // the connection was lost before
			_, _, err = s.Get(t.Context(), key)
		}
		done <- err
	}()
	eventually(t, "Redis has answered", func() bool { return redis.calls("get") > asked })
	before := s.Version(key)
	if err := other.Put(t.Context(), key, "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the revocation is heard", func() bool { return s.Version(key) > before })
	close(slow.released)
	if err := <-done; err != nil {
		t.Log("the machine was too slow for the answer:", err)
	}
	eventually(t, "Redis answers", func() bool {
		_, ok, err := s.Get(t.Context(), key)
		if err == nil && !ok {
			t.Fatal("an answer of before the revocation was remembered")
		}
		return err == nil
	})
}
