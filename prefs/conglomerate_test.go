package prefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A conglomerate is a case of the corpus: messages, and the groups that Fedora's notifier made of them.
type conglomerate struct {
	Name      string            `json:"name"`
	Originals []json.RawMessage `json:"originals"`
	Expect    []struct {
		Subtitle  string   `json:"subtitle"`
		Start     float64  `json:"start_time"`
		End       float64  `json:"end_time"`
		Usernames []string `json:"usernames"`
		Packages  []string `json:"packages"`
		Topics    []string `json:"topics"`
	} `json:"expect"`
}

// TestGroupsOfTheCorpus: we put the same messages together as Fedora's notifier, and our sentence contains the facts
// of its sentence.
func TestGroupsOfTheCorpus(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "corpus", "fedora-classic-conglomerate.jsonl"))
	if err != nil {
		t.Skip("needs ../shared/corpus")
	}
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	groups, facts, found := 0, 0, 0
	for line := range bytes.Lines(data) {
		var cong conglomerate
		if err := json.Unmarshal(line, &cong); err != nil {
			t.Fatal(err)
		}
		merged := backends.Merge(noticesOf(t, c, cong.Originals))
		if len(merged) != len(cong.Expect) {
			t.Errorf("%s: %d groups, want %d", cong.Name, len(merged), len(cong.Expect))
		}
		for _, want := range cong.Expect {
			i := slices.IndexFunc(merged, func(g backends.Group) bool {
				return g.First.Unix() == int64(want.Start) && g.Last.Unix() == int64(want.End) &&
					slices.Equal(topicsOf(g), want.Topics) &&
					shareUser(g, want.Usernames)
			})
			groups++
			if i < 0 {
				t.Errorf("%s: no group like %q", cong.Name, want.Subtitle)
				continue
			}
			g := merged[i]
			if len(g.Notices) == 1 {
				continue
			}
			for _, fact := range factsIn(want.Subtitle, g, cong.Originals) {
				facts++
				if strings.Contains(g.Title, fact) {
					found++
				} else {
					t.Errorf("%s: %q lacks %q", cong.Name, g.Title, fact)
				}
			}
			t.Logf("%s: %d notices, %s: %s", cong.Name, len(g.Notices), g.Span(), g.Title)
		}
	}
	t.Logf("%d groups; %d of %d facts", groups, found, facts)
}

func topicsOf(g backends.Group) []string {
	var topics []string
	for _, n := range g.Notices {
		topics = append(topics, n.Topic)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// shareUser reports whether a group is of one of those people. A mail address that no account is known for is none to
// us.
func shareUser(g backends.Group, users []string) bool {
	users = slices.DeleteFunc(slices.Clone(users), func(u string) bool { return strings.Contains(u, "@") })
	if len(users) == 0 {
		return len(g.Notices[0].Users) == 0
	}
	return slices.ContainsFunc(g.Notices[0].Users, func(u string) bool { return slices.Contains(users, u) })
}

// factsIn returns the words of a sentence that come from the messages: numbers, names, and values of their fields.
func factsIn(sentence string, g backends.Group, originals []json.RawMessage) []string {
	values := map[string]bool{}
	for _, n := range g.Notices {
		for _, raw := range originals {
			if strings.Contains(string(raw), n.ID) {
				var v any
				_ = json.Unmarshal(raw, &v)
				collect(v, values)
			}
		}
	}
	var facts []string
	for _, word := range strings.FieldsFunc(sentence, func(r rune) bool { return strings.ContainsRune(" ,:()\"", r) }) {
		if (values[word] || strings.ContainsAny(word, "0123456789")) && !slices.Contains(facts, word) {
			facts = append(facts, word)
		}
	}
	return facts
}

// collect gathers the texts in a value. Of a path it takes the last part.
func collect(v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		into[v], into[v[strings.LastIndexByte(v, '/')+1:]] = true, true
	case []any:
		for _, x := range v {
			collect(x, into)
		}
	case map[string]any:
		for _, x := range v {
			collect(x, into)
		}
	}
}

// TestGroupFixtures compares the digests of our own messages with their fixtures.
func TestGroupFixtures(t *testing.T) { compareDigests(t, "groups.json") }

// TestDigestsReadAloud compares what waits for one person, of many applications, with the lines of a digest that were
// read aloud: one thing is one line.
func TestDigestsReadAloud(t *testing.T) { compareDigests(t, "digests.json") }

func compareDigests(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name     string            `json:"name"`
		Messages []json.RawMessage `json:"messages"`
		Lines    []string          `json:"lines"` // how many notices, and the sentence
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range cases {
		var lines []string
		for _, g := range backends.Merge(noticesOf(t, c, test.Messages)) {
			lines = append(lines, fmt.Sprintf("%d: %s", len(g.Notices), g.Title))
		}
		if !slices.Equal(lines, test.Lines) {
			t.Errorf("%s:\n  %s\nwant\n  %s", test.Name, strings.Join(lines, "\n  "), strings.Join(test.Lines, "\n  "))
		}
	}
}

// TestSentencesAboutSeveralAreWhole groups every fixture of the catalogue with itself: no sentence about several
// messages may have a gap.
func TestSentencesAboutSeveralAreWhole(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "rulespec", "catalogue", "testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of fixtures, %v", len(files), err)
	}
	c, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, file := range files {
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
		for _, f := range fixtures {
			n := noticesOf(t, c, []json.RawMessage{f.Message, f.Message})
			n[1].ID, n[1].Time, n[1].Title = "again", n[1].Time.Add(time.Hour), "again"
			if len(n[0].Grouping.Template) > 0 {
				declared++
			}
			groups := backends.Merge(n)
			if len(groups) != 1 {
				t.Errorf("%s: two of the same are %d lines", n[0].Kind, len(groups))
				continue
			}
			for _, hole := range []string{"  ", " ,", "()", "<", ": ,", " 0 "} {
				if s := groups[0].Title; s == "" || strings.TrimSpace(s) != s || len(n[0].Grouping.Template) > 0 &&
					strings.Contains(" "+s, hole) {
					t.Errorf("%s: %q", n[0].Kind, s)
				}
			}
		}
	}
	if declared < 20 {
		t.Errorf("only %d fixtures are of kinds with a sentence about several", declared)
	}
	for _, f := range c.Failures() {
		t.Errorf("%s %s: field %s failed %d times", f.App, f.Kind, f.Field, f.Count)
	}
}

func noticesOf(t *testing.T, c *catalogue.Catalogue, messages []json.RawMessage) []backends.Notice {
	t.Helper()
	var notices []backends.Notice
	for _, raw := range messages {
		m, err := bus.DecodeLine(raw, time.Unix(1500000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		notices = append(notices, notice(c.Describe(m)))
	}
	return notices
}
