package redisstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// Once a Redis is known to be silent nobody waits for it, whether visitors are
// refused or pass, and one connection at a time tries whether it is back.
func TestSilenceIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	for name, admit := range map[string]bool{"refusing": false, "admitting": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redisServer(t)
			network := newProxy(t, redis.addr)
			cfg := config(network.addr)
			cfg.Timeout, cfg.InsecureAdmitWhenDown = 2*time.Second, admit // one that nobody could overlook
			if admit {
				cfg.Unchecked = func(context.Context, error) {}
			}
			s, _ := openWarm(t, cfg, 1)
			get(t, s, "revoked:a", false)
			network.silence()
			eventually(t, "the silence is known", func() bool { return s.Silent("revoked:a") })
			late, dialled := newLateness(t), network.dialled()
			began := time.Now()
			const asked = 500
			for i := range asked {
				_, ok, err := s.Get(t.Context(), fmt.Sprint("revoked:", i))
				if ok || (err == nil) != admit {
					t.Fatalf("a lookup: %t, %v", ok, err)
				}
				admitsNothingElse(t, s)
			}
			took := time.Since(began)
			if late.beyond(took, cfg.Timeout/2) {
				t.Errorf("%d visitors waited %s", asked, took)
			}
			if tries := network.dialled() - dialled; time.Duration(tries) > took/(250*time.Millisecond)+2 {
				t.Errorf("%d connections were tried within %s", tries, took)
			}
			network.restore()
			back := time.Now()
			eventually(t, "it answers again", func() bool { return !s.Silent("revoked:a") })
			if took := time.Since(back); late.beyond(took, 2*time.Second) {
				t.Errorf("Redis was back for %s before it was asked", took)
			}
			takes(t, s, "attempt:a", "mine")
		})
	}
}

// Of a cluster one node may be silent: visitors whose entries are elsewhere go on.
func TestSilentNodeIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneLate)
	cfg := config(nodes[0].addr)
	cfg.Timeout = 2 * time.Second
	s, _ := openWarm(t, cfg, 3)
	at := keyOfEach(t, nodes)
	nodes[2].stop()
	eventually(t, "the silence is known", func() bool { return s.Silent(at[nodes[2]]) })
	late := newLateness(t)
	for range 20 {
		for n, key := range at {
			began := time.Now()
			_, _, err := s.Get(t.Context(), key)
			if took := time.Since(began); n == nodes[2] && (err == nil || late.beyond(took, 0)) {
				t.Fatalf("a lookup at the silent node: %v after %s", err, took)
			}
			if n != nodes[2] && (s.Silent(key) || redisstore.IsUnanswered(err) && late.beyond(0, 0)) {
				t.Fatalf("a lookup at another node: %v", err)
			}
		}
	}
	eventually(t, "the others answer", func() bool {
		_, _, one := s.Get(t.Context(), at[nodes[0]])
		_, _, two := s.Get(t.Context(), at[nodes[1]])
		return one == nil && two == nil
	})
	nodes[0].stop()
	nodes[1].stop()
	eventually(t, "the silence of all is known", func() bool {
		return s.Silent(at[nodes[0]]) && s.Silent(at[nodes[1]]) && s.Silent(at[nodes[2]])
	})
	for _, n := range nodes {
		n.cont()
	}
	eventually(t, "all are answered again", func() bool {
		for _, key := range at {
			if _, _, err := s.Get(t.Context(), key); err != nil {
				return false
			}
		}
		return true
	})
}

// A connection that comes and goes many times a second does not fill the log.
func TestFlappingIsLoggedSparingly(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	network := newProxy(t, redis.addr)
	s, book := openWarm(t, config(network.addr), 1)
	began := time.Now()
	for range 20 {
		eventually(t, "it hears of changes", s.Hears)
		network.cut()
		eventually(t, "the cut is noticed", func() bool { return !s.Hears() })
	}
	if lines, most := book.count("msg="), 20*(1+int(time.Since(began)/time.Minute)); lines > most {
		t.Errorf("the log has %d lines of 20 cuts", lines)
	}
	if book.count(lost) == 0 {
		t.Error("the log says nothing of the cuts")
	}
}

// Connections have a name, and none is denied anything that the documented
// permissions do not give.
func TestConnectionsAreNamedAndPermitted(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	s, _ := openWarm(t, redis.as("certify", permissions), 1)
	takes(t, s, "attempt:a", "mine")
	get(t, s, "revoked:a", false)
	wantNothingDenied(t, redis)
	own := 0
	for client := range strings.Lines(redis.do("CLIENT", "LIST")) {
		if strings.Contains(client, "user=certify ") {
			own++
			if !strings.Contains(client, " name=certify ") {
				t.Errorf("a connection without a name: %s", client)
			}
		}
	}
	if own < 2 {
		t.Errorf("%d connections", own)
	}
}

func TestClusterPermissions(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneLate)
	cfg := config()
	for _, n := range nodes {
		n.do("CONFIG", "RESETSTAT")
		cfg = n.as("certify", permissions+clusterPermissions)
	}
	s, _ := openWarm(t, cfg, 3)
	for i := range 20 {
		takes(t, s, fmt.Sprint("attempt:", i), "mine")
	}
	nodes[2].stop()
	last := 0
	for redisstore.Slot(fmt.Sprint("certify:attempt:", last)) < slots*3/4 {
		last++
	}
	eventually(t, "the silence is known", func() bool { return s.Silent(fmt.Sprint("attempt:", last)) })
	nodes[2].cont()
	wantNothingDenied(t, nodes...)
	for _, n := range nodes {
		cfg = n.as("less", permissions)
	}
	refused(t, "a user that may not see the slots of a cluster", cfg, "+cluster|slots")
}

func TestSentinelPermissions(t *testing.T) {
	t.Parallel()
	primary := redisServer(t)
	sentinel := sentinelFor(t, primary)
	cfg := primary.as("certify", permissions+sentinelPermissions)
	cfg.Client.InitAddress, cfg.Client.Sentinel.MasterSet = []string{sentinel.addr}, "wine"
	s, _ := openWarm(t, cfg, 1)
	takes(t, s, "attempt:a", "mine")
	if denied := primary.do("ACL", "LOG"); denied != "*0\r\n" {
		t.Errorf("commands were denied: %q", denied)
	}
	cfg.Client.Sentinel.MasterSet = "beer"
	refused(t, "a primary that Sentinel does not know", cfg, "does not know Config.Client.Sentinel.MasterSet")
}

// wantNothingDenied wants no command to have been refused or unknown: a later
// version may know what this one does not, and deny it.
func wantNothingDenied(t *testing.T, servers ...*server) {
	t.Helper()
	for _, s := range servers {
		if denied := s.do("ACL", "LOG"); denied != "*0\r\n" {
			t.Errorf("commands were denied: %q", denied)
		}
		if errors := s.do("INFO", "errorstats"); strings.Contains(errors, "errorstat_ERR") || strings.Contains(errors, "errorstat_NOPERM") {
			t.Errorf("commands failed: %s", errors)
		}
	}
}

// How often an idle instance asks Redis is written in docs/scale.md.
func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	redis := redisServer(t)
	cfg := config(redis.addr)
	cfg.Timeout = 0
	s, _ := openWarm(t, cfg, 1)
	get(t, s, "revoked:a", false)
	const least, most = 4, 9 // 7.8 a second on a machine that does nothing else
	count := func() int64 { return redis.calls("info") + redis.calls("ping") }
	eventually(t, "it asks as often as is written", func() bool { // unless the machine stands still
		before, began := count(), time.Now()
		<-time.After(2 * time.Second)
		rate := float64(count()-before-1) / time.Since(began).Seconds() // the last INFO is the test's own
		return rate >= least && rate <= most
	})
}
