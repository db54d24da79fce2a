package repotest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// codes reads the Code constants from the source.
func codes(t *testing.T) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	if len(values) < 40 {
		t.Fatalf("only %d codes found", len(values))
	}
	return values
}

// The type URI of every problem resolves to a heading.
func TestEveryProblemIsDocumented(t *testing.T) {
	t.Parallel()
	atRoot(t)
	doc, err := os.ReadFile("docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(string(doc), -1) {
		documented = append(documented, m[1])
	}
	want := codes(t)
	slices.Sort(want)
	slices.Sort(documented)
	if !slices.Equal(want, documented) {
		t.Errorf("codes\n%q\nheadings\n%q", want, documented)
	}
}

var goBlock = regexp.MustCompile("(?s)<!-- compiled by the tests -->\n```go\n(.*?)\n```")

// Both READMEs show the same program, and it builds.
func TestReadmesAgree(t *testing.T) {
	t.Parallel()
	atRoot(t)
	var blocks []string
	for _, name := range []string{"README.md", "README.ko.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := goBlock.FindStringSubmatch(string(text))
		if m == nil {
			t.Fatalf("%s has no program", name)
		}
		blocks = append(blocks, m[1])
	}
	if blocks[0] != blocks[1] {
		t.Error("the programs of README.md and README.ko.md differ")
	}
	compileProgram(t, blocks[0])
}

// The changes that lead the READMEs' program to the sandbox fit it, and it
// builds with them.
func TestReadmeSandbox(t *testing.T) {
	t.Parallel()
	atRoot(t)
	for _, name := range []string{"README.md", "README.ko.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(text), "```diff\n")
		changes, _, closed := strings.Cut(rest, "```\n")
		if !found || !closed {
			t.Fatalf("%s has no diff", name)
		}
		before, after := sidesOf(changes)
		program := goBlock.FindStringSubmatch(string(text))[1]
		for i, lines := range before {
			if strings.Count(program, lines) != 1 {
				t.Fatalf("%s: the program has %q %d times", name, lines, strings.Count(program, lines))
			}
			program = strings.Replace(program, lines, after[i], 1)
		}
		if len(before) != 2 || !strings.Contains(program, "InsecureBaseURL") {
			t.Errorf("%s: %d changes", name, len(before))
		}
		if name == "README.md" {
			compileProgram(t, program)
		}
	}
}

// sidesOf splits a diff into changes: each begins with the lines that stay or go.
func sidesOf(diff string) (before, after []string) {
	added := true
	for line := range strings.Lines(diff) {
		if line[0] != '+' && added {
			before, after = append(before, ""), append(after, "")
		}
		last := len(before) - 1
		if added = line[0] == '+'; !added {
			before[last] += line[1:]
		}
		if line[0] != '-' {
			after[last] += line[1:]
		}
	}
	return before, after
}

// compileProgram builds a main package against this checkout, as a reader
// would who pastes it.
func compileProgram(t *testing.T, source string) {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": source,
		"go.mod": "module example.com/pasted\n\ngo 1.26.0\n\nrequire github.com/certify-go/certify v0.0.0\n\n" +
			"replace github.com/certify-go/certify => " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-o", os.DevNull, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the README's program does not build: %v\n%s", err, out)
	}
}
