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
	put   func(i int) (time.Duration, error) // tells how long the request waited
	clock *clock
	keep  any
}

// fills of each memory: the least of the worst is what it does by itself, and
// not what else the machine did.
const fills = 4

// watched is how many requests are, in either state.
func watched(n int) int { return min(n/3, 100_000) }

// measureMemory fills each memory, and shows what an entry takes, and the
// longest that one request waited while none expired, and while all did.
func measureMemory(w io.Writer, p plan) error {
	fmt.Fprint(w, "\n| memory | entries | bytes each | worst wait | while all expire | 99.9 % of them |\n|---|---:|---:|---:|---:|---:|\n")
	for _, n := range p.entries() {
		for _, kind := range []struct {
			fresh func(int) (*memory, error)
			fills int
		}{{storeMemory, fills}, {claimsMemory, 1}} { // claims are not swept
			f, err := fill(kind.fresh, kind.fills, n)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "| %s | %d | %.0f | %s | %s | %s |\n", f.name, n, f.bytes, f.calm.worst, f.sweep.worst, f.sweep.most)
		}
		fmt.Fprintf(w, "| one go-cache, DeleteExpired, for comparison | %d | | | %s | |\n", n, goCacheSweep(n).Round(time.Microsecond))
	}
	return nil
}

type filled struct {
	name        string
	bytes       float64
	calm, sweep waits
}

func fill(fresh func(int) (*memory, error), times, n int) (least filled, err error) {
	for i := range times {
		m, err := fresh(n)
		if err != nil {
			return least, err
		}
		f, err := m.measure(n)
		if err != nil {
			return least, fmt.Errorf("%s: %w", m.name, err)
		}
		if i == 0 {
			least = f
		}
		least.calm, least.sweep = least.calm.min(f.calm), least.sweep.min(f.sweep)
	}
	return least, nil
}

func (m *memory) measure(n int) (f filled, err error) {
	before := heap()
	if _, err := m.puts(0, n); err != nil {
		return f, err
	}
	f.name, f.bytes = m.name, float64(heap()-before)/float64(n)
	if f.calm, err = m.puts(n, watched(n)); err != nil {
		return f, err
	}
	m.clock.wait(2 * time.Hour)
	f.sweep, err = m.puts(2*n, watched(n))
	runtime.KeepAlive(m.keep)
	return f, err
}

func (m *memory) puts(first, n int) (waits, error) {
	all := make([]time.Duration, n)
	for i := range all {
		took, err := m.put(first + i)
		if err != nil {
			return waits{}, err
		}
		all[i] = took
	}
	slices.Sort(all)
	return waits{all[n-1], all[n*999/1000]}, nil
}

// waits are the longest, and the one that 999 of 1,000 stay below.
type waits struct{ worst, most time.Duration }

func (a waits) min(b waits) waits { return waits{min(a.worst, b.worst), min(a.most, b.most)} }

func storeMemory(n int) (*memory, error) {
	c := new(clock)
	store, ctx := certify.NewMemoryStore(2*n, c.now), context.Background()
	put := func(i int) (time.Duration, error) {
		key := fmt.Sprintf("revoked:%022d", i)
		begin := time.Now()
		err := store.Put(ctx, key, "1", time.Hour)
		return time.Since(begin), err
	}
	return &memory{"MemoryStore, revocations", put, c, store}, nil
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
	read := func(i int) (time.Duration, error) {
		like.ID = "0000000000000" + strconv.Itoa(1_000_000_000+i)
		token, err := sign(k, parsed.Header, &like)
		if err != nil {
			return 0, err
		}
		begin := time.Now()
		_, err = s.Read(context.Background(), token)
		return time.Since(begin), err
	}
	return &memory{"verified claims, first sights", read, c, s}, nil
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
