package main

import (
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// Whoever is measured lets the good token in, and nobody else's: it would be
// easy to be quick otherwise.
func TestPeersVerify(t *testing.T) {
	v, err := newVisitors()
	if err != nil {
		t.Fatal(err)
	}
	k := v.keys["HS256"]
	for _, p := range tokenPeers {
		h, err := p.serve(k)
		if err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			token string
			in    bool
		}{"good": {k.token, true}, "forged": {v.forged, false}, "expired": {v.past, false}, "minor": {v.minor, false}, "none": {"", false}} {
			w := newRecorder()
			w.reset()
			h.ServeHTTP(w, bearer(tc.token))
			if (w.status == http.StatusOK) != tc.in {
				t.Errorf("%s, %s: status %d", p.name, name, w.status)
			}
		}
	}
}

func TestLeastAndMedian(t *testing.T) {
	var tab table
	for _, ns := range []float64{5, 1, 9} {
		tab.add("a", figure{ns: ns, allocs: int64(ns)})
	}
	tab.add("b", figure{ns: 2, allocs: 3})
	if f, ok := tab.least("a"); !ok || f.ns != 1 || tab.median("a") != 5 {
		t.Errorf("least %v, median %v", f, tab.median("a"))
	}
	if _, ok := tab.least("c"); ok {
		t.Error("figures of nothing")
	}
}

// An allocation too many is an error, whatever the times.
func TestAllocationsAreJudged(t *testing.T) {
	for allocs, want := range map[int64]bool{2: true, 3: false} {
		var tab table
		tab.add(warmBearer, figure{ns: 1000, allocs: allocs})
		tab.add(parseHS256, figure{ns: 1})
		if err := tab.judge(io.Discard, false); (err == nil) != want {
			t.Errorf("%d allocations: %v", allocs, err)
		}
	}
}

func TestNothingMatches(t *testing.T) {
	if err := run(io.Discard, plan{1, time.Millisecond, true, regexp.MustCompile("^nothing$")}); err == nil {
		t.Error("a run that measured nothing says nothing")
	}
}
