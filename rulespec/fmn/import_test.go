package fmn_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/fmn"
)

var update = flag.Bool("update", false, "write what the import gives into testdata")

func embedded(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkAddress is what a backend would say: addresses are written in lower case and have no blanks.
func checkAddress(_, address string) (string, error) {
	if strings.Contains(address, " ") {
		return "", errors.New("an address has no blanks")
	}
	return strings.ToLower(address), nil
}

// Each export in testdata gives the filters beside it, and below them as comments what could not be carried over.
func TestImport(t *testing.T) {
	cat := embedded(t)
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("exports in testdata: %v, %v", files, err)
	}
	for _, file := range files {
		export, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		made, notes, err := fmn.Import(export, fmn.Options{Catalogue: cat, IRCNetwork: "tea.example.org",
			CheckAddress: checkAddress})
		if err != nil {
			t.Errorf("Import(%s): %v", file, err)
			continue
		}
		checkMade(t, cat, made, notes)
		var got bytes.Buffer
		got.Write(rulespec.Format(made))
		for _, n := range notes {
			fmt.Fprintf(&got, "# %s\n", n)
		}
		golden := strings.TrimSuffix(file, ".json") + ".yaml"
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("Import(%s) gives\n%s\nwant\n%s", file, got.String(), want)
		}
	}
}

// checkMade holds what every import promises: a text that is read without a mistake, gives the same again, and has each
// filter switched off of which a note says so.
func checkMade(t *testing.T, cat *catalogue.Catalogue, made rulespec.File, notes []fmn.Note) {
	t.Helper()
	text := rulespec.Format(made)
	env := rulespec.Env{KnowsKind: func(name string) bool {
		for _, k := range cat.Kinds() {
			if k.Kind == name {
				return true
			}
		}
		return false
	}}
	read, err := rulespec.Parse(env, text)
	if err != nil {
		t.Fatalf("the import cannot be read: %v\n%s", err, text)
	}
	on := map[string]bool{}
	for i := range read.Filters {
		read.Filters[i].Line = 0
		if f := read.Filters[i]; on[f.Name] {
			t.Errorf("two filters are named %q", f.Name)
		}
		on[read.Filters[i].Name] = read.Filters[i].On
	}
	for i := range read.Destinations {
		read.Destinations[i].Line = 0
	}
	if len(made.Filters) > 0 && !reflect.DeepEqual(read, made) {
		t.Fatalf("read back, the import is\n%+v\nwant\n%+v", read, made)
	}
	for _, n := range notes {
		if text := n.String(); strings.ContainsAny(text, "\n\r") {
			t.Errorf("the note %q is more than a line", text)
		}
		if n.Off && on[n.Filter] {
			t.Errorf("filter %q is on, in spite of: %s", n.Filter, n)
		}
	}
}

// What is no export is refused, in words, and so is what is too much.
func TestImportRefuses(t *testing.T) {
	cat := embedded(t)
	many := func(n int, what string) string { return strings.TrimSuffix(strings.Repeat(what+",", n), ",") }
	preference := func(filters string) string {
		return `{"enabled": true, "context": {"name": "email"}, "detail_values": ["a@example.org"], "filters": [` + filters +
			`]}`
	}
	for _, c := range []struct{ name, export, want string }{
		{"nothing", "", "not an export of FMN"},
		{"no JSON", "filters: []", "not an export of FMN"},
		{"a number", "7", "neither a `context` with `filters` nor a `tracking_rule`"},
		{"another object", `{"name": "alice"}`, "neither a `context`"},
		{"more than one value", preference("") + "{}", "something follows"},
		{"cut short", `{"context": {}, "filters": [`, "unexpected EOF"},
		{"rules that are no list", preference(`{"name": "x", "rules": {}}`), "entry 1"},
		{"too long", strings.Repeat(" ", fmn.MaxExport+1), "longer than 8 MiB"},
		{"too many media", "[" + many(101, preference("")) + "]", "at most 100"},
		{"too many filters", preference(many(1001, `{"name": "x", "rules": []}`)), "at most 100, 1000"},
		{"too many rules", preference(`{"name": "x", "rules": [` + many(5001, `{"code_path": "fmn.rules:git_receive"}`) +
			`]}`), "5001 rules"},
		{"too much text", preference(many(1000, `{"name": "x", "oneshot": true, "rules": [`+many(4,
			`{"code_path": "fmn.rules:package_regex_filter", "arguments": {"pattern": "`+strings.Repeat("a", 200)+`"}}`)+`]}`)),
			"one text takes 256 KiB"},
	} {
		file, notes, err := fmn.Import([]byte(c.export), fmn.Options{Catalogue: cat})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if len(file.Filters) > 0 || len(notes) > 0 {
			t.Errorf("%s: refused, and yet %d filters", c.name, len(file.Filters))
		}
	}
}

// A filter that is too large for ours is not cut.
func TestImportOfTooManyRules(t *testing.T) {
	var rules []string
	for i := range 60 {
		rules = append(rules, fmt.Sprintf(`{"code_path": "fmn.rules:package_filter", "arguments": {"package": "p%d"}}`, i))
	}
	export := `{"enabled": true, "context": {"name": "email"}, "detail_values": ["a@example.org"], "filters": [{"name": "x", "rules": [` + strings.Join(rules, ",") + `]}]}`
	cat := embedded(t)
	file, notes, err := fmn.Import([]byte(export), fmn.Options{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	checkMade(t, cat, file, notes)
	if f := file.Filters[0]; f.On || len(f.Rules) != 1 || f.Rules[0].Kind != "topic" {
		t.Errorf("filter = %+v, want one that never holds, switched off", f)
	}
}

// Filters with more regular expressions than a person may have are left off by name; those behind them may still fit.
func TestImportOfTooManyTexts(t *testing.T) {
	var filters []string
	for i, n := range []int{8, 3, 2} {
		var rules []string
		for j := range n {
			rules = append(rules,
				fmt.Sprintf(`{"code_path": "fmn.rules:regex_filter", "arguments": {"pattern": "word%d%d"}}`, i, j))
		}
		filters = append(filters, fmt.Sprintf(`{"name": "f%d", "rules": [%s]}`, i, strings.Join(rules, ",")))
	}
	export := `{"enabled": true, "context": {"name": "email"}, "detail_values": ["a@example.org"], "filters": [` +
		strings.Join(filters, ",") + `]}`
	cat := embedded(t)
	file, notes, err := fmn.Import([]byte(export), fmn.Options{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	checkMade(t, cat, file, notes)
	if len(file.Filters) != 2 || file.Filters[0].Name != "f0" || file.Filters[1].Name != "f2" {
		t.Errorf("filters: %+v", file.Filters)
	}
	told := false
	for _, n := range notes {
		told = told || n.Filter == "f1" && strings.Contains(n.Reason, "left off")
	}
	if !told {
		t.Errorf("nothing is told of f1: %v", notes)
	}
}

// FuzzImport feeds any text to the import: it never panics, and what it makes keeps the promises of every import.
func FuzzImport(f *testing.F) {
	for _, file := range []string{"testdata/classic.json", "testdata/tracked.json"} {
		seed, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	for _, seed := range []string{
		`{"context": {"name": "irc\n"}, "filters": [{"name": "\u0000\ud800", "rules": [{"code_path": "fmn.rules:user_filter", "arguments": {"fasnick": "a\u0007"}, "negated": true}]}], "detail_values": ["\n"]}`,
		`{"context": {"name": "email"}, "batch_delta": 1e300, "batch_count": -1, "filters": [{"rules": [{"code_path": "fmn.rules:\u2028"}]}], "detail_values": [""], "user": {"openid": "\u202e.id."}}`,
		`{"tracking_rule": {"name": "users-followed", "params": ["@me", "@me"]}, "generation_rules": [{"filters": [], "destinations": [{"protocol": "email", "address": ":"}]}]}`,
		`{"tracking_rule": null, "generation_rules": [{}, {}]}`,
	} {
		f.Add([]byte(seed))
	}
	cat := embedded(f)
	f.Fuzz(func(t *testing.T, export []byte) {
		file, notes, err := fmn.Import(export, fmn.Options{Catalogue: cat, IRCNetwork: "tea", CheckAddress: checkAddress})
		if err != nil {
			return
		}
		checkMade(t, cat, file, notes)
	})
}
