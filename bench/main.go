// Command bench measures certify's gate beside what people would use instead,
// and beside what no gate can do without.
//
//	go run . [-short] [-rounds N] [-time D] [-only REGEXP]
//
// Every round measures everything once, so that whatever else the machine does
// falls on all alike; the table sets least against least, with the medians
// beside them. The lines that begin with "Benchmark" are for benchstat.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"
)

func main() {
	short := flag.Bool("short", false, "see that everything runs and that allocations keep their bars; the times mean nothing")
	rounds := flag.Int("rounds", 6, "how often everything is measured")
	each := flag.Duration("time", 100*time.Millisecond, "about how long one measurement takes")
	only := flag.String("only", "", "measure only what matches this `regexp`")
	testing.Init()
	flag.Parse()
	benchtime := each.String()
	if *short { // a fixed number, so that a machine that stalls counts no setting up
		*rounds, *each, benchtime = 1, 5*time.Millisecond, "1000x"
	}
	match, err := regexp.Compile(*only)
	if err == nil {
		err = flag.Set("test.benchtime", benchtime)
	}
	if err == nil {
		err = run(os.Stdout, plan{*rounds, *each, *short, match})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A plan is what was asked for.
type plan struct {
	rounds int
	each   time.Duration
	short  bool
	only   *regexp.Regexp
}

// entries of the memory store and of the verified claims.
func (p plan) entries() []int {
	if p.short {
		return []int{2_000}
	}
	return []int{100_000, 1_000_000}
}

// A measure is one line of the table.
type measure struct {
	name string
	run  func(*testing.B)
}

func run(w io.Writer, p plan) error {
	v, err := newVisitors()
	if err != nil {
		return err
	}
	all, err := measures(v)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/certify-go/certify/bench\ncpus: %d\n", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	t := table{}
	for range p.rounds {
		if err := t.round(w, p, all); err != nil {
			return err
		}
		if err := t.measureLoopback(w, v, p); err != nil {
			return err
		}
	}
	t.print(w)
	judged := t.judge(w, !p.short && p.only.String() == "")
	if p.only.MatchString("memory") {
		return errors.Join(judged, measureMemory(w, p))
	}
	if len(t.names) == 0 {
		return errors.New("nothing matches -only")
	}
	return judged
}

// round measures everything once, and then the two sides of each bar again,
// next to each other.
func (t *table) round(w io.Writer, p plan, all []measure) error {
	byName := make(map[string]measure)
	for _, m := range all {
		if byName[m.name] = m; !p.only.MatchString(m.name) {
			continue
		}
		if err := t.measure(w, m); err != nil {
			return err
		}
	}
	for _, b := range bars {
		of, than := byName[b.of], byName[b.than]
		if p.short || of.run == nil || !p.only.MatchString(b.of) || !p.only.MatchString(b.than) {
			continue
		}
		if err := errors.Join(t.measure(w, than), t.measure(w, of)); err != nil {
			return err
		}
	}
	return nil
}

func measures(v *visitors) (all []measure, err error) {
	for _, group := range []func(*visitors) ([]measure, error){limits, gates, peers, sessionPeers, callbacks} {
		some, err := group(v)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
