package redisstore_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

// A managed Redis fails over by giving its name to another server. The old
// primary lives on as a replica, and its connections with it.
func TestDemotedPrimary(t *testing.T) {
	t.Parallel()
	old := redisServer(t, "--repl-diskless-sync-delay", "0")
	next := replicaOf(t, old)
	name := newProxy(t, old.addr)
	s, _ := openWarm(t, config(name.addr), 1)
	if err := s.Put(t.Context(), "revoked:before", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	get(t, s, "revoked:after", false)
	eventually(t, "the replica has it", func() bool { return next.do("GET", "certify:revoked:before") == "$1\r\n1\r\n" })
	next.do("REPLICAOF", "NO", "ONE")
	host, port, _ := net.SplitHostPort(next.addr)
	old.do("REPLICAOF", host, port)
	name.lead(next.addr)
	eventually(t, "writes go to the new primary", func() bool { return s.Put(t.Context(), "revoked:second", "1", time.Hour) == nil })
	if reply := next.do("GET", "certify:revoked:second"); !strings.Contains(reply, "1") {
		t.Errorf("it is not there: %q", reply)
	}
	heard(t, s, "revoked:before", "1", time.Now())
	eventually(t, "an answer is kept", func() bool {
		var err error
		return asks(next, func() { _, _, err = s.Get(t.Context(), "revoked:after") }) == 0 && err == nil
	})
	if err := open(t, config(next.addr)).Put(t.Context(), "revoked:after", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	heard(t, s, "revoked:after", "1", time.Now())
}
