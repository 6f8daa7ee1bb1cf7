package catalogue

import (
	"reflect"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

func TestPluralIsCompiledToParts(t *testing.T) {
	names := map[string]bool{"branch": true, "commits": true, "msg": true}
	for _, c := range []struct {
		src   string
		parts []Part
		needs string
	}{
		{"{{.actors}} pushed", []Part{{Name: "actors"}, {Text: " pushed"}}, ""},
		{`{{plural (sum .commits) "commit" "commits"}} to {{.branch}}`,
			[]Part{{Name: "commits", Sum: true, One: "commit", Many: "commits"}, {Text: " to "}, {Name: "branch"}}, "branch commits"},
		{"{{sum .commits}}", []Part{{Name: "commits", Sum: true}}, "commits"},
		{`{{if .failures}}, {{.failures}} failed{{else}} in {{.branch}}{{end}}`, []Part{{Text: ", ", If: "failures"}, {Name: "failures", If: "failures"},
			{Text: " failed", If: "failures"}, {Text: " in ", Unless: "failures"}, {Name: "branch", Unless: "failures"}}, "branch"},
		{"a\n  b{{/* nothing */}} \n {{.count}}", []Part{{Text: "a b"}, {Text: " "}, {Name: "count"}}, ""},
	} {
		p, err := compilePlural(c.src, names)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if !reflect.DeepEqual(p.parts, c.parts) || strings.Join(p.needs, " ") != c.needs {
			t.Errorf("%s: %+v needs %q", c.src, p.parts, p.needs)
		}
	}
}

func TestPluralRefusesWhatNobodyCouldFill(t *testing.T) {
	names := map[string]bool{"branch": true, "msg": true}
	for src, want := range map[string]string{
		"{{.msg.agent}}": "without dots", "{{.msg}}": "unknown name msg", "{{.other}}": "unknown name other", "{{truncate .branch 3}}": "not defined",
		"{{if .branch}}{{if .count}}x{{end}}{{end}}": "nested", "{{range .branch}}x{{end}}": "not available", "{{with .branch}}x{{end}}": "not available",
		`{{plural .branch "one"}}`: "want", `{{plural .branch .branch "many"}}`: "want {{plural", `{{sum .count}}`: "not count", `{{sum (sum .branch)}}`: "takes a name",
		`{{$x := .branch}}`: "want .name", `{{.branch | sum}}`: "want .name", `{{define "x"}}{{end}}`: "define", "{{.branch": "unclosed", `{{"text"}}`: "want .name",
		"{{if sum .branch}}x{{end}}": "asks for a name", strings.Repeat("{{.branch}}", 41): "at most 40", strings.Repeat("x", maxSource+1): "bytes",
	} {
		if _, err := compilePlural(src, names); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", src, err, want)
		}
	}
}

func FuzzPlural(f *testing.F) {
	for _, seed := range []string{"{{.actors}} x", `{{plural (sum .a) "b" "c"}}`, "{{if .a}}b{{else}}{{.count}}{{end}}", "{{if .a}}{{", "{{template \"x\"}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := compilePlural(src, map[string]bool{"a": true})
		if err != nil {
			return
		}
		for _, part := range p.parts {
			if (part.Text == "") == (part.Name == "") || part.Text != "" && (part.One != "" || part.Sum) {
				t.Errorf("%q gives %+v", src, part)
			}
		}
	})
}

func TestRelation(t *testing.T) {
	c := loadSite(t, `
app: library
vars:
  shelf: msg.shelf
  broken: msg.number + {}
entries:
  - topic: library.lent.{to}
    kind: library.lent
    name: Books lent
    group: ['"shelf " + shelf', '[msg.agent, msg.shelf]', msg.absent, '"book " + msg.absent', 'msg.absent + "  " + shelf']
    plural: '{{.actors}} lent {{plural .title "book" "books"}} of {{.shelf}} to {{.to}}, {{sum .days}} days'
    vars: {title: msg.titles, days: msg.days, unused: msg.unused}
    summary: a book was lent
    actor: msg.agent
`)
	e := c.Describe(&bus.Message{Topic: "org.example.prod.library.lent.bob", Body: body(t, `{"agent": "alice", "shelf": "A\nB", "titles": ["tea", "cup", "tea"], "days": 14}`)})
	r := e.Relation()
	if want := []string{"shelf A B", "alice\x1fA B", "", "", ""}; !reflect.DeepEqual(r.Keys, want) {
		t.Errorf("keys %q, want %q", r.Keys, want)
	}
	want := map[string][]string{"title": {"cup", "tea"}, "shelf": {"A B"}, "to": {"bob"}, "days": {"14"}}
	if !reflect.DeepEqual(r.Values, want) {
		t.Errorf("values %q, want %q", r.Values, want)
	}
	long := c.Describe(&bus.Message{Topic: "org.example.prod.library.lent.bob", Body: body(t, `{"shelf": "`+strings.Repeat("x", 300)+`"}`)})
	if keys := long.Relation().Keys; keys[0] != "" {
		t.Errorf("a key of 300 bytes gives %q", keys[0])
	}
	unknown := func(topic, agent string) string {
		return c.Describe(&bus.Message{Topic: topic, Body: body(t, `{"agent": "`+agent+`"}`)}).Relation().Keys[0]
	}
	first := unknown("org.example.prod.tea.boiled", "alice")
	if again := unknown("org.example.prod.tea.boiled", "alice"); again != first ||
		first == unknown("org.example.prod.tea.drunk", "alice") || first == unknown("org.example.prod.tea.boiled", "bob") {
		t.Error("unknown messages belong together by topic and actor")
	}
	if r := (&Event{Message: &bus.Message{}}).Relation(); r.Keys != nil {
		t.Errorf("an event of no catalogue has %+v", r)
	}
}
