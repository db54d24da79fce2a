package redisstore_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/certify-go/certify/redisstore"
)

func TestSlots(t *testing.T) {
	t.Parallel()
	redis := clusterNode(t, goneLate)
	for _, key := range append(anyBytes(), "123456789", "certify:revoked:{a}b", "{}{a}", "{{a}}") {
		want := strings.TrimSpace(strings.TrimPrefix(redis.do("CLUSTER", "KEYSLOT", key), ":"))
		if got := redisstore.Slot(key); strconv.Itoa(got) != want {
			t.Errorf("the slot of %.40q is %s, not %d", key, want, got)
		}
	}
}

// Each primary of a cluster has markers, which move along with their slots.
func TestMarkersOfCluster(t *testing.T) {
	t.Parallel()
	slots := make(map[int]bool)
	for _, key := range redisstore.MarkersOfCluster("certify:") {
		slots[redisstore.Slot(key)/256] = true
	}
	if len(slots) != 64 {
		t.Errorf("%d of 64 ranges have a marker", len(slots))
	}
	if keys := redisstore.MarkersOfCluster("{certify}:"); keys[0] != keys[63] || keys[0] == "" {
		t.Error("a prefix with a hash tag has more than one marker")
	}
}

func markersOf(s *server) (keys []string) {
	for word := range strings.FieldsSeq(s.do("KEYS", "certify:marker:*")) {
		if strings.HasPrefix(word, "certify:") {
			keys = append(keys, word)
		}
	}
	return keys
}

// What one of three primaries loses is one loss, and a slot that moves is none.
func TestClusterLosesData(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, 3, goneLate)
	p := newProcess(t, config(nodes[0].addr), 3)
	eventually(t, "all primaries have markers", func() bool {
		return len(markersOf(nodes[0])) >= 20 && len(markersOf(nodes[1])) >= 20 && len(markersOf(nodes[2])) >= 20
	})
	moved := markersOf(nodes[0])[0]
	move(t, strconv.Itoa(redisstore.Slot(moved)), nodes[0], nodes[1], nodes)
	for _, n := range nodes {
		n.do("CLIENT", "KILL", "TYPE", "normal")
	}
	looks(t, p, nodes[1])
	if p.book.count(tellsLoss) != 0 {
		t.Fatal("a slot that moved is told as a loss")
	}
	at := keyOfEach(t, nodes)
	takes(t, p.Store, "attempt:a", "mine")
	for i, lose := range []func(*server){func(s *server) { s.do("FLUSHALL") }, func(s *server) { s.kill(); s.restart() }} {
		lost := nodes[1+i]
		lose(lost)
		eventually(t, "the loss is told, and handled", func() bool { return p.calls.Load() == int64(i+1) })
		eventually(t, "all is answered again", func() bool {
			for _, n := range nodes {
				if _, _, err := p.Get(context.Background(), at[n]); err != nil {
					return false
				}
			}
			return true
		})
		if n := p.book.count(tellsLoss); n != i+1 {
			t.Errorf("%d losses were told as %d", i+1, n)
		}
		if got := len(markersOf(lost)); got < 20 {
			t.Error(fmt.Sprint("after the loss there are ", got, " markers"))
		}
	}
}

func FuzzSlot(f *testing.F) {
	for _, key := range []string{"", "{", "}", "{}", "{a}", "a{b}c{d}", "}{a}", "certify:marker:{12}"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		got := redisstore.Slot(key)
		if got < 0 || got >= slots {
			t.Fatalf("slot %d", got)
		}
		// A key and its hash tag, alone in braces, are in one slot.
		if _, rest, ok := strings.Cut(key, "{"); ok {
			if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" && redisstore.Slot("{"+tag+"}") != got {
				t.Errorf("%q is not in the slot of its hash tag", key)
			}
		}
	})
}
