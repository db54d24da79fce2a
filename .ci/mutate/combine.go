package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A combination is one set of sources with many mutations in it. The number in
// MUTANT says which of them counts while a test binary runs.
//
// One build then serves all rows of a package, where a build for each took most
// of the time.
type combination struct {
	root  string
	files map[string]*mutatedFile // by path below root
}

// A mutatedFile is a source file and what its functions become.
type mutatedFile struct {
	text    []byte
	pkg     string
	inserts map[int]string // by offset: behind the brace that opens a body
	added   strings.Builder
}

func newCombination(root string) *combination {
	return &combination{root: root, files: make(map[string]*mutatedFile)}
}

// add takes the mutation with number id. It says false for one that needs a
// build of its own: of something other than the bodies of plain functions.
func (c *combination) add(id int, file, text string) (bool, error) {
	if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
		return false, nil
	}
	original, err := os.ReadFile(filepath.Join(c.root, file)) // #nosec G304 -- a file of this repository
	if err != nil {
		return false, err
	}
	changed, ok := changedFunctions(original, []byte(text))
	if !ok {
		return false, nil
	}
	f := c.files[file]
	if f == nil {
		f = &mutatedFile{text: original, pkg: changed.pkg, inserts: make(map[int]string)}
		c.files[file] = f
	}
	for _, fn := range changed.functions {
		f.inserts[fn.brace] += fmt.Sprintf(" if mutantOn == %d { %s }; ", id, fn.call(id))
		fmt.Fprintf(&f.added, "\n//line mutant-%d:1\n%s\n", id, fn.declare(id))
	}
	return true, nil
}

// write writes the changed files into dir, and returns which file stands for which.
func (c *combination) write(dir string) (map[string]string, error) {
	replace := make(map[string]string)
	for file, f := range c.files {
		place := filepath.Join(c.root, filepath.Dir(file))
		on := "package " + f.pkg + "\n\nimport (\n\t\"os\"\n\t\"strconv\"\n)\n\n" +
			"var mutantOn, _ = strconv.Atoi(os.Getenv(\"MUTANT\"))\n"
		for path, text := range map[string]string{filepath.Join(c.root, file): f.String(), filepath.Join(place, "mutant_on.go"): on} {
			to := filepath.Join(dir, fmt.Sprintf("combined_%d.go", len(replace)))
			if before := replace[path]; before != "" {
				to = before
			}
			if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
				return nil, err
			}
			replace[path] = to
		}
	}
	return replace, nil
}

// String is the file with all its mutations.
func (f *mutatedFile) String() string {
	var b strings.Builder
	for i := range f.text {
		b.WriteString(f.inserts[i])
		b.WriteByte(f.text[i])
	}
	b.WriteString(f.added.String())
	return b.String()
}

// mutantLine is how the compiler names a line of a mutation.
var mutantLine = regexp.MustCompile(`mutant-([0-9]+):`)

// mutantsIn returns the numbers of the mutations that a compiler's output names.
func mutantsIn(output string) (ids []int) {
	for _, found := range mutantLine.FindAllStringSubmatch(output, -1) {
		if id, err := strconv.Atoi(found[1]); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// A changedFunction is a function whose body a mutation changes.
type changedFunction struct {
	brace     int // the offset behind the brace that opens the original body
	recv      string
	name      string
	signature string // parameters and results
	arguments string
	returns   bool
	body      string // the mutated one, with its braces
}

func (fn changedFunction) mutant(id int) string { return fmt.Sprintf("%s_mutant%d", fn.name, id) }

func (fn changedFunction) declare(id int) string {
	return "func " + fn.recv + " " + fn.mutant(id) + fn.signature + " " + fn.body
}

func (fn changedFunction) call(id int) string {
	call := fn.mutant(id) + "(" + fn.arguments + ")"
	if fn.recv != "" {
		call = strings.Fields(strings.Trim(fn.recv, "()"))[0] + "." + call
	}
	if fn.returns {
		return "return " + call
	}
	return call + "; return"
}

type changes struct {
	pkg       string
	functions []changedFunction
}

// changedFunctions compares two texts of a file. It says false if they differ in
// anything but the bodies of functions that can be copied.
func changedFunctions(before, after []byte) (out changes, ok bool) {
	was, wasAt, err := parseFile(before)
	if err != nil {
		return out, false
	}
	is, isAt, err := parseFile(after)
	if err != nil || len(was.Decls) != len(is.Decls) {
		return out, false
	}
	out.pkg = was.Name.Name
	for i := range was.Decls {
		old, changed := textOf(before, wasAt, was.Decls[i]), textOf(after, isAt, is.Decls[i])
		if bytes.Equal(old, changed) {
			continue
		}
		f, isFunc := was.Decls[i].(*ast.FuncDecl)
		g, isFuncToo := is.Decls[i].(*ast.FuncDecl)
		if !isFunc || !isFuncToo || f.Body == nil || g.Body == nil {
			return out, false
		}
		fn, copied := copyFunction(before, wasAt, f)
		if !copied || !bytes.Equal(head(before, wasAt, f), head(after, isAt, g)) {
			return out, false
		}
		fn.body = string(textOf(after, isAt, g.Body))
		if asksForCaller(fn.body) {
			return out, false
		}
		out.functions = append(out.functions, fn)
	}
	return out, len(out.functions) > 0
}

// asksForCaller says whether a body behaves differently when it is called from
// one place more.
func asksForCaller(body string) bool {
	return strings.Contains(body, "recover()") || strings.Contains(body, "runtime.Caller")
}

// copyFunction says how to declare a function once more and how to call it.
func copyFunction(text []byte, at func(token.Pos) int, f *ast.FuncDecl) (fn changedFunction, ok bool) {
	if f.Type.TypeParams != nil || asksForCaller(string(textOf(text, at, f.Body))) {
		return fn, false
	}
	fn.brace = at(f.Body.Lbrace) + 1
	fn.name = f.Name.Name
	fn.signature = string(text[at(f.Type.Params.Pos()):at(f.Type.End())])
	fn.returns = f.Type.Results != nil
	if f.Recv != nil {
		if names := f.Recv.List[0].Names; len(names) == 0 || names[0].Name == "_" {
			return fn, false
		}
		fn.recv = string(textOf(text, at, f.Recv))
	}
	var arguments []string
	for _, field := range f.Type.Params.List {
		if len(field.Names) == 0 {
			return fn, false
		}
		for _, name := range field.Names {
			if name.Name == "_" {
				return fn, false
			}
			argument := name.Name
			if _, many := field.Type.(*ast.Ellipsis); many {
				argument += "..."
			}
			arguments = append(arguments, argument)
		}
	}
	fn.arguments = strings.Join(arguments, ", ")
	return fn, true
}

// head is a function's text in front of its body.
func head(text []byte, at func(token.Pos) int, f *ast.FuncDecl) []byte {
	return text[at(f.Pos()):at(f.Body.Lbrace)]
}

func textOf(text []byte, at func(token.Pos) int, n ast.Node) []byte {
	return text[at(n.Pos()):at(n.End())]
}

func parseFile(text []byte) (*ast.File, func(token.Pos) int, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	return f, func(p token.Pos) int { return set.PositionFor(p, false).Offset }, err
}
