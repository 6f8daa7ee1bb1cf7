// Package recipes_test tests the recipes of CONTRIBUTING.md for adding something. Each recipe is a worked example in
// a file of this folder. The test applies all of them to one copy of the tree, builds it, and runs the tests that the
// recipe names. One copy and one build are enough, because recipes touch different files, or different lines of a
// list.
package recipes_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// A recipe is one file of this folder: the thing that is added, its files and edits, and the commands that test it.
type recipe struct {
	name  string // of the file: backend
	title string // the first line, as the row of CONTRIBUTING.md begins: a backend
	files []txtar.File
	runs  [][]string // arguments of go test that write files which a newcomer also writes by these commands
	tests [][]string // arguments of go test
	fails []failure
}

// A failure is the message of the checks when a part of the recipe is left out.
type failure struct {
	without string   // a file of the recipe
	says    string   // what the failing test prints
	test    []string // arguments of go test
}

// root is the repository, from this folder.
const root = "../.."

func TestRecipes(t *testing.T) {
	recipes := readRecipes(t)
	t.Run("contributing", func(t *testing.T) { checkRows(t, recipes) })
	for _, r := range recipes {
		checkSize(t, r)
	}
	if os.Getenv("NOTIFYD_REQUIRE") != "1" {
		t.Skip("applying the recipes builds the program anew, so only make check does it (NOTIFYD_REQUIRE=1)")
	}
	tree := t.TempDir()
	copyTree(t, tree)
	for _, r := range recipes {
		for _, f := range r.files {
			apply(t, tree, f)
		}
	}
	run(t, tree, "build", "./...")
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			for _, args := range slices.Concat(r.runs, r.tests) {
				run(t, tree, append([]string{"test"}, args...)...)
			}
			for _, f := range r.fails {
				checkFailure(t, tree, f)
			}
		})
	}
}

// checkFailure restores a file to its state without the recipes, or removes a new one, and compares the output of the
// checks with the message that a newcomer should read.
func checkFailure(t *testing.T, tree string, f failure) {
	t.Helper()
	at := filepath.Join(tree, f.without)
	kept, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if before, none := os.ReadFile(filepath.Join(root, f.without)); none == nil {
		err = os.WriteFile(at, before, 0o644)
	} else {
		err = os.Remove(at)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(at, kept, 0o644)
	out, err := goTool(tree, append([]string{"test"}, f.test...)...)
	if err == nil {
		t.Errorf("without %s go test %s passes", f.without, strings.Join(f.test, " "))
	} else if !strings.Contains(out, f.says) {
		t.Errorf("without %s the test does not say %q:\n%s", f.without, f.says, out)
	}
}

func run(t *testing.T, tree string, args ...string) {
	t.Helper()
	if out, err := goTool(tree, args...); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// goTool runs go in the tree. With -trimpath the results are the same as elsewhere, so they are in the build cache.
func goTool(tree string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "GOFLAGS=-trimpath", "NOTIFYD_REQUIRE=", "PWD="+tree)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// readRecipes reads the files of this folder.
func readRecipes(t *testing.T) []recipe {
	t.Helper()
	names, err := filepath.Glob("*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	var recipes []recipe
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := recipe{name: strings.TrimSuffix(name, ".txtar"), files: archive.Files}
		for i, line := range strings.Split(strings.TrimSpace(string(archive.Comment)), "\n") {
			args := strings.Fields(line)
			switch {
			case i == 0:
				r.title = strings.TrimSuffix(line, ".")
			case strings.HasPrefix(line, "run: "):
				r.runs = append(r.runs, args[1:])
			case strings.HasPrefix(line, "test: "):
				r.tests = append(r.tests, args[1:])
			case strings.HasPrefix(line, "without: "):
				r.fails = append(r.fails, failure{without: args[1], test: args[2:]})
			case strings.HasPrefix(line, "says: ") && len(r.fails) > 0:
				r.fails[len(r.fails)-1].says = strings.TrimPrefix(line, "says: ")
			}
		}
		if len(r.tests) == 0 {
			t.Fatalf("%s names no test", name)
		}
		recipes = append(recipes, r)
	}
	return recipes
}

// header is the name of a part of a recipe: a new file, or an edit of one that is there.
var header = regexp.MustCompile(`^(\S+)(?: \((after|before|replace): (.*)\))?$`)

func pathOf(f txtar.File) string { return header.FindStringSubmatch(f.Name)[1] }

// apply writes a new file, or edits one: lines go after or before the first line that contains a text, or replace the
// text within its line.
func apply(t *testing.T, tree string, f txtar.File) {
	t.Helper()
	m := header.FindStringSubmatch(f.Name)
	at := filepath.Join(tree, m[1])
	old, err := os.ReadFile(at)
	if (err == nil) != (m[2] != "") {
		t.Fatalf("%s: is there: %v", f.Name, err == nil)
	}
	text := f.Data
	if m[2] != "" {
		text = edit(t, old, f, m[2], m[3])
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, old []byte, f txtar.File, how, where string) []byte {
	t.Helper()
	begin := bytes.Index(old, []byte(where))
	if begin < 0 {
		t.Fatalf("%s: the text is not there", f.Name)
	}
	switch how {
	case "replace":
		new := bytes.TrimSuffix(f.Data, []byte("\n"))
		return slices.Concat(old[:begin], new, old[begin+len(where):])
	case "before":
		begin = bytes.LastIndexByte(old[:begin], '\n') + 1
	default:
		begin += bytes.IndexByte(old[begin:], '\n') + 1
	}
	return slices.Concat(old[:begin], f.Data, old[begin:])
}

// lists are the files in which every addition of a kind has its line.
var lists = []string{
	"rulespec/kinds.go", "backends/all/all.go", "bus/all/all.go", "directory/all/all.go", "web/routes.go",
	"contrib/notifyd.yaml", "README.md",
}

// roomOf returns the folder that a file belongs to: fixtures, templates and the like are a part of their package.
func roomOf(file string) string {
	folder := filepath.Dir(file)
	for _, inner := range []string{"/testdata", "/templates", "/apps", "/mappings", "/sqlite", "/postgres"} {
		folder, _, _ = strings.Cut(folder, inner)
	}
	return folder
}

// checkSize limits a recipe to one folder and three files; its list and its document do not count.
func checkSize(t *testing.T, r recipe) {
	t.Helper()
	files, rooms := map[string]bool{}, map[string]bool{}
	for _, f := range r.files {
		if file := pathOf(f); !slices.Contains(lists, file) && !strings.HasPrefix(file, "doc/") {
			files[file], rooms[roomOf(file)] = true, true
		}
	}
	if len(files) > 3 || len(rooms) > 1 && r.name != "migration" { // whose columns are those of another room's rows
		t.Errorf("%s takes %d files in %d folders; at most three in one", r.name, len(files), len(rooms))
	}
}

// checkRows compares CONTRIBUTING.md with the recipes: it must have a row for each, which names each file that is
// touched.
func checkRows(t *testing.T, recipes []recipe) {
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.HasPrefix(strings.TrimSpace(cells[1]), "a") {
			rows[strings.TrimSpace(cells[1])] = line
		}
	}
	for _, r := range recipes {
		row, ok := rows[r.title]
		if !ok {
			t.Errorf("CONTRIBUTING.md has no row %q, which %s.txtar proves", r.title, r.name)
			continue
		}
		delete(rows, r.title)
		for _, f := range r.files {
			if file := pathOf(f); !strings.Contains(row, generic(file)) {
				t.Errorf("the row %q of CONTRIBUTING.md does not name %s (as %s)", r.title, file, generic(file))
			}
		}
	}
	for title := range rows {
		t.Errorf("no recipe in contrib/recipes proves the row %q of CONTRIBUTING.md", title)
	}
}

// number is that of a migration.
var number = regexp.MustCompile(`\d{5}_`)

// example matches the name that the examples use for the thing they add.
var example = regexp.MustCompile(`ferry|harbour`)

// generic returns a path as CONTRIBUTING.md shows it: the example's name is replaced by NAME.
func generic(file string) string {
	return number.ReplaceAllString(example.ReplaceAllString(file, "NAME"), "NNNNN_")
}

// copyTree copies the files that git tracks and those that it does not ignore.
func copyTree(t *testing.T, to string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-co", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git cannot list the files; the recipes are applied to a checkout: %v", err)
	}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted and not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, text, info.Mode()); err != nil {
			t.Fatal(fmt.Errorf("copy: %w", err))
		}
	}
}
