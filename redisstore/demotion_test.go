package redisstore_test

import (
	"testing"
	"time"

	"github.com/certify-go/certify/redisstore"
)

// demoted is a store whose primary has just become the replica of another, which
// has its name now: managed services fail over so. Connections stay where they
// are, and the old primary hears nothing any more.
func demoted(t *testing.T) (s *redisstore.Store, next *server) {
	t.Helper()
	old := redisServer(t, "--repl-diskless-sync-delay", "0")
	next = replicaOf(t, old)
	name := newProxy(t, old.addr)
	s, _ = openWarm(t, config(name.addr), 1)
	if err := s.Put(t.Context(), "revoked:before", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica has it", func() bool { return next.do("GET", "certify:revoked:before") == "$1\r\n1\r\n" })
	get(t, s, "revoked:after", false)
	next.do("REPLICAOF", "NO", "ONE")
	old.do("REPLICAOF", "127.0.0.1", "1") // so that it never catches up
	name.lead(next.addr)
	return s, next
}

func TestDemotedPrimaryIsNotRead(t *testing.T) {
	t.Parallel()
	s, next := demoted(t)
	if err := open(t, config(next.addr)).Put(t.Context(), "revoked:after", "1", time.Hour); err != nil {
		t.Fatal(err)
	}
	put, late := time.Now(), newLateness(t)
	eventually(t, "the revocation is found at the new primary", func() bool {
		asked := time.Since(put)
		_, ok, err := s.Get(t.Context(), "revoked:after")
		if err == nil && !ok && late.beyond(asked, staleFor) {
			t.Fatalf("%s after it was put, there is still said to be none", asked)
		}
		return ok && err == nil
	})
	heard(t, s, "revoked:before", "1", time.Now())
}

func TestDemotedPrimaryIsNotWritten(t *testing.T) {
	t.Parallel()
	s, next := demoted(t)
	eventually(t, "writes go to the new primary", func() bool { return s.Put(t.Context(), "revoked:second", "1", time.Hour) == nil })
	if reply := next.do("GET", "certify:revoked:second"); reply != "$1\r\n1\r\n" {
		t.Errorf("it is not there: %q", reply)
	}
}
