// Package drivertest holds a list of drivers against the folders beside it: every driver is listed, and the tests of
// each call the kit of its contract.
//
// A list is a folder all/ beside the folders of its drivers, as backends/all and bus/all are. Its test runs there, so
// the folders are found by "..".
package drivertest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Folder returns the name of the folder that the function open is written in.
func Folder(open any) string {
	entry := reflect.ValueOf(open).Pointer()
	file, _ := runtime.FuncForPC(entry).FileLine(entry)
	return filepath.Base(filepath.Dir(file))
}

// Unlisted returns the folders with a driver that are not among listed. A driver is a function of that declaration,
// such as "func Driver() bus.Driver".
func Unlisted(t testing.TB, listed []string, declaration string) (folders []string) {
	t.Helper()
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
		if strings.Contains(string(text), "\n"+declaration) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// CallsKit reports whether a test of a folder calls the function Run of a kit, such as "bustest".
func CallsKit(t testing.TB, folder, kit string) (found bool) {
	t.Helper()
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
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Run" {
				id, ok := call.X.(*ast.Ident)
				found = found || ok && id.Name == kit
			}
			return true
		})
	}
	return found
}
