package redisstore_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A proxy is the network between a store and Redis.
type proxy struct {
	addr, target string

	mu      sync.Mutex
	change  *sync.Cond
	silent  bool
	closed  bool
	writing int // how much is being forwarded
	count   int // connections of clients until now
	conns   map[net.Conn]bool
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), target: target, conns: make(map[net.Conn]bool)}
	p.change = sync.NewCond(&p.mu)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.set(false, true)
		p.cut()
		done.Wait()
	})
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	p.count++
	p.mu.Unlock()
	server, err := net.Dial("tcp", p.leadsTo())
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	var done sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		done.Go(func() {
			_, _ = io.Copy(gated{p, way[0]}, way[1])
			client.Close()
			server.Close()
		})
	}
	done.Wait()
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// gated holds back what is written while the network is silent.
type gated struct {
	p *proxy
	net.Conn
}

func (g gated) Write(b []byte) (int, error) {
	g.p.mu.Lock()
	for g.p.silent && !g.p.closed {
		g.p.change.Wait()
	}
	g.p.writing++
	g.p.mu.Unlock()
	defer func() {
		g.p.mu.Lock()
		g.p.writing--
		g.p.change.Broadcast()
		g.p.mu.Unlock()
	}()
	return g.Conn.Write(b)
}

func (p *proxy) set(silent, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.closed = silent, closed
	p.change.Broadcast()
}

// silence stops forwarding, and closes nothing. When it returns, nothing is on
// its way any more.
func (p *proxy) silence() {
	p.set(true, false)
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.writing > 0 {
		p.change.Wait()
	}
}

func (p *proxy) restore() { p.set(false, false) }

// lead makes new connections go elsewhere, as a name does that is given to
// another server.
func (p *proxy) lead(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *proxy) leadsTo() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// dialled is how many connections were made until now.
func (p *proxy) dialled() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}
