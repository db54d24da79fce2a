// Command mutate proves that the checks of this repository are tested: it
// takes one away at a time, as the lists in .ci/mutations say, and wants the
// tests red.
//
//	go run ./.ci/mutate [-only TEXT] [LIST ...]
//
// Sources stay as they are: the repository is copied first, so that nobody's
// editing gets in the way, and "go test -overlay" is given the changed files.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "take only mutations with this `text` in their name, file or package")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, ".", *only, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, root, only string, lists []string) error {
	if len(lists) == 0 {
		var err error
		if lists, err = filepath.Glob(filepath.Join(root, ".ci", "mutations", "*.txt")); err != nil {
			return err
		}
	}
	var all []mutation
	for _, path := range lists {
		text, err := os.ReadFile(path) // #nosec G304 -- a file of this repository
		if err != nil {
			return err
		}
		found, err := parse(filepath.Base(path), string(text))
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	all = selected(all, only)
	if len(all) == 0 {
		return fmt.Errorf("no mutations in %d lists", len(lists))
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := copyTree(filepath.Join(dir, "tree"), root); err != nil {
		return err
	}
	r := runner{ctx: ctx, root: filepath.Join(dir, "tree"), dir: dir, out: out}
	if err := r.baseline(all); err != nil {
		return err
	}
	return r.mutateAll(all)
}

// copyTree copies the files below from, but not what git keeps.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(from, path)
		switch {
		case err != nil || relErr != nil:
			return errors.Join(err, relErr)
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path) // #nosec G304 -- a file of this repository
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o600)
	})
}

func selected(all []mutation, only string) (kept []mutation) {
	for _, m := range all {
		if strings.Contains(m.name, only) || strings.Contains(m.place(), only) {
			kept = append(kept, m)
		}
	}
	return kept
}

type runner struct {
	ctx  context.Context
	root string
	dir  string // for changed files
	mu   sync.Mutex
	out  io.Writer
}

// baseline wants the tests green while nothing is changed: what is red anyway
// proves nothing. What is red now and then is for the other steps to find.
func (r *runner) baseline(all []mutation) error {
	tests := make(map[string][]string)
	for _, m := range all {
		if _, _, err := m.apply(r.root); err != nil {
			return err
		}
		tests[m.pkg] = append(tests[m.pkg], m.tests)
	}
	for pkg, patterns := range tests {
		pattern := strings.Join(patterns, "|")
		text, err := r.goTest("", pkg, pattern)
		if err != nil {
			fmt.Fprintf(r.out, "%s was red once before any mutation:\n%s", pkg, text)
			text, err = r.goTest("", pkg, pattern)
		}
		if err != nil {
			return fmt.Errorf("the tests of %s are red before any mutation:\n%s", pkg, text)
		}
	}
	return nil
}

// rest wants the combined binaries green, too, while none of their mutations is
// on: what putting many together breaks would be taken for a test that works.
func (r *runner) rest(all []mutation, binaries []string) error {
	patterns := make(map[string][]string)
	of := make(map[string]mutation)
	for i, m := range all {
		if binaries[i] != "" {
			patterns[binaries[i]] = append(patterns[binaries[i]], m.tests)
			of[binaries[i]] = m
		}
	}
	for binary, tests := range patterns {
		m := of[binary]
		m.tests = strings.Join(tests, "|")
		text, err := r.runBinary(binary, 0, m)
		if err != nil {
			text, err = r.runBinary(binary, 0, m)
		}
		if err != nil {
			return fmt.Errorf("the tests of %s are red with all mutations off:\n%s", m.pkg, text)
		}
	}
	return nil
}

func (r *runner) mutateAll(all []mutation) error {
	begun := time.Now()
	together, failed, err := r.combine(all)
	if err != nil {
		return err
	}
	if err := r.rest(all, together); err != nil {
		return err
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range 2 * runtime.GOMAXPROCS(0) { // tests wait more than they compute
		wg.Go(func() {
			for i := range next {
				failed[i] = r.mutate(i, all[i], together[i])
			}
		})
	}
	for i := range all {
		if failed[i] == nil {
			next <- i
		}
	}
	close(next)
	wg.Wait()
	survivors := 0
	for _, err := range failed {
		if err != nil {
			survivors++
			fmt.Fprintln(r.out, err)
		}
	}
	fmt.Fprintf(r.out, "%d mutations, %d of them survived, in %s\n", len(all), survivors, time.Since(begun).Round(time.Second))
	if survivors > 0 {
		return fmt.Errorf("%d mutations survived", survivors)
	}
	return r.ctx.Err()
}

// combine builds one test binary a package for all mutations that it can. It
// returns the binary of each, "" for one that is built alone, and what kept a
// mutation from being built.
func (r *runner) combine(all []mutation) (binaries []string, failed []error, err error) {
	binaries, failed = make([]string, len(all)), make([]error, len(all))
	for {
		c, packages := newCombination(r.root), make(map[string][]int)
		for i, m := range all {
			if failed[i] != nil {
				continue
			}
			file, text, err := m.apply(r.root)
			if err != nil {
				return nil, nil, err
			}
			taken, err := c.add(i+1, file, text) // 0 is none of them
			if err != nil {
				return nil, nil, err
			}
			if taken {
				packages[m.pkg] = append(packages[m.pkg], i)
			}
		}
		bad, output, err := r.build(c, packages, binaries)
		if err != nil || len(bad) == 0 {
			return binaries, failed, err
		}
		for _, i := range bad {
			failed[i] = fmt.Errorf("NOT RUN   %s: %s:\n%s", all[i].at, all[i].name, output)
		}
	}
}

// build returns the mutations that do not compile, and what the compiler says.
func (r *runner) build(c *combination, packages map[string][]int, binaries []string) (bad []int, output string, err error) {
	replace, err := c.write(r.dir)
	if err != nil {
		return nil, "", err
	}
	overlay, err := r.writeOverlay("combined", replace)
	if err != nil {
		return nil, "", err
	}
	for pkg, mutations := range packages {
		dir, path := r.moduleOf(pkg)
		binary := filepath.Join(r.dir, fmt.Sprintf("of_%d.test", mutations[0]))
		cmd := exec.CommandContext(r.ctx, "go", "test", "-c", "-o", binary, "-vet=off", compilerFlags, linkerFlags, "-overlay", overlay, path) // #nosec G204 -- packages come from lists in this repository
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			for _, id := range mutantsIn(string(out)) {
				bad = append(bad, id-1)
			}
			if len(bad) > 0 {
				return bad, string(out), nil
			}
			return nil, "", fmt.Errorf("the tests of %s with all mutations: %w:\n%s", pkg, err, out)
		}
		for _, i := range mutations {
			binaries[i] = binary
		}
	}
	return nil, "", nil
}

// mutate applies one mutation and wants a test to fail because of it.
func (r *runner) mutate(i int, m mutation, binary string) error {
	begun := time.Now()
	run := func() (string, error) { return r.runBinary(binary, i+1, m) }
	if binary == "" {
		file, text, err := m.apply(r.root)
		if err != nil {
			return err
		}
		overlay, err := r.overlay(i, file, text)
		if err != nil {
			return err
		}
		run = func() (string, error) { return r.goTest(overlay, m.pkg, m.tests) }
	}
	var output string
	var err error
	for range 3 { // a race may not show itself the first time
		if output, err = run(); err != nil {
			break
		}
	}
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case err == nil:
		return fmt.Errorf("SURVIVED  %s: %s: nothing fails in %s without it", m.at, m.name, m.tests)
	case notRun.MatchString(output):
		return fmt.Errorf("NOT RUN   %s: %s:\n%s", m.at, m.name, output)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, "red  %4.1fs  %-12s  %s\n", time.Since(begun).Seconds(), m.place(), m.name)
	return nil
}

// runBinary runs the tests of a mutation in the binary of its package, with the
// mutation of this number on.
func (r *runner) runBinary(binary string, number int, m mutation) (string, error) {
	dir, path := r.moduleOf(m.pkg)
	cmd := exec.CommandContext(r.ctx, binary, "-test.count=1", "-test.failfast", "-test.timeout=90s", "-test.run", m.tests) // #nosec G204 -- what was just built
	cmd.Dir = filepath.Join(dir, path)
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", number))
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// notRun is what "go test" says when it did not get as far as the tests.
var notRun = regexp.MustCompile(`(?m)^FAIL\s.*\[(build|setup) failed\]|^no Go files|^go: `)

// overlay writes what -overlay wants: which file stands for which.
func (r *runner) overlay(i int, file, text string) (string, error) {
	abs, err := filepath.Abs(filepath.Join(r.root, file))
	if err != nil {
		return "", err
	}
	changed := filepath.Join(r.dir, fmt.Sprintf("%d_%s", i, filepath.Base(file)))
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		return "", err
	}
	return r.writeOverlay(filepath.Base(changed), map[string]string{abs: changed})
}

func (r *runner) writeOverlay(name string, replace map[string]string) (string, error) {
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, name+".json")
	return path, os.WriteFile(path, list, 0o600)
}

// Code that is neither inlined nor debugged takes a third less to build.
const (
	compilerFlags = "-gcflags=-l -e -dwarf=false"
	linkerFlags   = "-ldflags=-s -w"
)

// moduleOf returns the directory from which a package is tested, and its path
// from there. A module of its own is tested as such.
func (r *runner) moduleOf(pkg string) (dir, path string) {
	if _, err := os.Stat(filepath.Join(r.root, pkg, "go.mod")); err == nil {
		return filepath.Join(r.root, pkg), "."
	}
	return r.root, pkg
}

func (r *runner) goTest(overlay, pkg, tests string) (string, error) {
	args := []string{"test", "-count=1", "-vet=off", "-failfast", compilerFlags, linkerFlags, "-run", tests}
	if overlay != "" {
		args = append(args, "-overlay", overlay, "-timeout=90s") // a mutation may make a test wait for ever
	}
	dir, path := r.moduleOf(pkg)
	cmd := exec.CommandContext(r.ctx, "go", append(args, path)...) // #nosec G204 -- packages come from lists in this repository
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	return string(output), err
}
