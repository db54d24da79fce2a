package repotest_test

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of exported names anew")

// The exported names of every library package stand in its testdata/api.txt:
// what users may count on changes only where a reviewer sees it.
func TestAPI(t *testing.T) {
	t.Parallel()
	atRoot(t)
	for _, dir := range []string{".", "iamport", "portone", "sandbox", "certifytest", "redisstore"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				t.Skipf("%s is a module of its own, and not here", dir)
			}
			golden := filepath.Join(dir, "testdata", "api.txt")
			got := exported(t, dir)
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatalf("%v: make it by go test -run TestAPI ./internal/repotest -update", err)
			}
			for _, line := range onlyIn(string(want), got) {
				t.Errorf("gone:  %s", line)
			}
			for _, line := range onlyIn(got, string(want)) {
				t.Errorf("new:   %s", line)
			}
			if string(want) != got && !t.Failed() {
				t.Error("the order is another")
			}
			if t.Failed() {
				t.Log("if that is meant: go test -run TestAPI ./internal/repotest -update and a line in CHANGELOG.md")
			}
		})
	}
}

// onlyIn lists the lines of a that b has not.
func onlyIn(a, b string) (lines []string) {
	have := make(map[string]int)
	for line := range strings.Lines(b) {
		have[line]++
	}
	for line := range strings.Lines(a) {
		if have[line]--; have[line] < 0 {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}

// exported prints the declarations of a package's exported names, without
// comments and bodies.
func exported(t *testing.T, dir string) string {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no Go files in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	print := func(nodes ...ast.Node) {
		for _, n := range nodes {
			if err := printer.Fprint(&out, fset, bare(n)); err != nil {
				t.Fatal(err)
			}
			out.WriteByte('\n')
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			print(v.Decl)
		}
	}
	functions := func(list []*doc.Func) {
		for _, f := range list {
			print(f.Decl)
		}
	}
	values(p.Consts)
	values(p.Vars)
	functions(p.Funcs)
	for _, typ := range p.Types {
		print(typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		functions(typ.Funcs)
		functions(typ.Methods)
	}
	return unaligned(out.String())
}

// unaligned leaves out empty lines and columns: a longer name nearby is no
// change of this one.
func unaligned(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			if line[0] == '\t' {
				out.WriteByte('\t')
			}
			out.WriteString(strings.Join(words, " ") + "\n")
		}
	}
	return out.String()
}

// bare takes the comments and bodies out.
func bare(n ast.Node) ast.Node {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.FuncDecl:
			n.Doc, n.Body = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
	return n
}
