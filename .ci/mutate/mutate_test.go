package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "module example.com/m\n\ngo 1.26.0\n"

const source = `package m

func Adult(age int) bool {
	if age < 0 {
		return false
	}
	return age >= 19
}
`

const test = `package m

import "testing"

func TestAdult(t *testing.T) {
	if Adult(18) || !Adult(19) {
		t.Error("wrong")
	}
}
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	t.Setenv("GOWORK", "off")
	const head = "# comment\n\n== the age\nfile: m.go\ntest: . TestAdult\n"
	for _, tt := range []struct{ name, list, only, want, err string }{
		{"red", head + "-	return age >= 19\n+	return age >= 18\n", "", "1 mutations, 0 of them survived", ""},
		{"part of a line", head + "-age >= 19\n+true\n", "", "0 of them survived", ""},
		{"taken away", head + "-	return age >= 19\n+	return false\n", "the age", "0 of them survived", ""},
		{"in a package", "== x\npackage: .\ntest: . TestAdult\n-age >= 19\n+true\n", "", "0 of them survived", ""},
		{"another body", "== a\nfile: m.go\ntest: . TestAdult\n-	return age >= 19\n+	return age >= 18\n\n== b\nfile: m.go\ntest: . TestAdult\n-	return age >= 19\n+	return true\n", "", "2 mutations, 0 of them survived", ""},
		{"one of two survives", head + "-	return age >= 19\n+	return true\n\n== b\nfile: m.go\ntest: . TestAdult\n-age < 0\n+false\n", "", "SURVIVED  list.txt:9: b", "1 mutations survived"},
		{"one of two does not compile", head + "-	return age >= 19\n+	return true\n\n== b\nfile: m.go\ntest: . TestAdult\n-age < 0\n+years < 0\n", "", "NOT RUN   list.txt:9: b", "1 mutations survived"},
		{"a signature", head + "-func Adult(age int) bool {\n+func Adult(age int) (wrong bool) {\n+	age--\n", "", "1 mutations, 0 of them survived", ""},
		{"in another package", "== x\npackage: sub\ntest: . TestAdult\n-age >= 19\n+true\n", "", "", "is in package sub 0 times"},
		{"in two files of a package", "== x\npackage: .\ntest: . TestAdult\n-package m\n", "", "", "is in package . 2 times"},
		{"no such package", "== x\npackage: nowhere\ntest: . T\n-a\n", "", "", "nowhere"},
		{"a package and a file", "== x\npackage: .\nfile: m.go\ntest: . T\n-a\n", "", "", "list.txt:1: a name, a package or a file, a test"},
		{"survives", head + "-	if age < 0 {\n-		return false\n-	}\n", "", "SURVIVED  list.txt:3: the age", "1 mutations survived"},
		{"no such test", "== x\nfile: m.go\ntest: . TestNothing\n-age >= 19\n+true\n", "", "SURVIVED", "1 mutations survived"},
		{"does not compile", head + "-age >= 19\n+years >= 19\n", "", "NOT RUN   list.txt:3", "1 mutations survived"},
		{"not there", head + "-age >= 20\n+true\n", "", "", "is in m.go 0 times"},
		{"there twice", head + "-age\n+years\n", "", "", "is in m.go 4 times"},
		{"no such file", "== x\nfile: o.go\ntest: . T\n-a\n+b\n", "", "", "o.go"},
		{"none is meant", head + "-age >= 19\n+true\n", "something else", "", "no mutations"},
		{"empty", "# nothing\n", "", "", "no mutations"},
		{"incomplete", "== x\nfile: m.go\n-a\n", "", "", "list.txt:1: a name, a package or a file, a test"},
		{"no pattern", "== x\nfile: m.go\ntest: .\n-a\n", "", "", "list.txt:3: a test is a package and a pattern"},
		{"unknown line", "== x\nfiles: m.go\n", "", "", "list.txt:2: this is neither"},
		{"before the first", "file: m.go\n", "", "", "list.txt:1: this is before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "go.mod", module)
			write(t, dir, "m.go", source)
			write(t, dir, "m_test.go", test)
			write(t, dir, "n.go", "package m\n")
			write(t, dir, "sub/s.go", "package sub\n")
			list := write(t, dir, "list.txt", tt.list)
			var out bytes.Buffer
			err := run(t.Context(), &out, dir, tt.only, []string{list})
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || !strings.Contains(out.String(), tt.want) {
				t.Errorf("error %v, output:\n%s", err, out.String())
			}
			if text, _ := os.ReadFile(filepath.Join(dir, "m.go")); string(text) != source {
				t.Error("the source was changed")
			}
		})
	}
}

func TestRedBefore(t *testing.T) {
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	write(t, dir, "go.mod", module)
	write(t, dir, "m.go", strings.Replace(source, "19", "20", 1))
	write(t, dir, "m_test.go", test)
	list := write(t, dir, "list.txt", "== x\nfile: m.go\ntest: . TestAdult\n-age >= 20\n+true\n")
	if err := run(t.Context(), &bytes.Buffer{}, dir, "", []string{list}); err == nil || !strings.Contains(err.Error(), "red before any mutation") {
		t.Errorf("error %v", err)
	}
}

func TestRedOnceBefore(t *testing.T) {
	t.Setenv("GOWORK", "off")
	dir := t.TempDir()
	write(t, dir, "go.mod", module)
	write(t, dir, "m.go", source)
	write(t, dir, "m_test.go", test)
	write(t, dir, "once_test.go", `package m

import (
	"os"
	"testing"
)

func TestOnce(t *testing.T) {
	if _, err := os.Stat("ran"); err != nil {
		t.Error("the first time", os.WriteFile("ran", nil, 0o600))
	}
}
`)
	list := write(t, dir, "list.txt", "== x\nfile: m.go\ntest: . TestAdult|TestOnce\n-age >= 19\n+true\n")
	var out bytes.Buffer
	if err := run(t.Context(), &out, dir, "", []string{list}); err != nil || !strings.Contains(out.String(), "red once before any mutation") {
		t.Errorf("error %v, output:\n%s", err, out.String())
	}
}
