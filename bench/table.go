package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A figure is one measurement.
type figure struct {
	ns            float64 // an operation takes; for what is not a time, its value
	bytes, allocs int64
}

// A table holds the figures of each name, in the order of first sight.
type table struct {
	names   []string
	figures map[string][]figure
}

func (t *table) add(name string, f figure) {
	if t.figures == nil {
		t.figures = make(map[string][]figure)
	}
	if t.figures[name] == nil {
		t.names = append(t.names, name)
	}
	t.figures[name] = append(t.figures[name], f)
}

func (t *table) measure(w io.Writer, m measure) error {
	r := testing.Benchmark(m.run)
	if r.N == 0 {
		return fmt.Errorf("%s does not run", m.name)
	}
	fmt.Fprintf(w, "Benchmark%s-%d\t%s\t%s\n", m.name, runtime.GOMAXPROCS(0), r, r.MemString())
	t.add(m.name, figure{float64(r.T.Nanoseconds()) / float64(r.N), r.AllocedBytesPerOp(), r.AllocsPerOp()})
	return nil
}

// least is the quickest of all rounds: what else the machine did only adds.
func (t *table) least(name string) (figure, bool) {
	all := t.figures[name]
	if len(all) == 0 {
		return figure{}, false
	}
	return slices.MinFunc(all, func(a, b figure) int { return cmp.Compare(a.ns, b.ns) }), true
}

func (t *table) median(name string) float64 {
	var all []float64
	for _, f := range t.figures[name] {
		all = append(all, f.ns)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// print writes the table as Markdown.
func (t *table) print(w io.Writer) {
	raw, _ := t.least(parseHS256)
	fmt.Fprint(w, "\n| | least ns | median ns | ÷ raw parse HS256 | B | allocations |\n|---|---:|---:|---:|---:|---:|\n")
	for _, name := range t.names {
		f, _ := t.least(name)
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.3f | %d | %d |\n", name, f.ns, t.median(name), f.ns/raw.ns, f.bytes, f.allocs)
	}
}

// judge prints the bars. An allocation too many is an error always, a time
// only where times count: a busy machine is nobody's fault.
func (t *table) judge(w io.Writer, times bool) error {
	var broken []string
	fmt.Fprint(w, "\n| bar | least | median | at most | met |\n|---|---:|---:|---:|---|\n")
	for _, b := range bars {
		of, ok := t.least(b.of)
		than, also := t.least(b.than)
		if !ok || !also {
			continue
		}
		ratio, median := of.ns/than.ns, t.median(b.of)/t.median(b.than)
		met := "yes"
		switch {
		case b.counted && of.allocs > b.allocs:
			met = "NO"
			broken = append(broken, fmt.Sprintf("%s makes %d allocations", b.of, of.allocs))
		case !times:
			met = "times not judged"
		case ratio > b.ratio:
			met = "NO"
		}
		fmt.Fprintf(w, "| %s | %.3f, %d allocations | %.3f | %s | %s |\n", b, ratio, of.allocs, median, b.limit(), met)
	}
	if len(broken) > 0 {
		return fmt.Errorf("bars broken: %s", strings.Join(broken, "; "))
	}
	return nil
}
