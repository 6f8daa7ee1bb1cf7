package suggest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// fixturesOf gives the messages of a file of fixtures, as an application sends them that no catalogue knows.
func fixturesOf(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fixtures []struct {
		Message json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(data, &fixtures); err != nil {
		t.Fatal(err)
	}
	var lines []json.RawMessage
	for _, f := range fixtures {
		lines = append(lines, ofNobody(t, f.Message))
	}
	return lines
}

// TestDraftsAreNoWorseThanNothing: what the convention finds in a message, the draft that was made of it finds too.
func TestDraftsAreNoWorseThanNothing(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	all := 0
	for _, file := range files {
		lines := fixturesOf(t, file)
		for _, d := range draftsOf(t, lines...) {
			c, err := catalogue.Load(fstest.MapFS{d.App + ".yaml": {Data: []byte(d.Text)}})
			if err != nil {
				t.Errorf("%v\n%s", err, d.Text)
				continue
			}
			for _, line := range lines {
				m, err := bus.DecodeLine(line, time.Unix(0, 0))
				if err != nil {
					t.Fatal(err)
				}
				if !c.Knows(m) {
					continue
				}
				all++
				compare(t, embedded(t).Describe(m), c.Describe(m), string(line))
			}
		}
	}
	if all < 500 {
		t.Errorf("only %d messages were compared", all)
	}
}

// notLearned are the entries whose objects the convention knows better, and why.
var notLearned = map[string]string{
	"draft-coreos.build.state.change":        "a version that looks like an address of the Internet",
	"draft-errata.builds.changed.2":          "the build is in a list",
	"draft-freshmaker.event.state.changed":   "the build is in a list",
	"draft-gitlab.message":                   "many sorts of things in one topic",
	"draft-pagure.pull-request.flag.updated": "the project has another form in each message",
}

// compare reports what a draft lacks that the convention has.
func compare(t *testing.T, convention, draft *catalogue.Event, line string) {
	t.Helper()
	// by the adder and the commenter, where the convention takes the reviewer and the author of the request
	better := draft.Kind == "draft-gerrit.reviewer-added" || draft.Kind == "draft-obs.request.comment"
	if convention.Actor != "" && draft.Actor != convention.Actor && !better {
		t.Errorf("%s: actor %q, by convention %q\n   %.300s", draft.Kind, draft.Actor, convention.Actor, line)
	}
	for what, sets := range map[string][2][]string{"users": {convention.Users, draft.Users},
		"packages": {convention.Packages, draft.Packages}, "objects": {convention.Objects, draft.Objects}} {
		for _, name := range sets[0] {
			if what == "objects" && notLearned[draft.Kind] != "" {
				continue
			}
			if !slices.Contains(sets[1], name) {
				t.Errorf("%s: %s %q, by convention %q\n   %.300s", draft.Kind, what, sets[1], sets[0], line)
				break
			}
		}
	}
	if convention.Prose().Link != "" && draft.Prose().Link == "" {
		t.Errorf("%s: no link, by convention %q\n   %.300s", draft.Kind, convention.Prose().Link, line)
	}
}
