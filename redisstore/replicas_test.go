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
	cfg.Timeout, cfg.Replicas = 2*time.Second, 1
	s, other := open(t, cfg), open(t, cfg)
	if _, err := s.PutIfAbsent(t.Context(), "attempt:a", "mine", time.Hour); err != nil {
		t.Fatal(err)
	}
	if reply := replica.do("GET", "certify:attempt:a"); !strings.Contains(reply, "mine") {
		t.Errorf("what was confirmed is not at the replica: %q", reply)
	}
	// More replicas than there are.
	more := cfg
	more.Replicas = 2
	if err := open(t, more).Put(t.Context(), "revoked:a", "1", time.Hour); err == nil || !strings.Contains(err.Error(), "1 replicas confirmed") {
		t.Errorf("one replica of two: %v", err)
	}
	replica.stop()
	for name, call := range map[string]func() error{
		"Put":         func() error { return s.Put(t.Context(), "revoked:b", "1", time.Hour) },
		"PutIfAbsent": func() error { _, err := s.PutIfAbsent(t.Context(), "attempt:b", "mine", time.Hour); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || time.Since(began) > cfg.Timeout+slack {
			t.Errorf("%s without the replica: %v after %s", name, err, time.Since(began))
		}
	}
	// What stands, unconfirmed, is not confirmed by being found; not by one who
	// wrote nothing either.
	for range 3 {
		if stands, err := other.PutIfAbsent(t.Context(), "attempt:b", "other", time.Hour); err == nil {
			t.Fatalf("PutIfAbsent tells %q, which no replica has", stands)
		}
	}
	if primary.calls("eval") != 3 { // Redis 7.0 waits without it, too, and later ones do not
		t.Error("what stands was not written again")
	}
	get(t, s, "attempt:a", true) // reading needs no replica
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
