package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/patrickmn/go-cache"

	"github.com/certify-go/certify"
)

// A clock is set by whoever measures.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) wait(d time.Duration) { c.ahead.Add(int64(d)) }

// A memory is filled, and then everything in it expires at once.
type memory struct {
	name  string
	put   func(i int) error
	sweep func(i int) error // one request while what has expired is taken away
	clock *clock
	keep  any
}

// measureMemory fills each memory, and shows what an entry takes, and the
// longest that one request waited while all of them expired.
func (t *table) measureMemory(w io.Writer, p plan) error {
	if !p.only.MatchString("memory") {
		return nil
	}
	fmt.Fprint(w, "\n| memory | entries | bytes each | worst wait while all is swept | 99.9 % |\n|---|---:|---:|---:|---:|\n")
	for _, n := range p.entries() {
		for _, make := range []func(int) (*memory, error){storeMemory, claimsMemory} {
			m, err := make(n)
			if err != nil {
				return err
			}
			if err := m.measure(w, n); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
		fmt.Fprintf(w, "| one go-cache, DeleteExpired, for comparison | %d | | %s | |\n", n, goCacheSweep(n).Round(time.Microsecond))
	}
	return nil
}

func (m *memory) measure(w io.Writer, n int) error {
	before := heap()
	for i := range n {
		if err := m.put(i); err != nil {
			return err
		}
	}
	each := float64(heap()-before) / float64(n)
	m.clock.wait(2 * time.Hour)
	waits := make([]time.Duration, n/3)
	for i := range waits {
		begin := time.Now()
		if err := m.sweep(n + i); err != nil {
			return err
		}
		waits[i] = time.Since(begin)
	}
	runtime.KeepAlive(m.keep)
	worst, most := quantiles(waits)
	fmt.Fprintf(w, "| %s | %d | %.0f | %s | %s |\n", m.name, n, each, worst, most)
	return nil
}

func storeMemory(n int) (*memory, error) {
	c := new(clock)
	store, ctx := certify.NewMemoryStore(2*n, c.now), context.Background()
	put := func(i int) error {
		return store.Put(ctx, fmt.Sprintf("revoked:%022d", i), "1", time.Hour)
	}
	return &memory{"MemoryStore, revocations", put, put, c, store}, nil
}

func claimsMemory(n int) (*memory, error) {
	k, err := newKey("HS256")
	if err != nil {
		return nil, err
	}
	c := new(clock)
	s, err := newSessions(k, func(cfg *certify.SessionConfig) { cfg.VerifiedClaims, cfg.Now = 2*n, c.now })
	if err != nil {
		return nil, err
	}
	if k.token, err = issue(k, nil); err != nil {
		return nil, err
	}
	var like claims
	parsed, err := jwt.ParseWithClaims(k.token, &like, k.find)
	if err != nil {
		return nil, err
	}
	read := func(i int) error {
		like.ID = "0000000000000" + strconv.Itoa(1_000_000_000+i)
		token, err := sign(k, parsed.Header, &like)
		if err == nil {
			_, err = s.Read(context.Background(), token)
		}
		return err
	}
	return &memory{"verified claims (signing the token included)", read, read, c, s}, nil
}

func goCacheSweep(n int) time.Duration {
	c := cache.New(time.Nanosecond, 0)
	for i := range n {
		c.SetDefault("revoked:"+strconv.Itoa(i), "1")
	}
	begin := time.Now()
	c.DeleteExpired()
	return time.Since(begin)
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// quantiles are the longest wait, and the one that 999 of 1,000 stay below.
func quantiles(waits []time.Duration) (worst, most time.Duration) {
	slices.Sort(waits)
	return waits[len(waits)-1], waits[len(waits)*999/1000]
}
