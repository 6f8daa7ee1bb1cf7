package rulespec_test

import (
	"reflect"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// FuzzParse feeds any text to the parser: it never panics, and what it takes without a mistake is the same again after
// Format, and after a trip through a database's column.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"filters: []\n",
		"destinations:\n  - to: email:alice@example.org\n    every: 90m\n    count: 50\n" +
			"  - {to: \"irc:alice@tea\", every: 1us}\nfilters: []\n",
		"filters:\n  - name: a\n    on: false\n    once: true\n    to: [email:alice@example.org, irc:alice]\n" +
			"    owner: alice\n    rules:\n      - owner: {user: \"@me\", role: [owner, commit]}\n" +
			"      - kind: [buildsys.build.failed]\n      - not: {actor: \"@me\"}\n" +
			"      - regex: {pattern: \"CVE-\\\\d+\", in: summary, case: sensitive}\n      - everything: true\n",
		"filters:\n- {name: \"yes\", rules: [{package: [389, 1e5, true, .inf, 0x1F, \"\\u00e9\\u2028\"]}]}\n",
		"filters:\n  - name: |\n      a\n    rules:\n      - topic: >-\n          a\n          b\n",
		"filters:\n  - name: 'it''s'\n    rules: [everything: true]\n",
		"filters: &a\n  - *a\n",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"- - - - - - - - - - - - - - - - - - - - - - - -",
		"? ? ? ?\n: :\n",
		"filters:\n  - name: \"\\xff\\0\"\n    rules:\n      - severity: error\n---\nfilters: []\n",
		"\ufefffilters:\n  - name: \ufeff\n    rules:\n      - app: \"\ufeff\"\n",
	} {
		f.Add([]byte(seed))
	}
	for _, v := range readKinds(f) {
		for _, text := range v.Filters() {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := rulespec.Parse(rulespec.Env{}, text)
		if err != nil {
			return
		}
		formatted := rulespec.Format(file)
		again, err := rulespec.Parse(rulespec.Env{}, formatted)
		if err != nil {
			t.Fatalf("Format gave what Parse refuses: %v\n%s", err, formatted)
		}
		for i := range file.Filters {
			file.Filters[i].Line = 0
		}
		for i := range file.Destinations {
			file.Destinations[i].Line = 0
		}
		for i := range again.Destinations {
			again.Destinations[i].Line = 0
		}
		for i := range again.Filters {
			again.Filters[i].Line = 0
			checkColumn(t, again.Filters[i].Rules)
			if s := rulespec.Sentence(rulespec.Env{}, again.Filters[i].Filter); s == "" {
				t.Error("a filter has no sentence")
			}
		}
		if len(file.Filters)+len(file.Destinations) > 0 && len(file.Filters) == len(again.Filters) &&
			!reflect.DeepEqual(file, again) {
			t.Fatalf("Parse(Format(x)) = %+v\nwant %+v\n%s", again, file, formatted)
		}
	})
}

func checkColumn(t *testing.T, rules []rulespec.Rule) {
	t.Helper()
	column, err := rulespec.MarshalRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	back, err := rulespec.UnmarshalRules(column)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, rules) {
		t.Fatalf("UnmarshalRules(MarshalRules(x)) = %+v, want %+v: %s", back, rules, column)
	}
}
