package report_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec"
)

// TestHostileTexts: what somebody publishes is neither markup, nor a terminal's command, nor a formula.
func TestHostileTexts(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	for i, bad := range []string{`<script>alert(1)</script>`, "esc\x1b[2Jape", "=HYPERLINK(\"x\")",
		"a\r\nBcc: x@example.org",
		"right\u202eleft", `"><img src=x onerror=y>`, strings.Repeat("long", 10_000), "../../x?a#b", "\x00", "\xff\xfe"} {
		a.keep(a.message(monday.Add(time.Duration(i)*time.Minute), "org.example.prod.odd.thing",
			body{"name": bad, "user": bad, "text": bad, "package": bad}))
	}
	r := parse(t, `
report: odd
title: Odd <b>things</b>
sections:
  - title: Names
    group: msg.name
    top: 50
    link: 'https://example.org/x/{{path .key}}'
    columns: [{title: Texts, value: msg.text}]
  - title: All
    items: 50
template:
  html: '<p title="{{.Title}}">{{range .Sections}}{{range .Rows}}<a href="{{.Link}}">{{.Name}}</a>{{end}}{{end}}</p>'
`)
	usual := parse(t, strings.Split(r.Source, "template:")[0])
	for _, r := range []*report.Report{r, usual} {
		made, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
		if err != nil {
			t.Fatal(err)
		}
		said, err := made.Text()
		if err != nil {
			t.Fatal(err)
		}
		page, err := made.HTML()
		if err != nil {
			t.Fatal(err)
		}
		table, err := made.CSV()
		if err != nil {
			t.Fatal(err)
		}
		data, err := made.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for form, out := range map[string]string{"text": said, "HTML": string(page), "CSV": table, "JSON": string(data)} {
			if at := strings.IndexFunc(out, func(c rune) bool {
				return c != '\n' && unicode.IsControl(c) || c == '\u202e'
			}); at >= 0 {
				t.Errorf("%s: a control character: %q", form, out[max(0, at-20):at+10])
			}
			if len(out) > 100_000 {
				t.Errorf("%s has %d bytes", form, len(out))
			}
		}
		for _, bad := range []string{"<script", "<img", "<b>", "x/../"} {
			if strings.Contains(string(page), bad) {
				t.Errorf("the HTML has %q:\n%s", bad, page)
			}
		}
		if strings.Contains(string(data), "/x/longlong") {
			t.Error("a name that was cut has a link, which leads nowhere")
		}
		lines, err := csv.NewReader(strings.NewReader(table)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			for _, cell := range line {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("a formula: %q", cell)
				}
			}
		}
	}
}

// TestTemplateIsBounded: a template that loops or writes too much ends with an error, and the report's file is refused.
func TestTemplateIsBounded(t *testing.T) {
	for _, source := range []string{
		`{{range .Sections}}{{range .Rows}}{{range .Cells}}{{range .}}{{end}}{{end}}{{end}}{{end}}`,
		strings.Repeat("x", 40<<10),
	} {
		file := "report: x\ntitle: X\nsections: [{title: A}]\ntemplate:\n  text: '" + source + "'\n"
		_, err := report.Parse(rulespec.Env{}, "t.yaml", []byte(file))
		if err == nil {
			t.Errorf("taken: %.60s", source)
		}
	}
	a := newArchive(t, migratest.Copy(t))
	builds(a)
	r := parse(t, "report: x\ntitle: X\nsections: [{title: A, group: actor}]\ntemplate:\n  text: |\n    "+
		`{{.Title}}: {{range .Sections}}{{range .Rows}}{{pad .Name 8}}{{.Count}} {{.Change}}; {{end}}{{.Others}}{{end}}`)
	made, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	if said, err := made.Text(); err != nil || !strings.HasPrefix(said, "X: alice   3 +200 %; bob     2 new; ") {
		t.Errorf("%q, %v", said, err)
	}
}

// TestManyGroups: beyond the bound the frequent ones stay, with no more than they had and nearly as much.
func TestManyGroups(t *testing.T) {
	var names []string
	for i := range 20_000 {
		names = append(names, fmt.Sprint("rare", i))
		if i%10 == 0 {
			names = append(names, "often", "often", "twice")
		}
	}
	first, lost, held := report.Heavy(100, names)
	if held > 100 || lost == 0 {
		t.Errorf("%d groups are held, %d messages forgotten", held, lost)
	}
	if n := first["often"]; n > 4000 || n < 3900 {
		t.Errorf("the most frequent has %d, want nearly 4000: %v", n, first)
	}
	if n := first["twice"]; n > 2000 || n < 1900 {
		t.Errorf("the second has %d, want nearly 2000: %v", n, first)
	}
}

// TestNothingIsNewByForgetting: where groups of the window before were forgotten, nobody knows what has changed.
func TestNothingIsNewByForgetting(t *testing.T) {
	before := []string{"alice"}
	for i := range 500 {
		before = append(before, fmt.Sprint("rare", i))
	}
	if said := report.Changes(1000, before, []string{"alice", "bob"}); said["alice"] != "±0 %" || said["bob"] != "new" {
		t.Errorf("all were kept: %v", said)
	}
	if said := report.Changes(100, before, []string{"alice", "bob"}); said["alice"] != "" || said["bob"] != "" {
		t.Errorf("some were forgotten: %v", said)
	}
}

// TestManyValues: a column says how many values there are beside those it shows, and where it does not know all.
func TestManyValues(t *testing.T) {
	for values, want := range map[int]string{1: "v000", 3: "v000 and 2 more", 200: "v000 and 199 more",
		201: "v000 and at least 199 more", 5000: "v000 and at least 199 more"} {
		if got := report.CellOf(values); got != want {
			t.Errorf("of %d: %q, want %q", values, got, want)
		}
	}
}

// FuzzParse: no file of a report makes it fail, and one without a mistake can be made and read again.
func FuzzParse(f *testing.F) {
	f.Add(builders)
	f.Add("report: x\ntitle: X\nzone: Europe/Berlin\nwindow: 14d\nsections: [{title: A, group: user, items: 3, top: 7}]\n")
	f.Add("report: x\ntitle: X\nsections: [{title: A, when: 'msg.a', rules: [not: {user: x}, app: [a, b]]}]\n" +
		"template: {text: '{{range .Sections}}{{.Title}}{{end}}', html: '<p>{{.Title}}</p>'}\n")
	set, err := report.Load(nil, rulespec.Env{})
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range set.All() {
		f.Add(r.Source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		r, err := report.Parse(rulespec.Env{}, "f.yaml", []byte(source))
		if (r == nil) == (err == nil) {
			t.Fatalf("%v and %v", r, err)
		}
		if r == nil {
			return
		}
		start := r.Window.Start(monday, r.Zone)
		if next := r.Window.Next(start, 1, r.Zone); !next.After(start) || start.After(monday) || !next.After(monday) {
			t.Errorf("%s: %s to %s", r.Window, start, next)
		}
		if w, err := report.ParseWindow(r.Window.String()); err != nil || w != r.Window {
			t.Errorf("%v is read again as %v, %v", r.Window, w, err)
		}
	})
}

// TestPipeInTheFolder: whoever opens a pipe waits for who writes to it, and the daemon with it.
func TestPipeInTheFolder(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(folder, "x.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := report.Load(os.DirFS(folder), rulespec.Env{})
	if err == nil || !strings.Contains(err.Error(), "x.yaml: it is no regular file") {
		t.Errorf("%v", err)
	}
}
