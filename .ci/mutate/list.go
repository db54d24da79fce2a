package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A mutation takes one check away. A list of them reads like a diff:
//
//	== tokens are bounded before they are read
//	file: token.go
//	test: . TestHostileTokens
//	-	if len(token) > k.limit {
//	+	if false {
//
// The lines with "-" must be found in the file exactly once, as they stand
// there one after the other; those with "+" take their place. "test" names a
// package, as a path from the root, and a pattern for -run, of which at least
// one test must fail. Lines that begin with "#" are comments.
type mutation struct {
	name, file, pkg, tests string
	old, new               []string
	at                     string // list:line
}

func parse(list, text string) (all []mutation, err error) {
	for i, line := range strings.Split(text, "\n") {
		at := fmt.Sprintf("%s:%d", list, i+1)
		name, begins := strings.CutPrefix(line, "== ")
		switch {
		case begins:
			all = append(all, mutation{name: strings.TrimSpace(name), at: at})
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case len(all) == 0:
			return nil, fmt.Errorf("%s: this is before the first mutation", at)
		default:
			if err := all[len(all)-1].add(line); err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	for _, m := range all {
		if m.name == "" || m.file == "" || m.pkg == "" || len(m.old) == 0 {
			return nil, fmt.Errorf("%s: a name, a file, a test or what to change is missing", m.at)
		}
	}
	return all, nil
}

func (m *mutation) add(line string) error {
	key, value, _ := strings.Cut(line, ": ")
	switch {
	case line[0] == '-':
		m.old = append(m.old, line[1:])
	case line[0] == '+':
		m.new = append(m.new, line[1:])
	case key == "file":
		m.file = filepath.FromSlash(strings.TrimSpace(value))
	case key == "test":
		fields := strings.Fields(value)
		if len(fields) != 2 {
			return fmt.Errorf("a test is a package and a pattern")
		}
		m.pkg, m.tests = fields[0], fields[1]
	default:
		return fmt.Errorf("this is neither file, test, - nor +")
	}
	return nil
}

// apply returns the changed file.
func (m mutation) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file)) // #nosec G304 -- a file of this repository
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.at, err)
	}
	old := strings.Join(m.old, "\n")
	if n := strings.Count(string(text), old); n != 1 {
		return "", fmt.Errorf("%s: %s: its old text is in %s %d times, and must be there once: bring the list up to date", m.at, m.name, m.file, n)
	}
	return strings.Replace(string(text), old, strings.Join(m.new, "\n"), 1), nil
}
