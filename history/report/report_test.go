package report_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec"
)

const builders = `
report: builders
title: Who builds
window: week
rules: [app: buildsys]
vars: {pkg: msg.name}
sections:
  - title: Most builds
    group: actor
    top: 2
    span: true
    columns: [{title: Packages, value: pkg, top: 1}]
  - title: Started
    when: msg.new == 0
    items: 2
  - title: Rawhide
    rules: [actor: alice]
`

// builds stores builds of alice (3 and 1 before), bob (2) and carol (1).
func builds(a *archive) {
	say := func(at time.Time, who, pkg string, state int) *bus.Message {
		return a.message(at, "org.example.prod.buildsys.build.state.change", body{"owner": who, "name": pkg, "new": state,
			"version": "1", "release": "1", "build_id": 7, "instance": "primary", "attribute": "state"})
	}
	at := func(hours int) time.Time { return monday.Add(time.Duration(hours) * time.Hour) }
	a.keep(say(at(-200), "zoe", "old", 1), say(at(-2), "alice", "tea", 1))
	for i, who := range []string{"alice", "alice", "alice", "bob", "bob", "carol"} {
		a.keep(say(at(i), who, "tea", 1-i%2))
	}
	a.keep(say(at(7*24), "later", "tea", 0), a.message(at(3), "org.example.prod.odd.thing", body{}))
	forged := say(at(4), "mallory", "tea", 0)
	forged.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true}
	a.keep(forged)
}

// TestCounts: groups, columns, items, the window, the comparison, and what is not proved.
func TestCounts(t *testing.T) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		a := newArchive(t, db)
		builds(a)
		r, err := a.desk().Make(t.Context(), parse(t, builders), readers.Sources{}, monday, monday.AddDate(0, 0, 7))
		if err != nil {
			t.Fatal(err)
		}
		if r.Counted != 6 || r.Before != 1 || !r.Compared || r.Marked != 1 || !r.Finished {
			t.Errorf("%+v", r)
		}
		if got := rows(r, "Most builds"); got != "alice/tea bob/tea" {
			t.Errorf("groups: %q", got)
		}
		most := r.Sections[0]
		if alice := most.Rows[0]; alice.Count != 3 || alice.Before != 1 || !alice.First.Equal(monday) ||
			!alice.Last.Equal(monday.Add(2*time.Hour)) || most.Groups != 3 {
			t.Errorf("%+v", most)
		}
		if started := r.Sections[1]; started.Total != 3 || len(started.Items) != 2 ||
			!started.Items[0].Time.Equal(monday.Add(5*time.Hour)) || !strings.Contains(started.Items[0].Text, "tea") {
			t.Errorf("%+v", started)
		}
		if r.Sections[2].Total != 3 {
			t.Errorf("%+v", r.Sections[2])
		}
		said, err := r.Text()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Mon 2 Mar 2026 to Sun 8 Mar 2026 (UTC)",
			"6 messages, +500 % on the week before (1).",
			"1 message whose sender is not proved", "  alice         3     +200 %\n", "and 1 other\n", "Packages: tea (3)"} {
			if !strings.Contains(strings.ReplaceAll(said, "\nprov", " prov"), want) {
				t.Errorf("the text lacks %q:\n%s", want, said)
			}
		}
	})
}

// TestOldNames: messages whose names were packed by an older version, or not at all, count as others do.
func TestOldNames(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	builds(a)
	want, err := a.desk().Make(t.Context(), builtIn(t, "this-week"), readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.db.Writer.Exec("DELETE FROM message_facts WHERE message_id % 2 = 0").Error; err != nil {
		t.Fatal(err)
	}
	got, err := a.desk().Make(t.Context(), builtIn(t, "this-week"), readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(want.Sections), fmt.Sprint(got.Sections); a != b || want.Marked != got.Marked {
		t.Errorf("without some names:\n%s\nwith all:\n%s", b, a)
	}
}

// TestHistoryThatBeginsLate: nothing is compared with what was deleted, and the report says what it lacks.
func TestHistoryThatBeginsLate(t *testing.T) {
	a := newArchive(t, migratest.Copy(t))
	r := parse(t, builders)
	made, err := a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7))
	if err != nil || made.Counted != 0 || made.Compared {
		t.Errorf("of nothing: %+v, %v", made, err)
	}
	if said, err := made.Text(); err != nil || !strings.Contains(said, "The history is empty.") {
		t.Errorf("of nothing: %v\n%s", err, said)
	}
	builds(a)
	first := monday.Add(time.Hour).UnixMicro()
	if err := a.db.Writer.Exec("DELETE FROM messages WHERE sent_at < ?", first).Error; err != nil {
		t.Fatal(err)
	}
	if made, err = a.desk().Make(t.Context(), r, readers.Sources{}, monday, monday.AddDate(0, 0, 7)); err != nil {
		t.Fatal(err)
	}
	said, err := made.Text()
	if err != nil || made.Compared || !strings.Contains(said, "The history begins on Mon 2 Mar 2026 01:00") ||
		strings.Contains(said, "Change") {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestWindows: weeks begin on Monday, midnights are those of the zone, and none is lost when clocks change.
func TestWindows(t *testing.T) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	beirut, _ := time.LoadLocation("Asia/Beirut") // summer time begins at midnight
	for _, c := range []struct {
		window, at, start, next string
		zone                    *time.Location
	}{
		{"week", "2026-03-29T10:00:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z", berlin},
		{"7d", "2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z", berlin},
		{"day", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", berlin},
		{"day", "2026-03-29T12:00:00Z", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z", beirut},
		{"month", "2026-12-31T23:30:00Z", "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z", berlin},
		{"14d", "1969-12-31T00:00:00Z", "1969-12-22T00:00:00Z", "1970-01-05T00:00:00Z", time.UTC},
	} {
		w, err := report.ParseWindow(c.window)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.at)
		start := w.Start(at, c.zone)
		next := w.Next(start, 1, c.zone)
		if got := start.UTC().Format(time.RFC3339); got != c.start {
			t.Errorf("%s at %s begins at %s, want %s", c.window, c.at, got, c.start)
		}
		if got := next.UTC().Format(time.RFC3339); got != c.next {
			t.Errorf("%s at %s ends at %s, want %s", c.window, c.at, got, c.next)
		}
		if back := w.Next(next, -1, c.zone); !back.Equal(start) {
			t.Errorf("%s at %s: back from the next is %s", c.window, c.at, back)
		}
	}
}

// TestMistakes: each is said with its line and column.
func TestMistakes(t *testing.T) {
	good := "report: x\ntitle: X\nsections:\n  - title: A\n"
	for source, want := range map[string]string{
		"":                                                          "the file is empty",
		"report: x\ntitle: X\n":                                     `t.yaml:1:1: the key "sections" is missing`,
		good + "colour: red\n":                                      `t.yaml:5:1: unknown key "colour"; want one of report,`,
		good + "    groop: user\n":                                  `t.yaml:5:5: unknown key "groop"`,
		good + "    group: nothing\n":                               "t.yaml:5:12: group: unknown name nothing",
		good + "    top: 0\n":                                       `t.yaml:5:10: top: "0"; want a number between 1 and 200`,
		good + "    link: 'javascript:x'\n":                         "link",
		good + "    columns: []\n    span: true\n":                  "the section has no group",
		good + "rules: [{app: [a], package: [b]}]\n":                "t.yaml:5:20: a rule has one key",
		good + "rules: [user: '@me']\n":                             "a report has none",
		good + "rules: [not: {app: x}]\n":                           "has only rules under `not`",
		good + "window: fortnight\n":                                `t.yaml:5:9: window: "fortnight"; want day, week`,
		good + "zone: Mars/Base\n":                                  `no time zone`,
		good + "vars: {a: b, b: msg}\n":                             "unknown name b",
		good + "vars: {app: msg}\n":                                 `"app" is a name that is given already`,
		good + "template: {text: '{{range 9}}{{end}}'}\n":           "",
		good + "template: {text: '{{printf \"%1000000d\" 1}}'}\n":   `function "printf" not defined`,
		good + "template: {text: '{{.Nothing}}'}\n":                 "can't evaluate field Nothing",
		good + "template: {html: '<a href=\"{{.Title}}'}\n":         "ends in a non-text context",
		good + "template: {text: '{{define \"a\"}}{{end}}'}\n":      "define and block are not available",
		good + "template: {text: '{{template \"a\"}}'}\n":           "is not available",
		strings.Replace(good, "report: x", "report: Üb er", 1):      "is no name",
		good + "  - {title: B, group: user, sort: size}\n":          `sort: "size"; want count or name`,
		good + "  - {title: B, group: user, columns: [{top: 3}]}\n": "a column needs a value",
		good + "    when: 'msg.a ~~ b'\n":                           "t.yaml:5:11: when:",
		good + strings.Repeat("  - title: A\n", 20):                 "21 sections; want 1 to 20",
		good + "about: |\n  a\x01b\n":                               "",
	} {
		_, err := report.Parse(rulespec.Env{}, "t.yaml", []byte(source))
		if said := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.Contains(said, want) {
			t.Errorf("%q: %v, want %q", source, err, want)
		}
		var m *report.Mistake
		if err != nil && !errors.As(err, &m) {
			t.Errorf("%q: %T", source, err)
		}
	}
}

func TestTitleOfAWindowThatIsOver(t *testing.T) {
	for title, want := range map[string]string{"This week": "The week", "Builds of this month": "Builds of that month",
		"Today": "The day", "What failed today": "What failed that day", "this week of mine": "The week of mine",
		"Zürich this week": "Zürich that week", "Thistles": "Thistles", "Week": "Week"} {
		if got := report.Over(title); got != want {
			t.Errorf("%q becomes %q, want %q", title, got, want)
		}
	}
}
