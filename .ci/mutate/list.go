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
//	package: .
//	test: . TestHostileTokens
//	-	if len(token) > k.limit {
//	+	if false {
//
// The lines with "-" must occur exactly once in the Go files of the package,
// tests excluded, one after the other; those with "+" take their place. Code
// may move between the files of a package without a change of the list. "file"
// in place of "package" names one file: for other languages, and for text that
// occurs in several files. "test" names a package, as a path from the root,
// and a pattern for -run, of which at least one test must fail. Lines that
// begin with "#" are comments.
type mutation struct {
	name, file, dir, pkg, tests string
	old, new                    []string
	at                          string // list:line
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
		if m.name == "" || (m.file == "") == (m.dir == "") || m.pkg == "" || len(m.old) == 0 {
			return nil, fmt.Errorf("%s: a name, a package or a file, a test or what to change is missing", m.at)
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
	case key == "package":
		m.dir = filepath.FromSlash(strings.TrimSpace(value))
	case key == "test":
		fields := strings.Fields(value)
		if len(fields) != 2 {
			return fmt.Errorf("a test is a package and a pattern")
		}
		m.pkg, m.tests = fields[0], fields[1]
	default:
		return fmt.Errorf("this is neither package, file, test, - nor +")
	}
	return nil
}

// apply returns the path of the file that changes, from root, and its new text.
func (m mutation) apply(root string) (file, text string, err error) {
	paths, err := m.candidates(root)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", m.at, err)
	}
	old, found := strings.Join(m.old, "\n"), 0
	for _, path := range paths {
		source, err := os.ReadFile(filepath.Join(root, path)) // #nosec G304 -- a file of this repository
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", m.at, err)
		}
		if n := strings.Count(string(source), old); n > 0 {
			found += n
			file, text = path, strings.Replace(string(source), old, strings.Join(m.new, "\n"), 1)
		}
	}
	if found != 1 {
		return "", "", fmt.Errorf("%s: %s: its old text is in %s %d times, and must be there once: bring the list up to date", m.at, m.name, m.place(), found)
	}
	return file, text, nil
}

// place names the file or the package in which the mutation is.
func (m mutation) place() string {
	if m.file != "" {
		return m.file
	}
	return "package " + m.dir
}

// candidates returns the files in which the old text may be.
func (m mutation) candidates(root string) (paths []string, err error) {
	if m.file != "" {
		return []string{m.file}, nil
	}
	entries, err := os.ReadDir(filepath.Join(root, m.dir))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			paths = append(paths, filepath.Join(m.dir, e.Name()))
		}
	}
	return paths, err
}
