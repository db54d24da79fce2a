// Command mutate proves that the checks of this repository are tested: it
// takes one away at a time, as the lists in .ci/mutations say, and wants the
// tests red.
//
//	go run ./.ci/mutate [-only TEXT] [LIST ...]
//
// Sources stay as they are: the repository is copied first, so that nobody's
// editing gets in the way, and "go test -overlay" is given the changed file.
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

func (r *runner) mutateAll(all []mutation) error {
	begun := time.Now()
	var wg sync.WaitGroup
	next, failed := make(chan int), make([]error, len(all))
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				failed[i] = r.mutate(i, all[i])
			}
		})
	}
	for i := range all {
		next <- i
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

// mutate applies one mutation and wants a test to fail because of it.
func (r *runner) mutate(i int, m mutation) error {
	begun := time.Now()
	file, text, err := m.apply(r.root)
	if err != nil {
		return err
	}
	overlay, err := r.overlay(i, file, text)
	if err != nil {
		return err
	}
	var output string
	for range 3 { // a race may not show itself the first time
		if output, err = r.goTest(overlay, m.pkg, m.tests); err != nil {
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
	fmt.Fprintf(r.out, "red  %4.1fs  %-12s  %s\n", time.Since(begun).Seconds(), file, m.name)
	return nil
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
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{abs: changed}})
	if err != nil {
		return "", err
	}
	path := changed + ".json"
	return path, os.WriteFile(path, list, 0o600)
}

func (r *runner) goTest(overlay, pkg, tests string) (string, error) {
	args := []string{"test", "-count=1", "-vet=off", "-failfast", "-gcflags=-l -dwarf=false", "-ldflags=-s -w", "-run", tests} // neither inlined nor debugged: a third less to wait
	if overlay != "" {
		args = append(args, "-overlay", overlay, "-timeout=90s") // a mutation may make a test wait for ever
	}
	// A module of its own is tested as such.
	dir := r.root
	if _, err := os.Stat(filepath.Join(r.root, pkg, "go.mod")); err == nil {
		dir, pkg = filepath.Join(r.root, pkg), "."
	}
	cmd := exec.CommandContext(r.ctx, "go", append(args, pkg)...) // #nosec G204 -- packages come from lists in this repository
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	return string(output), err
}
