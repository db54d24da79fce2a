package redisstore_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

const slots = 16384

// Nodes that no test takes away are not gone because the machine stood still.
const (
	goneSoon = 2 * time.Second
	goneLate = 15 * time.Second
)

// clusterNode starts a node that owns nothing yet, and takes a node for gone that
// is silent for so long.
func clusterNode(t testing.TB, silence time.Duration) *server {
	t.Helper()
	return redisServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", strconv.FormatInt(silence.Milliseconds(), 10), "--cluster-port", freePort(t),
		"--cluster-allow-replica-migration", "no", "--repl-diskless-sync-delay", "0")
}

// meet introduces a node to another.
func (s *server) meet(other *server) {
	s.t.Helper()
	host, port, _ := strings.Cut(other.addr, ":")
	_, bus, _ := strings.Cut(other.do("CONFIG", "GET", "cluster-port"), "cluster-port\r\n")
	bus = strings.Fields(bus)[1]
	s.do("CLUSTER", "MEET", host, port, bus)
}

func (s *server) id() string {
	_, id, _ := strings.Cut(s.do("CLUSTER", "MYID"), "\r\n")
	return strings.TrimSpace(id)
}

// cluster starts primaries that share the slots.
func cluster(t testing.TB, n int, silence time.Duration) []*server {
	t.Helper()
	nodes := make([]*server, n)
	for i := range nodes {
		nodes[i] = clusterNode(t, silence)
		nodes[i].do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/n), strconv.Itoa((i+1)*slots/n-1))
		if i > 0 {
			nodes[i].meet(nodes[0])
		}
	}
	settled(t, n, nodes...)
	return nodes
}

// settled waits until all nodes agree that n nodes own all slots between them.
func settled(t testing.TB, n int, nodes ...*server) {
	t.Helper()
	eventually(t, "the cluster settles", func() bool {
		for _, s := range nodes {
			info := s.do("CLUSTER", "INFO")
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", n)) {
				return false
			}
			if strings.Contains(s.do("CLUSTER", "NODES"), "handshake") {
				return false
			}
		}
		return true
	})
}

// owner is the node that a key belongs to.
func owner(t testing.TB, key string, nodes []*server) (*server, string) {
	t.Helper()
	slot := strings.TrimSpace(strings.TrimPrefix(nodes[0].do("CLUSTER", "KEYSLOT", key), ":"))
	var found *server
	eventually(t, "a node owns "+key, func() bool {
		for _, s := range nodes {
			if reply, err := raw(s.addr, "GET", key); err == nil && strings.HasPrefix(reply, "$") {
				found = s
			}
		}
		return found != nil
	})
	return found, slot
}

// move gives a slot, with what is in it, to another node.
func move(t testing.TB, slot string, from, to *server, all []*server) {
	t.Helper()
	to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id())
	from.do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id())
	host, port, _ := strings.Cut(to.addr, ":")
	for {
		keys := strings.Fields(from.do("CLUSTER", "GETKEYSINSLOT", slot, "100"))
		if keys[0] == "*0" {
			break
		}
		from.do("MIGRATE", host, port, keys[2], "0", "5000")
	}
	for _, s := range append([]*server{to, from}, all...) {
		s.do("CLUSTER", "SETSLOT", slot, "NODE", to.id())
	}
}

func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneLate)
	cfg := config(nodes[0].addr)
	t.Run("the suite", func(t *testing.T) { conform(t, cfg, nodes...) })
	t.Run("keys of any bytes", func(t *testing.T) { takesAnyBytes(t, cfg, len(nodes)) })
	t.Run("with least privilege", func(t *testing.T) {
		for _, n := range nodes {
			cfg = n.as("certify", permissions+clusterPermissions)
		}
		s, _ := openWarm(t, cfg, len(nodes))
		for i := range 30 {
			key := fmt.Sprint("revoked:", i)
			eventually(t, "it writes", func() bool { return s.Put(t.Context(), key, "1", time.Hour) == nil })
			heard(t, s, key, "1", time.Now())
		}
	})
}

// takes repeats PutIfAbsent until there is an answer.
func takes(t testing.TB, s *redisstore.Store, key, value string) (stands string) {
	t.Helper()
	eventually(t, "an attempt is taken", func() bool {
		var err error
		stands, err = s.PutIfAbsent(t.Context(), key, value, time.Hour)
		return err == nil
	})
	return stands
}

// A slot that moves takes its keys along.
func TestClusterMovesKeys(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 2, goneLate)
	s, _ := openWarm(t, config(nodes[0].addr), 2)
	takes(t, s, "attempt:moved", "mine")
	from, slot := owner(t, "certify:attempt:moved", nodes)
	move(t, slot, from, another(from, nodes), nodes)
	if stands := takes(t, s, "attempt:moved", "other"); stands != "mine" {
		t.Errorf("the attempt, moved, is %q", stands)
	}
}

func another(than *server, nodes []*server) *server {
	if nodes[0] == than {
		return nodes[1]
	}
	return nodes[0]
}

// With a slot move the answers that are kept about keys that do not exist,
// which no message tells of.
func TestClusterMovesAnswers(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneLate)
	s, _ := openWarm(t, config(nodes[0].addr), 3)
	other, _ := openWarm(t, config(nodes[0].addr), 3)
	revoke := func(key string) time.Time {
		t.Helper()
		eventually(t, "somebody revokes", func() bool { return other.Put(t.Context(), key, "1", time.Hour) == nil })
		return time.Now()
	}
	known := func(key string) {
		t.Helper()
		eventually(t, "an answer", func() bool { _, ok, err := s.Get(t.Context(), key); return !ok && err == nil })
	}

	known("revoked:moved")
	from, slot := owner(t, "certify:revoked:moved", nodes)
	move(t, slot, from, another(from, nodes), nodes)
	heard(t, s, "revoked:moved", "1", revoke("revoked:moved"))

	// A node that has just come is heard as soon as the cluster's map is refreshed.
	known("revoked:far")
	from, slot = owner(t, "certify:revoked:far", nodes)
	fresh := clusterNode(t, goneLate)
	fresh.meet(nodes[0])
	all := append([]*server{fresh}, nodes...)
	settled(t, 4, all...)
	move(t, slot, from, fresh, all)
	put := revoke("revoked:far")
	eventually(t, "it is heard", func() bool { _, ok, err := s.Get(t.Context(), "revoked:far"); return ok && err == nil })
	t.Logf("a revocation at a node that had just come was heard after %s", time.Since(put))
}

// The replica of a node that dies takes over, and tells of changes from then on.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneSoon)
	replica := clusterNode(t, goneSoon)
	replica.meet(nodes[0])
	all := append([]*server{replica}, nodes...)
	settled(t, 4, all...)
	replica.do("CLUSTER", "REPLICATE", nodes[2].id())
	eventually(t, "the replica follows", func() bool { return strings.Contains(replica.do("INFO", "replication"), "master_link_status:up") })
	key := keyOfEach(t, nodes)[nodes[2]]
	cfg := config(nodes[0].addr)
	cfg.Timeout = timeout
	s, _ := openWarm(t, cfg, 3)
	other, _ := openWarm(t, cfg, 3)
	eventually(t, "an answer", func() bool { _, ok, err := s.Get(t.Context(), key); return !ok && err == nil })
	nodes[2].kill()
	eventually(t, "the replica takes over", func() bool { return other.Put(t.Context(), key, "1", time.Hour) == nil })
	heard(t, s, key, "1", time.Now())
	eventually(t, "answers are kept again", func() bool {
		var err error
		return asks(replica, func() { _, _, err = s.Get(t.Context(), key) }) == 0 && err == nil
	})
	eventually(t, "somebody revokes again", func() bool { return other.Put(t.Context(), key, "2", time.Hour) == nil })
	heard(t, s, key, "2", time.Now())
}

// A crowd asks for one key without pause.
type crowd struct {
	stop context.CancelFunc
	done sync.WaitGroup
}

func newCrowd(t testing.TB, s *redisstore.Store, key string, n int) *crowd {
	c := &crowd{}
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	for range n {
		c.done.Go(func() {
			for ctx.Err() == nil {
				_, _, _ = s.Get(ctx, key)
			}
		})
	}
	return c
}

func (c *crowd) leave() {
	c.stop()
	c.done.Wait()
}

// keyOfEach has a key for each of the nodes.
func keyOfEach(t testing.TB, nodes []*server) map[*server]string {
	t.Helper()
	at := make(map[*server]string)
	for i := 0; len(at) < len(nodes); i++ {
		n, _ := owner(t, fmt.Sprint("certify:revoked:", i), nodes)
		at[n] = fmt.Sprint("revoked:", i)
	}
	return at
}

// One of three nodes that is gone costs its keys, and only theirs, however many
// ask for them.
func TestClusterLosesANode(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneSoon)
	for _, n := range nodes {
		n.do("CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	cfg := config(nodes[0].addr)
	cfg.Timeout = timeout
	s, _ := openWarm(t, cfg, 3)
	at := keyOfEach(t, nodes)
	late := newLateness(t)
	nodes[2].stop()
	stopped := time.Now()
	// Of the others enough lookups in a row are answered, of its own no more are
	// than a second allows, and none takes longer than it may.
	all := newCrowd(t, s, at[nodes[2]], 200)
	defer all.leave()
	answered, refused := 0, 0
	eventually(t, "the others are not affected", func() bool {
		for _, n := range nodes {
			asked := time.Now()
			_, ok, err := s.Get(t.Context(), at[n])
			since := asked.Sub(stopped)
			switch {
			case ok || late.beyond(time.Since(asked), timeout):
				t.Fatalf("a lookup took %s: %t, %v", time.Since(asked), ok, err)
			case n != nodes[2] && err != nil:
				answered = 0
			case n != nodes[2]:
				answered++
			case err == nil && since > staleFor:
				t.Fatalf("%s after its node was stopped, a lookup was answered", since)
			case err != nil && since > 2*staleFor:
				refused++
			}
		}
		return answered >= 20 && refused >= 4
	})
	all.leave()
	nodes[2].cont()
	eventually(t, "all keys are answered again", func() bool {
		_, _, err := s.Get(t.Context(), at[nodes[2]])
		return err == nil
	})
}
