package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A wire is what lies between the shops and Redis.
type wire struct {
	addr, target string
	flows        sync.RWMutex // held for writing while nothing gets through
}

func newWire(t testing.TB, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	n := &wire{addr: l.Addr().String(), target: target}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go n.connect(c)
		}
	}()
	return n
}

func (n *wire) connect(shop net.Conn) {
	redis, err := net.Dial("tcp", n.target)
	if err != nil {
		shop.Close()
		return
	}
	go n.forward(redis, shop)
	n.forward(shop, redis)
}

func (n *wire) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(carrier{to, n}, from)
}

type carrier struct {
	io.Writer
	n *wire
}

func (c carrier) Write(p []byte) (int, error) {
	c.n.flows.RLock()
	defer c.n.flows.RUnlock()
	return c.Writer.Write(p)
}

// silence stops everything that is sent, and closes nothing.
func (n *wire) silence() { n.flows.Lock() }
func (n *wire) restore() { n.flows.Unlock() }
