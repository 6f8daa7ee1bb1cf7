package main

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends/all"
)

// mostFiles is the largest number of Go files, tests apart, in a folder: a reader cannot survey more. A folder with
// more needs an inner package (see doc/architecture.md).
const mostFiles = 30

// siblings are the folders that are lists: their files that match the pattern are alike, and do not count.
var siblings = map[string]string{
	"rulespec":    "kind_*.go",
	"web":         "page_*.go",
	"cmd/notifyd": "",
}

func TestLayoutFoldersAreNotCrowded(t *testing.T) {
	count := map[string]int{}
	walkSources(t, func(file string) {
		folder := filepath.ToSlash(filepath.Dir(file))
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		if alike, _ := filepath.Match(siblings[folder], filepath.Base(file)); !alike {
			count[folder]++
		}
	})
	for folder, n := range count {
		if n > mostFiles {
			t.Errorf("%s holds %d Go files, tests apart; at most %d: which of them are a room of their own?", folder, n,
				mostFiles)
		}
	}
}

// mostColumns is the largest number of characters in a line of code or prose; a tab counts as one.
const mostColumns = 120

// literal matches a text in Go, including a struct tag.
var literal = regexp.MustCompile("`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"")

// cannotBeWrapped reports whether a line that is too long must stay so: a row of a table in Markdown, or a line of Go
// that is little more than texts.
func cannotBeWrapped(file, line string) bool {
	if strings.HasSuffix(file, ".md") {
		return strings.HasPrefix(line, "|")
	}
	return utf8.RuneCountInString(literal.ReplaceAllString(line, "")) < mostColumns/2
}

func TestLayoutLinesFitAScreen(t *testing.T) {
	walkSources(t, func(file string) {
		fenced, raw := false, false
		linesOf(t, file, func(number int, line string) {
			fenced = fenced != strings.HasPrefix(line, "```")
			if strings.HasSuffix(file, ".go") && !strings.HasPrefix(strings.TrimSpace(line), "//") {
				defer func() { raw = raw != (strings.Count(line, "`")%2 == 1) }()
			}
			wide := utf8.RuneCountInString(line)
			if wide > mostColumns && !fenced && !raw && !cannotBeWrapped(file, line) {
				t.Errorf("%s:%d: %d characters; at most %d", file, number, wide, mostColumns)
			}
		})
	})
}

// documentName matches the name of a document in a comment.
var documentName = regexp.MustCompile(`[\w./-]*\w\.md\b`)

func TestLayoutCommentsNameDocumentsThatExist(t *testing.T) {
	walkSources(t, func(file string) {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		linesOf(t, file, func(number int, line string) {
			_, comment, found := strings.Cut(line, "// ")
			if !found {
				return
			}
			for _, name := range documentName.FindAllString(comment, -1) {
				inRoot, err := os.Stat(filepath.Join("..", "..", name))
				if err == nil && !inRoot.IsDir() {
					continue
				}
				if _, err := os.Stat(filepath.Join("..", "..", filepath.Dir(file), name)); err != nil {
					t.Errorf("%s:%d: there is no document %s", file, number, name)
				}
			}
		})
	})
}

// link finds where a Markdown link leads.
var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// documentedElsewhere are backends without a document of their own: the desktop's feed is an API (doc/api.md).
var documentedElsewhere = []string{"desktop"}

// TestLayoutDocumentsAreLinked checks that README.md links to every document, and that every link in a document has a
// target.
func TestLayoutDocumentsAreLinked(t *testing.T) {
	linked := map[string]bool{}
	var documents []string
	walkSources(t, func(file string) {
		if !strings.HasSuffix(file, ".md") {
			return
		}
		if strings.HasPrefix(filepath.ToSlash(file), "doc/") {
			documents = append(documents, filepath.ToSlash(file))
		}
		linesOf(t, file, func(number int, line string) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				to := filepath.ToSlash(filepath.Join(filepath.Dir(file), m[1]))
				if _, err := os.Stat(filepath.Join("..", "..", to)); err != nil {
					t.Errorf("%s:%d: the link to %s leads nowhere", file, number, m[1])
				}
				linked[file+" "+to] = true
			}
		})
	})
	for _, d := range all.Drivers() {
		document := "doc/" + d.Info.Name + ".md"
		if !slices.Contains(documents, document) && !slices.Contains(documentedElsewhere, d.Info.Name) {
			t.Errorf("the backend %s has no document %s: what it delivers, its addresses, its failures", d.Info.Name, document)
		}
	}
	for _, document := range documents {
		if !linked["README.md "+document] {
			t.Errorf("README.md has no link to %s: enter it behind \"Documents\"", document)
		}
	}
}

// walkSources calls visit with every Go and Markdown file of the repository, by its path from the root.
func walkSources(t *testing.T, visit func(file string)) {
	t.Helper()
	root, seen := filepath.Join("..", ".."), 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && file != root
		if d.IsDir() {
			if d.Name() == "testdata" || d.Name() == "static" || hidden {
				return filepath.SkipDir
			}
			return nil
		}
		if rel, err := filepath.Rel(root, file); err == nil && (strings.HasSuffix(rel, ".go") ||
			strings.HasSuffix(rel, ".md")) {
			seen++
			visit(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Fatalf("saw only %d files from %s: the test looks in the wrong place", seen, root)
	}
}

func linesOf(t *testing.T, file string, visit func(number int, line string)) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		visit(number, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
