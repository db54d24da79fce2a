package repotest_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// packagePaths are what a piece of Go in the documentation may name without
// importing it.
var packagePaths = map[string]string{
	"context": "context", "tls": "crypto/tls", "sql": "database/sql", "errors": "errors", "fmt": "fmt", "io": "io", "log": "log",
	"slog": "log/slog", "http": "net/http", "httptest": "net/http/httptest", "httputil": "net/http/httputil", "url": "net/url", "os": "os",
	"strings": "strings", "testing": "testing", "time": "time", "template": "html/template", "json": "encoding/json", "netip": "net/netip",
	"certify": modulePath, "iamport": modulePath + "/iamport", "portone": modulePath + "/portone", "sandbox": modulePath + "/sandbox",
	"certifytest": modulePath + "/certifytest", "redisstore": modulePath + "/redisstore", "rueidis": "github.com/redis/rueidis",
	"chi": "github.com/go-chi/chi/v5", "gin": "github.com/gin-gonic/gin", "echo": "github.com/labstack/echo/v4",
	"fiber": "github.com/gofiber/fiber/v2", "adaptor": "github.com/gofiber/fiber/v2/middleware/adaptor", "fasthttpadaptor": "github.com/valyala/fasthttp/fasthttpadaptor",
}

const modulePath = "github.com/certify-go/certify"

// docNames are the values that the documentation takes for granted.
var docNames = map[string]string{
	"ctx": "context.Context", "w": "http.ResponseWriter", "r": "*http.Request", "mux": "*http.ServeMux", "t": "*testing.T",
	"wine": "http.Handler", "film": "http.Handler", "pay": "http.Handler", "next": "http.Handler", "app": "http.Handler",
	"origin": "string", "token": "string", "pepper": "[]byte", "logger": "*slog.Logger", "now": "time.Time", "err": "error",
	"keys": "*certify.Keys", "cfg": "certify.HandlerConfig", "v1": "*iamport.Provider", "v2": "*portone.Provider", "sessions": "*certify.Sessions", "handler": "*certify.Handler", "provider": "certify.Provider",
	"store": "certify.Store", "policy": "certify.Policy", "claim": "*certify.Claim", "id": "*certify.Identity",
}

// goExample is a block of Go in a page.
type goExample struct {
	name   string
	source string
	files  []*ast.File
	paths  map[string]bool
}

// Every block of Go in the documentation compiles, as it stands or inside a
// function. A comment <!-- not compiled: why --> before a block leaves it out.
func TestDocsCompile(t *testing.T) {
	t.Parallel()
	atRoot(t)
	byModule := make(map[string][]*goExample)
	fset := token.NewFileSet()
	for _, p := range markdownPages(t) {
		for i, source := range goBlocks(t, p.file) {
			e := &goExample{name: fmt.Sprintf("%s block %d", p.file, i+1), source: source, paths: make(map[string]bool)}
			if err := e.parse(fset); err != nil {
				t.Errorf("%s: %v\n%s", e.name, err, source)
				continue
			}
			byModule[e.module()] = append(byModule[e.module()], e)
		}
	}
	if len(byModule["."]) < 4 {
		t.Fatalf("only %d blocks of Go found", len(byModule["."]))
	}
	for dir, list := range byModule {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			checkExamples(t, dir, fset, list)
		})
	}
}

var goFence = regexp.MustCompile("(?ms)^(<!-- not compiled: [^\n]+ -->\n)?```go\n(.*?)^```")

func goBlocks(t *testing.T, file string) (sources []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range goFence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "" {
			sources = append(sources, m[2])
		}
	}
	return sources
}

// parse takes the block for a file, declarations, statements or an expression.
func (e *goExample) parse(fset *token.FileSet) error {
	wrapped := []string{
		e.source,
		"package p\n" + e.source,
		"package p\nfunc _() error {\n" + e.source + "\npanic(0)\n}",
	}
	if value, err := parser.ParseExpr(e.source); err == nil {
		if _, ok := value.(*ast.CompositeLit); ok { // which is no statement
			wrapped = []string{"package p\nvar _ = " + e.source}
		}
	}
	var file *ast.File
	var failed []error
	for _, source := range wrapped {
		var err error
		if file, err = parser.ParseFile(fset, e.name, source, parser.SkipObjectResolution); err == nil {
			break
		}
		failed, file = append(failed, err), nil
	}
	if file == nil {
		return errors.Join(failed...)
	}
	return e.complete(fset, file)
}

// complete adds the imports and the values that the block takes for granted.
func (e *goExample) complete(fset *token.FileSet, file *ast.File) error {
	imported := make(map[string]bool)
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		e.paths[path] = true
		imported[path] = true
	}
	own := make(map[string]bool)
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			own[d.Name.Name] = d.Recv == nil
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						own[name.Name] = true
					}
				}
			}
		}
	}
	granted := "package " + file.Name.Name + "\n"
	values := ""
	for _, name := range slices.Sorted(maps.Keys(docNames)) {
		if !own[name] {
			values += "var " + name + " " + docNames[name] + "\n"
		}
	}
	for name := range selectors(values) {
		granted += fmt.Sprintf("import %q\n", packagePaths[name])
		e.paths[packagePaths[name]] = true
	}
	second, err := parser.ParseFile(fset, "granted", granted+values, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if len(imported) > 0 { // it says itself what it imports
		e.files = []*ast.File{file, second}
		return nil
	}
	return e.importAll(fset, file, second)
}

var selector = regexp.MustCompile(`\b([a-z]+)\.[A-Z]`)

// selectors are the packages whose names a source may use.
func selectors(source string) map[string]bool {
	found := make(map[string]bool)
	for _, m := range selector.FindAllStringSubmatch(source, -1) {
		if packagePaths[m[1]] != "" {
			found[m[1]] = true
		}
	}
	return found
}

// importAll gives the block the imports of what it names.
func (e *goExample) importAll(fset *token.FileSet, file, second *ast.File) error {
	imports := ""
	for _, name := range slices.Sorted(maps.Keys(selectors(e.source))) {
		imports += fmt.Sprintf("import %s %q\n", name, packagePaths[name])
		e.paths[packagePaths[name]] = true
	}
	header, err := parser.ParseFile(fset, e.name, "package p\n"+imports, parser.ImportsOnly)
	if err != nil {
		return err
	}
	file.Decls = append(slices.Clone(header.Decls), file.Decls...)
	file.Imports = header.Imports
	e.files = []*ast.File{file, second}
	return nil
}

// module is the directory from which all that the block imports can be found.
func (e *goExample) module() string {
	dir := "."
	for path := range e.paths {
		switch {
		case path == modulePath+"/redisstore" || strings.HasPrefix(path, "github.com/redis/"):
			if dir == "." {
				dir = "redisstore"
			}
		case strings.Contains(path, ".") && !strings.HasPrefix(path, modulePath):
			dir = "recipes"
		}
	}
	return dir
}

// checkExamples has the compiler's front end judge the blocks.
func checkExamples(t *testing.T, dir string, fset *token.FileSet, list []*goExample) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is a module of its own, and not here", dir)
	}
	if dir == "recipes" && os.Getenv("CERTIFY_REQUIRE_REAL") != "1" {
		t.Skip("other routers would have to be downloaded: CERTIFY_REQUIRE_REAL=1 does")
	}
	paths := make(map[string]bool)
	for _, e := range list {
		maps.Copy(paths, e.paths)
	}
	compiled := exportData(t, dir, slices.Sorted(maps.Keys(paths)))
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
	for _, e := range list {
		cfg := types.Config{Importer: imports, Error: func(err error) {
			var problem types.Error
			unused := errors.As(err, &problem) && (problem.Soft || strings.HasSuffix(problem.Msg, "is not used"))
			if unused { // as a piece of a program may be
				return
			}
			t.Errorf("%s does not compile: %v\n%s", e.name, err, e.source)
		}}
		_, _ = cfg.Check("p", fset, e.files, nil) // it was told
	}
}

// exportData has the go command compile packages, and tells where they are.
func exportData(t *testing.T, dir string, paths []string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, paths...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v\n%s", dir, err, stderr.String())
	}
	found := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		found[path] = file
	}
	return found
}
