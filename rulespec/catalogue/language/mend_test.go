package language

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// TestMended reads sentences whose message lacks what they want to say.
func TestMended(t *testing.T) {
	names := map[string]bool{"who": true, "x": true, "n": true, "thing": true, "action": true, "none": true, "done": true,
		"msg": true}
	env := map[string]any{"who": "bob", "x": "tea", "n": 12, "thing": "the pot", "done": "closed", "action": "was put on the list of"}
	for src, want := range map[string]string{
		`{{.who}} pushed to {{.none}}`:                                   "bob pushed",
		`{{.who}} pushed to {{.none}}: {{.thing}}`:                       "bob pushed: the pot",
		`{{.who}} pushed to {{.none}} ({{.x}})`:                          "bob pushed (tea)",
		`{{.who}} pushed to {{.x}} ({{.none}}): hot`:                     "bob pushed to tea: hot",
		`{{.who}} pushed to {{.x}} ({{.none}} {{.none}}): hot`:           "bob pushed to tea: hot",
		`{{.who}} pushed to {{.x}} ({{.none}}, {{.n}}): hot`:             "bob pushed to tea (12): hot",
		`{{.who}} pushed to {{.x}} ({{.n}}, {{.none}}): hot`:             "bob pushed to tea (12): hot",
		`{{.who}} pushed to {{.x}} for the {{.none}}: hot`:               "bob pushed to tea: hot",
		`{{.who}} a bâti {{.x}}… ({{.none}}): café –{{.n}}…`:             "bob a bâti tea…: café –12…",
		`{{.msg.captain}} built {{.x}}`:                                  "Somebody built tea",
		`{{.none}} built {{.x}}`:                                         "Something built tea",
		`{{default .none .who}} built {{.none}}`:                         "bob built something",
		`{{.none}}'s build of {{.x}} failed`:                             "Something's build of tea failed",
		`{{.who}} built {{.none}} for {{.x}}`:                            "bob built something for tea",
		`{{.who}} {{.none}} a comment on {{.x}}`:                         "bob acted on a comment on tea",
		`{{.who}} closed ticket {{.x}}#{{.none}}: {{.thing}}`:            "bob closed ticket tea: the pot",
		`{{.who}} closed ticket {{.none}}#{{.n}}: {{.thing}}`:            "bob closed ticket #12: the pot",
		`{{.who}} closed ticket {{.none}}#{{.none}}: {{.thing}}`:         "bob closed a ticket: the pot",
		`{{.who}} commented on issue {{.none}}: {{.thing}}`:              "bob commented on an issue: the pot",
		`{{.who}} deleted the {{.none}} {{.x}} of {{.thing}}`:            "bob deleted the tea of the pot",
		`{{.who}} deleted the tag {{.none}} of {{.x}}`:                   "bob deleted the tag of tea",
		`{{.who}} {{.done}} the ticket {{.none}}#{{.none}}`:              "bob closed the ticket",
		`{{.who}} deleted the {{.none}}`:                                 "bob deleted something",
		`{{.who}} {{.action}} {{.none}}`:                                 "bob was put on the list",
		`{{.x}} "{{.none}}" by {{.who}}`:                                 "tea by bob",
		`{{.x}} {{quote .none}} by {{.who}}`:                             "tea by bob",
		`{{.none}}/{{.x}} is full`:                                       "tea is full",
		`{{.x}}/{{.none}} is full`:                                       "tea is full",
		`{{.x}}-{{.none}}-{{.n}} is full`:                                "tea-12 is full",
		`{{.none}}: {{.x}} is full`:                                      "tea is full",
		`{{.x}} is full, says {{.none}}`:                                 "tea is full, says something",
		`{{.x}} changed from {{.none}} to {{.none}}`:                     "tea changed",
		`{{.x}}: {{.none}}`:                                              "",
		`{{.none}} {{.none}}`:                                            "",
		`{{.x}} has {{plural .n "cup" "cups"}}[ of {{.none}}]!`:          "tea has 12 cups!",
		`{{.x}} [({{.n}}[, {{.none}}])] is full`:                         "tea (12) is full",
		`{{.x}} is full[ of {{if .none}}no{{end}}{{.none}}] by {{.who}}`: "tea is full by bob",
	} {
		s, err := CompileSentence(src, names)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		sc := scopeOf(env)
		if _, err := s.Render(sc); err != nil {
			t.Errorf("%s: %v", src, err)
		}
		if got := sc.Mended("msg.captain"); got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
}

func TestLeftOut(t *testing.T) {
	s, err := CompileSentence(`{{.x}} by {{.who}}[ for {{.n}}[ and {{.m}}]][, {{if .x}}{{.m}}{{end}}]`,
		map[string]bool{"who": true, "x": true, "n": true, "m": true})
	if err != nil {
		t.Fatal(err)
	}
	sc := scopeOf(map[string]any{"x": "tea"})
	if _, err := s.Render(sc); err != nil || sc.Whole() {
		t.Errorf("%q is whole; %v", sc.Text(), err)
	}
	want := []string{"[ and {{.m}}]", "[ for {{.n}}[ and {{.m}}]]", "[, {{if .x}}{{.m}}{{end}}]", "{{.who}}"}
	if got := sc.LeftOut(); !equal(got, want) {
		t.Errorf("left out %q, want %q", got, want)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestMendedNeverFails mends sentences of any words and signs.
func TestMendedNeverFails(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"{{.who}}", "{{.none}}", "{{.b}}", "{{.of}}", `{{"["}}`, " ", "of ", "the ", "(", ")", "'", "\"", ",",
		":", "#", "/", "'s ", "built ", "a", "–", "→ ", "…", ";", "é"}
	env := map[string]any{"who": "bob", "none": " ", "b": "(é)", "of": "  of"}
	names := map[string]bool{"who": true, "none": true, "b": true, "of": true}
	for range 20_000 {
		src := ""
		for range 1 + random.IntN(12) {
			src += parts[random.IntN(len(parts))]
		}
		s, err := CompileSentence(src, names)
		if err != nil {
			t.Fatal(src, err)
		}
		sc := scopeOf(env)
		if _, err := s.Render(sc); err != nil {
			t.Fatal(src, err)
		}
		if got := sc.Mended("msg.captain"); !utf8.ValidString(got) {
			t.Fatalf("%s: %q", src, got)
		}
	}
}
