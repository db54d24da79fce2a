package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// replicaOf starts a replica and waits until it follows.
func replicaOf(t testing.TB, primary *server) *server {
	t.Helper()
	host, port, _ := strings.Cut(primary.addr, ":")
	r := redisServer(t, "--replicaof", host+" "+port)
	eventually(t, "the replica follows", func() bool {
		return strings.Contains(r.do("INFO", "replication"), "master_link_status:up") &&
			strings.Contains(primary.do("WAIT", "1", "1000"), ":1")
	})
	return r
}

func TestSuiteWithReplicas(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	replicaOf(t, primary)
	cfg := config(primary.addr)
	cfg.Timeout, cfg.Replicas = redisstore.MaxTimeout, 1
	conform(t, cfg, primary)
}

func TestReplicasConfirm(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, primary)
	cfg := config(primary.addr)
	cfg.Timeout, cfg.Replicas = timeout, 1
	s := open(t, cfg)
	eventually(t, "a write is confirmed", func() bool {
		_, err := s.PutIfAbsent(t.Context(), "attempt:a", "mine", time.Hour)
		return err == nil
	})
	if reply := replica.do("GET", "certify:attempt:a"); !strings.Contains(reply, "mine") {
		t.Errorf("what was confirmed is not at the replica: %q", reply)
	}
	// More replicas than there are.
	more := cfg
	more.Replicas = 2
	greedy := open(t, more)
	eventually(t, "it is said that one of two confirmed", func() bool {
		err := greedy.Put(t.Context(), "revoked:a", "1", time.Hour)
		if err == nil {
			t.Fatal("one replica of two is enough")
		}
		return strings.Contains(err.Error(), "1 replicas confirmed")
	})
}

// Without its replica nothing is confirmed, and everything when it is back.
func TestReplicasAway(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, primary)
	cfg := config(primary.addr)
	cfg.Timeout, cfg.Replicas = timeout, 1
	s, other := open(t, cfg), open(t, cfg)
	late := newLateness(t)
	replica.stop()
	for name, call := range map[string]func() error{
		"Put":         func() error { return s.Put(t.Context(), "revoked:b", "1", time.Hour) },
		"PutIfAbsent": func() error { _, err := s.PutIfAbsent(t.Context(), "attempt:b", "mine", time.Hour); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || late.beyond(time.Since(began), cfg.Timeout) {
			t.Errorf("%s without the replica: %v after %s", name, err, time.Since(began))
		}
	}
	eventually(t, "the attempt stands at the primary", func() bool { // unless the machine was too slow
		_, _ = s.PutIfAbsent(t.Context(), "attempt:b", "mine", time.Hour)
		return strings.Contains(primary.do("GET", "certify:attempt:b"), "mine")
	})
	evals := primary.calls("eval")
	// What stands, unconfirmed, is not confirmed by being found; not by one who
	// wrote nothing either.
	eventually(t, "what stands is written again", func() bool { // Redis 7.0 waits without it, too, and later ones do not
		if stands, err := other.PutIfAbsent(t.Context(), "attempt:b", "other", time.Hour); err == nil {
			t.Fatalf("PutIfAbsent tells %q, which no replica has", stands)
		}
		return primary.calls("eval") >= evals+2
	})
	eventually(t, "reading needs no replica", func() bool { _, ok, err := s.Get(t.Context(), "attempt:b"); return ok && err == nil })
	replica.cont()
	eventually(t, "the replica confirms", func() bool {
		stands, err := other.PutIfAbsent(t.Context(), "attempt:b", "other", time.Hour)
		if err == nil && stands != "mine" {
			t.Fatalf("PutIfAbsent tells %q", stands)
		}
		return err == nil
	})
	if left := replica.do("PTTL", "certify:attempt:b"); !strings.HasPrefix(left, ":35") {
		t.Errorf("being found changed what is left to an entry: %q ms", left)
	}
}

func TestReplicasLeastPrivilege(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	replicaOf(t, primary)
	cfg := primary.as("certify", permissions+replicaPermissions)
	cfg.Timeout, cfg.Replicas = redisstore.MaxTimeout, 1
	s := open(t, cfg)
	for range 2 {
		if stands, err := s.PutIfAbsent(t.Context(), "attempt:a", "v", time.Hour); err != nil || stands != "v" {
			t.Errorf("PutIfAbsent = %q, %v", stands, err)
		}
	}
	if primary.calls("eval") != 1 {
		t.Error("what stands was not written again")
	}
}

// A replica must not be taken for Redis.
func TestReplicaIsRefused(t *testing.T) {
	t.Parallel()
	primary := redisServer(t, "--repl-diskless-sync-delay", "0")
	refused(t, "a replica", config(replicaOf(t, primary).addr), "READONLY")
}
