package redisstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sentinelFor watches over a primary, alone: it is its own quorum.
func sentinelFor(t testing.TB, primary *server) *server {
	t.Helper()
	host, port, _ := strings.Cut(primary.addr, ":")
	file := filepath.Join(t.TempDir(), "sentinel.conf") // which it rewrites
	own := freePort(t)
	text := "port " + own + "\nbind 127.0.0.1\ndir " + filepath.Dir(file) + "\nlogfile " + filepath.Dir(file) + "/sentinel.log\n" +
		"sentinel monitor wine " + host + " " + port + " 1\n" +
		"sentinel down-after-milliseconds wine 500\nsentinel failover-timeout wine 3000\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: "127.0.0.1:" + own, args: []string{file, "--sentinel"}}
	if !s.start() {
		t.Fatal("the sentinel does not start")
	}
	t.Cleanup(s.kill)
	return s
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*server){"the primary is killed": (*server).kill, "the primary is stopped": (*server).stop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := redisServer(t, "--repl-diskless-sync-delay", "0")
			replica := replicaOf(t, primary)
			sentinel := sentinelFor(t, primary)
			eventually(t, "the sentinel knows the replica", func() bool {
				return strings.Contains(sentinel.do("SENTINEL", "REPLICAS", "wine"), "ok") && strings.Contains(sentinel.do("INFO", "sentinel"), "slaves=1")
			})
			cfg := config(sentinel.addr)
			cfg.Client.Sentinel.MasterSet = "wine"
			cfg.Timeout = timeout
			s, book := openWarm(t, cfg, 1)
			other, _ := openWarm(t, cfg, 1)
			takes(t, s, "attempt:a", "mine")
			eventually(t, "something is revoked", func() bool { return s.Put(t.Context(), "revoked:before", "1", time.Hour) == nil })
			eventually(t, "the replica has it", func() bool { return replica.do("GET", "certify:revoked:before") == "$1\r\n1\r\n" })
			before := book.count(hears)
			w := newWitness(t, s, 4)
			w.failsOver.Store(true)
			fail(primary)
			eventually(t, "the replica is promoted", func() bool { return strings.Contains(replica.do("INFO", "replication"), "role:master") })
			w.back()
			w.failsOver.Store(false)
			w.back() // and what is put now is found
			w.stop()
			w.done.Wait()
			heard(t, s, "revoked:before", "1", time.Now())
			if stands := takes(t, s, "attempt:a", "other"); stands != "mine" {
				t.Errorf("the attempt after the failover is %q", stands)
			}
			// Changes are told by the new primary.
			eventually(t, "it hears again", func() bool { return book.count(hears) > before })
			eventually(t, "the answer is kept", func() bool {
				var err error
				return asks(replica, func() { _, _, err = s.Get(t.Context(), "revoked:kept") }) == 0 && err == nil
			})
			eventually(t, "somebody revokes", func() bool { return other.Put(t.Context(), "revoked:kept", "1", time.Hour) == nil })
			heard(t, s, "revoked:kept", "1", time.Now())
		})
	}
}
