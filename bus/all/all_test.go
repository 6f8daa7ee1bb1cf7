package all_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/all"
	"github.com/notifyd/notifyd/internal/secret"
)

// TestDriversAreWellFormed checks what bustest checks for one driver, and what it cannot see: that bustest is called.
func TestDriversAreWellFormed(t *testing.T) {
	var names []string
	for _, d := range all.Drivers() {
		names = append(names, d.Name)
		if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") || d.Open == nil {
			t.Errorf("driver %q: the name is not one word, the doc %q is no sentence, or Open is nil", d.Name, d.Doc)
			continue
		}
		for _, key := range unmarked(d) {
			t.Errorf(`driver %s: the key %s looks like a secret; say secret:"true" or secret:"false" in its tag`, d.Name, key)
		}
		if folder := folderOf(d); !callsKit(t, folder) {
			t.Errorf("driver %s: no test in bus/%s calls bustest.Run", d.Name, folder)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("the drivers %q are not in order, or two have one name", names)
	}
}

// TestEveryDriverIsListed looks for folders beside this one that have a Driver.
func TestEveryDriverIsListed(t *testing.T) {
	var listed []string
	for _, d := range all.Drivers() {
		listed = append(listed, folderOf(d))
	}
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files beside this folder: %v", err)
	}
	for _, file := range files {
		folder := filepath.Base(filepath.Dir(file))
		if strings.HasSuffix(file, "_test.go") || slices.Contains(listed, folder) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc Driver() bus.Driver") {
			t.Errorf("bus/%s has a Driver that bus/all/all.go does not list", folder)
		}
	}
}

// unmarked gives the keys of d's configuration that look like a secret and do not say whether they are.
func unmarked(d bus.Driver) (keys []string) {
	_, _ = d.Open(func(into any) error {
		keys = append(keys, secret.Unmarked(into)...)
		return errors.New("only the form of the configuration was wanted")
	}, slog.New(slog.DiscardHandler))
	return keys
}

// folderOf is the folder in bus of the file that d's Open is written in.
func folderOf(d bus.Driver) string {
	open := reflect.ValueOf(d.Open).Pointer()
	file, _ := runtime.FuncForPC(open).FileLine(open)
	return filepath.Base(filepath.Dir(file))
}

// callsKit reports whether a test of a folder calls bustest.Run.
func callsKit(t *testing.T, folder string) (found bool) {
	tests, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tests {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, isCall := n.(*ast.SelectorExpr)
			if isCall && call.Sel.Name == "Run" {
				id, isName := call.X.(*ast.Ident)
				found = found || isName && id.Name == "bustest"
			}
			return true
		})
	}
	return found
}
