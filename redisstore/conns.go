package redisstore

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// renewEvery is how often all connections are closed, at most: it does not help
// where the address still leads to the same server.
const renewEvery = time.Second

// conns are the connections of the client, which it cannot be asked to renew.
// Managed services fail over by giving the primary's name to another server: the
// old one lives on as a replica, and keeps the connections it has.
type conns struct {
	dial    func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error)
	opened  func() // is called before a new connection is used
	mu      sync.Mutex
	open    map[*conn]string // to which address
	renewed time.Time
}

type conn struct {
	net.Conn
	all *conns
}

// newConns makes the client connect through them.
func newConns(o *rueidis.ClientOption, opened func()) *conns {
	all := &conns{dial: o.DialCtxFn, opened: opened, open: make(map[*conn]string)}
	if all.dial == nil {
		all.dial = dial
	}
	o.DialCtxFn = all.connect
	return all
}

// dial is what the client does by itself.
func dial(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
	if t == nil {
		return d.DialContext(ctx, "tcp", addr)
	}
	return (&tls.Dialer{NetDialer: d, Config: t}).DialContext(ctx, "tcp", addr)
}

func (all *conns) connect(ctx context.Context, addr string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
	nc, err := all.dial(ctx, addr, d, t)
	if err != nil {
		return nil, err
	}
	all.opened()
	c := &conn{nc, all}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.open[c] = addr
	return c, nil
}

func (c *conn) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// to lists the connections that lead to an address now.
func (all *conns) to(addr string) (list []*conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for c, to := range all.open {
		if to == addr {
			list = append(list, c)
		}
	}
	return list
}

// renew closes all connections; the client makes new ones.
func (all *conns) renew() { closeAll(all.due()) }

func (all *conns) due() []*conn {
	all.mu.Lock()
	defer all.mu.Unlock()
	if time.Since(all.renewed) < renewEvery {
		return nil
	}
	all.renewed = time.Now()
	return slices.Collect(maps.Keys(all.open))
}

// closeAll leaves it to the client to notice.
func closeAll(list []*conn) {
	for _, c := range list {
		_ = c.Conn.Close()
	}
}
