package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// readmeShop is the shop's address in the walk of both READMEs.
const readmeShop = "shop=http://127.0.0.1:8080\n"

// readmeWalk is the block of shell commands that begins with the address.
func readmeWalk(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../" + file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```sh\n"+readmeShop)
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("%s has no sh block that begins with %q", file, readmeShop)
	}
	return block
}

func TestReadmeWalk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(name); err == nil {
			continue
		} else if os.Getenv(requireReal) == "1" {
			t.Fatalf("%v, and %s=1 wants it", err, requireReal)
		}
		t.Skipf("no %s: install it to run the README's walk", name)
	}
	s := newStreet(t)
	walk := readmeWalk(t, "README.md")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", "shop="+s.shop+"\n"+walk)
	shell.Dir = t.TempDir() // for the jar
	said, err := shell.Output()
	if err != nil {
		t.Fatalf("the walk: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	if last := lines[len(lines)-1]; last != "200" {
		t.Errorf("the walk ends with %q, not 200", last)
	}
	res, err := http.Get(s.shop + "/cellar")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the jar: status %d, and the README says 401", res.StatusCode)
	}
}

// The two READMEs differ in their comments alone.
func TestReadmeWalkInBothLanguages(t *testing.T) {
	t.Parallel()
	comment := regexp.MustCompile(` +#.*`)
	en, ko := readmeWalk(t, "README.md"), readmeWalk(t, "README.ko.md")
	if comment.ReplaceAllString(en, "") != comment.ReplaceAllString(ko, "") {
		t.Errorf("README.md walks\n%s\nand README.ko.md\n%s", en, ko)
	}
	for file, block := range map[string]string{"README.md": en, "README.ko.md": ko} {
		if !regexp.MustCompile(`# 200\b.*401`).MatchString(block) {
			t.Errorf("%s does not say what the walk ends with", file)
		}
	}
}
