package rulespec_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

const example = `filters:
  - name: Failed builds of mine
    on: false
    once: true
    to: ["email:alice@example.org", "irc:alice"]
    owner: alice
    rules:
      - owner: {user: "@me", role: [owner, commit]}
      - kind: [buildsys.build.failed, buildsys.build.canceled]
      - not: {actor: "@me"}
      - regex: {pattern: "CVE-\\d+", in: summary, case: sensitive}
  - name: "on"
    rules:
      - package: ["389", "true", "a: b", python-six]
      - not: {regex: a b}
      - everything: true
`

// The form that Format writes is the form of the manual, byte for byte, and Parse reads it.
func TestFormatIsStable(t *testing.T) {
	file, err := rulespec.Parse(rulespec.Env{}, []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(rulespec.Format(file)); got != example {
		t.Errorf("Format(Parse(x)):\n%s\nwant x:\n%s", got, example)
	}
	first := file.Filters[0]
	want := rulespec.FileFilter{
		Filter: rulespec.Filter{Name: "Failed builds of mine", Owner: "alice", Rules: first.Rules},
		Once:   true, To: []string{"email:alice@example.org", "irc:alice"}, Line: 2,
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("filter = %+v, want %+v", first, want)
	}
	if second := file.Filters[1]; !second.On || second.Once || second.Line != 12 {
		t.Errorf("filter = %+v, want on, not once, line 12", second)
	}
	if got := string(rulespec.Format(rulespec.File{})); got != "filters: []\n" {
		t.Errorf("Format of nothing = %q", got)
	}
}

func TestParseForms(t *testing.T) {
	want := []rulespec.Rule{
		{Kind: "package", Args: rulespec.Args{"name": {"bash"}}},
		{Kind: "app", Args: rulespec.Args{"name": {"bodhi"}}, Not: true},
	}
	for _, text := range []string{
		"filters:\n- name: x\n  rules:\n  - package: bash\n  - not: {app: bodhi}\n",
		"filters: [{name: x, rules: [package: [bash], not: {app: {name: bodhi}}]}]",
		`{"filters": [{"name": "x", "rules": [{"package": {"name": ["bash"]}}, {"not": {"app": ["bodhi"]}}]}]}`,
		"# a comment\nfilters:\n  -\n    name: 'x' # another\n    rules:\n      - package:\n          - bash\n" +
			"      - not:\n          app:\n            name: bodhi\n",
		"---\nfilters:\r\n- name: x\r\n  rules:\r\n  - package: bash\r\n  - not: {app: bodhi}\r\n",
	} {
		file, err := rulespec.Parse(rulespec.Env{}, []byte(text))
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := file.Filters[0].Rules; !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "line 1, column 1: the text is empty"},
		{"only a comment", "# hello\n", "the text is empty"},
		{"no mapping", "- a\n", "line 1, column 1: the text is a mapping with the key `filters`; this is a list"},
		{"no filters", "filter: []\n", `line 1, column 1: there is no key "filter"; did you mean filters?`},
		{"empty filters", "filters:\n", "line 1, column 10: `filters` is a list; this is empty"},
		{"filters no list", "filters: {}\n", "`filters` is a list; this is a mapping"},
		{"filter no mapping", "filters:\n  - bash\n", "line 2, column 5: a filter is a mapping"},
		{"no name", "filters:\n  - rules: [app: a]\n", "line 2, column 5: a filter needs a `name`"},
		{"empty name", "filters:\n  - name: ''\n    rules: [app: a]\n", "line 2, column 11: an empty value"},
		{"long name", "filters:\n  - name: " + strings.Repeat("a", 257) + "\n    rules: [app: a]\n",
			"longer than 256 bytes"},
		{"unknown key", "filters:\n  - name: a\n    rule: []\n    rules: [app: a]\n",
			`line 3, column 5: filter "a": there is no key "rule"; did you mean rules?`},
		{"key twice", "filters:\n  - name: a\n    name: b\n",
			`line 3, column 5: the key "name" is there twice, first in line 2`},
		{"no rules", "filters:\n  - name: a\n", `line 2, column 5: filter "a": has no rules, so it would never match`},
		{"empty rules", "filters:\n  - name: a\n    rules: []\n", "has no rules"},
		{"only not", "filters:\n  - name: a\n    rules: [not: {app: a}]\n",
			"line 2, column 5: filter \"a\": has only rules under `not`"},
		{"on is a word", "filters:\n  - name: a\n    on: maybe\n    rules: [app: a]\n",
			"line 3, column 9: filter \"a\": `on` is true or false"},
		{"quoted truth", "filters:\n  - name: a\n    once: \"true\"\n    rules: [app: a]\n", "`once` is true or false"},
		{"destination", "filters:\n  - name: a\n    to: alice@example.org\n    rules: [app: a]\n",
			`line 3, column 9: filter "a": "alice@example.org" is no destination`},
		{"rule is a word", "filters:\n  - name: a\n    rules: [bash]\n",
			"line 3, column 13: filter \"a\": a rule is a mapping such as `package: bash`; this is \"bash\""},
		{"two kinds in a rule", "filters:\n  - name: a\n    rules:\n      - app: a\n        user: b\n",
			"line 5, column 9: filter \"a\": a rule has one key, its kind; begin each rule with a dash"},
		{"empty rule", "filters:\n  - name: a\n    rules: [{}]\n", "this rule is empty"},
		{"not not", "filters:\n  - name: a\n    rules: [app: a, not: {not: {app: b}}]\n", "`not` stands twice"},
		{"quiet hours of a filter", "filters:\n  - name: a\n    when: [{to: 'a:b', quiet: '22:00-07:00'}]\n    rules: [app: a]\n",
			"filter \"a\": `quiet` is of a destination, not of a filter"},
		{"null", "filters:\n  - name: a\n    rules:\n      - app:\n",
			"line 4, column 14: filter \"a\": a text belongs here; this is empty"},
		{"anchor", "filters:\n  - name: &n a\n    rules: [app: *n]\n", "an anchor or an alias"},
		{"merge", "filters:\n  - <<: {name: a}\n    rules: [app: a]\n", "line 2, column 5: a key is a word"},
		{"tag", "filters:\n  - name: !!str a\n    rules: [app: a]\n", "a tag, which is not used here"},
		{"second document", "filters: []\n---\nfilters: []\n", "line 3, column 1: a second document"},
		{"tab", "filters:\n\t- name: a\n", "line 2, column "},
		{"deep brackets", strings.Repeat("[", 1<<17), "nested too deeply"},
		{"deep dashes", strings.Repeat("- ", 1<<16), "nested too deeply"},
		{"deep question marks", strings.Repeat("? ", 1<<16), "nested too deeply"},
		{"too long", strings.Repeat("#", rulespec.MaxText+1), "at most 262144 are allowed"},
		{"too many filters", "filters:\n" + strings.Repeat("  - {name: a, rules: [app: a]}\n", rulespec.MaxFilters+1),
			"has 1001 filters; at most 1000"},
		{"too many rules", "filters: [{name: a, rules: [" + strings.Repeat("app: a, ", 51) + "]}]\n",
			"has 51 rules; at most 50"},
		{"too many expressions", "filters: [{name: a, rules: [package_regex: [a, b], regex: [" +
			strings.Repeat("a, ", 19) + "]]}]\n", "has 21 regular expressions; at most 20"},
		{"too many values", "filters: [{name: a, rules: [app: [" + strings.Repeat("a, ", 501) + "]]}]\n",
			"has 501 values; at most 500"},
		{"too long a value", "filters: [{name: a, rules: [app: " + strings.Repeat("a", 257) + "]}]\n",
			"longer than 256 bytes"},
		{"no UTF-8", "filters: [{name: a, rules: [app: \"\xff\"]}]\n", "line 1, column 35: the text is not UTF-8 here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			_, err := rulespec.Parse(rulespec.Env{}, []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q", err, test.want)
			}
			var wrong *rulespec.Error
			if !errors.As(err, &wrong) {
				t.Errorf("error %v is no *Error", err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// All mistakes are reported at once, in the order of the text. The filters beside them match no more than was meant.
func TestParseGoesOnAfterAMistake(t *testing.T) {
	file, err := rulespec.Parse(rulespec.Env{},
		[]byte("filters:\n  - name: a\n    rules: [bash, app: x, packge: y]\n"+
			"  - nme: b\n  - name: c\n    rules: [app: c]\n"))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"line 3, column 13", "line 3, column 27", "line 4, column 5: a filter needs",
		"line 4, column 5: there is no key \"nme\"", "line 4, column 5: has no rules"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("errors:\n%v\nwant number %d to begin %q", err, i+1, want)
		}
	}
	if len(file.Filters) != 3 {
		t.Fatalf("%d filters, want all 3", len(file.Filters))
	}
	if errs := rulespec.Check(rulespec.Env{}, file.Filters[0].Filter); len(errs) != 2 {
		t.Errorf("the filter with two rules that could not be read has the mistakes %v; want it broken by both", errs)
	}
	if errs := rulespec.Check(rulespec.Env{}, file.Filters[2].Filter); len(errs) > 0 {
		t.Errorf("the good filter has the mistakes %v", errs)
	}
}

// TestErrorsAreOneLine: what people type cannot break out of the line of an error.
func TestErrorsAreOneLine(t *testing.T) {
	for _, name := range []string{"a\nb", "a\x1b[2J", "\xff", "\u202e", strings.Repeat("x", 10_000)} {
		f := rulespec.Filter{Name: name, Rules: []rulespec.Rule{
			{Kind: name}, {Kind: "app", Args: rulespec.Args{name: {name}, "name": {name}}},
			{Kind: "severity", Args: rulespec.Args{"least": {name}}},
		}}
		for _, err := range rulespec.Check(rulespec.Env{}, f) {
			if strings.ContainsAny(err.Error(), "\n\x1b\u202e") || len(err.Error()) > 50_000 {
				t.Errorf("error %q", err)
			}
		}
		if s := rulespec.Sentence(rulespec.Env{}, f); strings.ContainsAny(s, "\n\x1b\u202e") || len(s) > 5_000 {
			t.Errorf("sentence %q", s)
		}
	}
}

// Rules of kinds and parameters that a version does not know survive its database and its text, and break their filter.
func TestUnknownKindsSurvive(t *testing.T) {
	rules := []rulespec.Rule{
		{Kind: "everything"},
		{Kind: "moon phase", Args: rulespec.Args{"is": {"full", "new"}, "over": {"Berlin"}}, Not: true},
		{Kind: "app", Args: rulespec.Args{"name": {"a"}, "version": {"2"}}},
	}
	checkColumn(t, rules)
	f := rulespec.Filter{Name: "x", Rules: rules}
	if errs := rulespec.Check(rulespec.Env{}, f); len(errs) != 2 {
		t.Errorf("Check = %v, want two mistakes", errs)
	}
	text := string(rulespec.Format(rulespec.File{Filters: []rulespec.FileFilter{{Filter: f, On: true}}}))
	for _, want := range []string{`- not: {moon phase: {is: [full, new], over: Berlin}}`,
		`- app: {name: a, version: "2"}`} {
		if !strings.Contains(text, want) {
			t.Errorf("Format lacks %s:\n%s", want, text)
		}
	}
}

func TestUnmarshalRulesRefuses(t *testing.T) {
	for _, text := range []string{
		"", "{", "{}", "[1]", "[{}]", `[{"a":{},"b":{}}]`, `[{"app":["bodhi"]}]`, `[{"app":{"name":"bodhi"}}]`,
		`[{"not":{"not":{"app":{}}}}]`, `[{"not":[]}]`, `[{"not":{}}]`, `[{"app":{}}] x`,
	} {
		if rules, err := rulespec.UnmarshalRules(text); err == nil {
			t.Errorf("UnmarshalRules(%q) = %v, want an error", text, rules)
		}
	}
	rules, err := rulespec.UnmarshalRules("[]")
	if err != nil || len(rules) != 0 {
		t.Errorf("UnmarshalRules([]) = %v, %v", rules, err)
	}
	column, err := rulespec.MarshalRules([]rulespec.Rule{{Kind: "app", Args: rulespec.Args{"name": {"a"}}, Not: true}})
	if want := `[{"not":{"app":{"name":["a"]}}}]`; err != nil || column != want {
		t.Errorf("MarshalRules = %s, %v, want %s", column, err, want)
	}
}

func TestCheckNeedsNoOwner(t *testing.T) {
	f := rulespec.Filter{Name: "x", Rules: []rulespec.Rule{{Kind: "user", Args: rulespec.Args{"name": {rulespec.Me}}}}}
	if errs := rulespec.Check(rulespec.Env{}, f); len(errs) > 0 {
		t.Errorf("Check = %v; whoever stores the filter sets its owner", errs)
	}
	if _, err := rulespec.CompileRule(rulespec.Env{}, f.Rules[0]); err == nil {
		t.Error("CompileRule takes @me without an owner")
	}
}

func TestMissing(t *testing.T) {
	f := rulespec.Filter{Name: "x", Rules: []rulespec.Rule{
		{Kind: "group", Args: rulespec.Args{"name": {"infra"}}},
		{Kind: "owner", Args: rulespec.Args{"user": {"alice"}, "role": {"boss"}}, Not: true},
		{Kind: "weather"}, {Kind: "app"},
	}}
	if errs := rulespec.Missing(f, nil); len(errs) != 2 || !strings.Contains(fmt.Sprint(errs), "needs a directory") {
		t.Errorf("Missing without a directory = %v", errs)
	}
	dir := readDirectory(t, []byte("groups: {infra: [bob]}\n"))
	errs := rulespec.Missing(f, dir)
	if len(errs) != 1 || errs[0].Error() != `filter "x": owner: role: the directory has no role "boss"` {
		t.Errorf("Missing = %v, want the role", errs)
	}
}
