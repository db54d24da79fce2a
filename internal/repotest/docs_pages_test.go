package repotest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A markdownPage is a page of the documentation, as far as these tests read it.
type markdownPage struct {
	file     string
	levels   string   // of its headings, such as "1223"
	anchors  []string // as GitHub makes them
	links    []string
	examples []example
}

type example struct{ language, code string }

var (
	fence    = regexp.MustCompile("^\\s*```(\\w*)")
	heading  = regexp.MustCompile(`^(#{1,6}) +(.+?) *$`)
	link     = regexp.MustCompile(`\]\(([^()\s]+(?:\([^()]*\))?)\)|<(?:img|a)[^>]* (?:src|href)="([^"]+)"`)
	codeSpan = regexp.MustCompile("`[^`]*`")
)

// markdownPages reads all pages of the repository.
func markdownPages(t *testing.T) map[string]*markdownPage {
	t.Helper()
	pages := make(map[string]*markdownPage)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			pages[filepath.ToSlash(path)] = readMarkdown(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages found", len(pages))
	}
	return pages
}

func readMarkdown(t *testing.T, path string) *markdownPage {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &markdownPage{file: filepath.ToSlash(path)}
	var open *example
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if m := fence.FindStringSubmatch(line); m != nil {
			if open == nil {
				open = &example{language: m[1]}
			} else {
				p.examples, open = append(p.examples, *open), nil
			}
			continue
		}
		if open != nil {
			open.code += line + "\n"
			continue
		}
		p.read(line)
	}
	if open != nil {
		t.Errorf("%s: a block of code does not end", path)
	}
	return p
}

func (p *markdownPage) read(line string) {
	if m := heading.FindStringSubmatch(line); m != nil {
		p.levels += string(rune('0' + len(m[1])))
		anchor := anchorOf(m[2])
		if slices.Contains(p.anchors, anchor) {
			anchor += "-1"
		}
		p.anchors = append(p.anchors, anchor)
	}
	for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
		p.links = append(p.links, m[1]+m[2])
	}
}

// anchorOf is what GitHub makes of a heading's text.
func anchorOf(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// Every link within the repository leads somewhere, to a heading if it names one.
func TestDocLinks(t *testing.T) {
	t.Parallel()
	atRoot(t)
	pages := markdownPages(t)
	checked := 0
	for _, p := range pages {
		for _, to := range p.links {
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(to, "#")
			target := p.file
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(p.file), file))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", p.file, to)
				continue
			}
			if other := pages[target]; anchor != "" && (other == nil || !slices.Contains(other.anchors, anchor)) {
				t.Errorf("%s links to %s: there is no such heading", p.file, to)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links found", checked)
	}
}

// englishOnly are pages for those who work on the source.
var englishOnly = []string{"SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"}

// What a visitor reads stands there in Korean and in English, with the same
// headings and the same code.
func TestDocsInBothLanguages(t *testing.T) {
	t.Parallel()
	atRoot(t)
	pages := markdownPages(t)
	for file, en := range pages {
		if strings.HasSuffix(file, ".ko.md") || strings.Contains(file, "testdata/") || slices.Contains(englishOnly, file) {
			continue
		}
		ko := pages[strings.TrimSuffix(file, ".md")+".ko.md"]
		if ko == nil {
			t.Errorf("%s has no page in Korean", file)
			continue
		}
		if en.levels != ko.levels {
			t.Errorf("%s has headings of levels %s, and %s %s", file, en.levels, ko.file, ko.levels)
		}
		if len(en.examples) != len(ko.examples) {
			t.Errorf("%s has %d blocks of code, and %s %d", file, len(en.examples), ko.file, len(ko.examples))
			continue
		}
		for i, e := range en.examples {
			if k := ko.examples[i]; withoutWords(e) != withoutWords(k) {
				t.Errorf("block %d of %s is\n%s\nand of %s\n%s", i+1, file, e.code, ko.file, k.code)
			}
		}
		for _, p := range []*markdownPage{en, ko} {
			other := map[*markdownPage]*markdownPage{en: ko, ko: en}[p]
			if !slices.Contains(p.links, filepath.Base(other.file)) {
				t.Errorf("%s does not link to %s", p.file, other.file)
			}
		}
	}
}

var (
	comment = regexp.MustCompile(`(?m)(//|#) .*$|/\*.*?\*/|<!--.*?-->`)
	words   = regexp.MustCompile(`"[^"\n]*[^\x00-\x7f"\n][^"\n]*"|>[^<>\n]+<`)
	blanks  = regexp.MustCompile(`[ \t]+`)
)

// withoutWords is an example without what is translated: comments, and texts
// for visitors.
func withoutWords(e example) string {
	code := comment.ReplaceAllString(e.code, "")
	if e.language == "html" || e.language == "json" {
		code = words.ReplaceAllString(code, "")
		code = regexp.MustCompile(`"detail": "[^"]*"`).ReplaceAllString(code, `"detail": `)
	}
	return e.language + "\n" + blanks.ReplaceAllString(strings.TrimSpace(code), " ")
}

var testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`(?: \\(([\\w/]+)\\))?")

// Every row of the threat model names tests, and all of them exist.
func TestThreatModelNamesTests(t *testing.T) {
	t.Parallel()
	atRoot(t)
	var named [2]string
	for i, file := range []string{"docs/threat-model.md", "docs/threat-model.ko.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "| ") || strings.HasSuffix(line, "tests |\n") || strings.HasSuffix(line, "테스트 |\n") {
				continue
			}
			rows++
			tests := testName.FindAllStringSubmatch(line, -1)
			if len(tests) == 0 {
				t.Errorf("%s: no test: %s", file, line)
			}
			for _, m := range tests {
				named[i] += m[0] + "\n"
				if !hasTest(t, m[2], m[1]) {
					t.Errorf("%s names %s, which is not in %s", file, m[1], filepath.Join(".", m[2]))
				}
			}
		}
		if rows < 40 {
			t.Errorf("%s has only %d rows", file, rows)
		}
	}
	if named[0] != named[1] {
		t.Error("the tables in Korean and English name different tests")
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(".", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// Every path that the Handler serves is in the tables of docs/production and
// in its doc comment, and nothing else is.
func TestDocPaths(t *testing.T) {
	t.Parallel()
	atRoot(t)
	source, err := os.ReadFile("handler.go")
	if err != nil {
		t.Fatal(err)
	}
	want := captures(`(?m)^\t\t"(/[a-z/.]+)": +\{http\.Method`, string(source))
	if len(want) < 11 {
		t.Fatalf("handler.go has the routes %q", want)
	}
	comment, _, _ := strings.Cut(string(source), "\ntype Handler struct")
	if got := captures(`(?:POST|GET|\(none\),) +(/[a-z/.]+)`, comment[strings.LastIndex(comment, "// A Handler"):]); !slices.Equal(got, want) {
		t.Errorf("the comment of Handler has %q, the Handler %q", got, want)
	}
	for _, page := range []string{"docs/production.md", "docs/production.ko.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		rows := captures(`(?m)^(\| (?:`+"`"+`|\().*?\|)`, string(text))
		if got := captures("`(/[a-z/.]+)`", strings.Join(rows, "\n")); !slices.Equal(got, want) {
			t.Errorf("%s has %q, the Handler %q", page, got, want)
		}
	}
}

// captures returns what the first group of pattern matches in text, sorted and
// each once.
func captures(pattern, text string) (found []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}
