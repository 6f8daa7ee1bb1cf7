package language

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

const manual = "../../../doc/catalogue.md"

var update = flag.Bool("update", false, "write the table of functions in doc/catalogue.md anew")

// TestManualListsEveryFunction keeps the table in the manual true; -update writes it anew.
func TestManualListsEveryFunction(t *testing.T) {
	var table strings.Builder
	table.WriteString("| function | gives |\n|---|---|\n")
	for _, f := range functions {
		fmt.Fprintf(&table, "| `%s(%s)` | %s |\n", f.Name, f.Args, f.Doc)
	}
	data, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	before, _, found := strings.Cut(text, "| function | gives |")
	if !found {
		t.Fatal("the manual has no table of functions")
	}
	if text == before+table.String() {
		return
	}
	if !*update {
		t.Error("the table of functions in doc/catalogue.md is not the list in functions_table.go; run go test -update")
	} else if err := os.WriteFile(manual, []byte(before+table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
