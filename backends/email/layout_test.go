package email

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

func TestDigestPutsTheWorstFirst(t *testing.T) {
	note := func(minute int, severity, title string, packages ...string) backends.Notice {
		return backends.Notice{
			Time: noon().Add(time.Duration(minute) * time.Minute), Title: title, Severity: severity,
			Packages: packages, App: "app",
			Text: "text of " + title, Link: "https://example.org/" + title,
			Why: []backends.Reason{{Filter: "f", Sentence: "s"}},
		}
	}
	m := rendered(t, testBackend(t), backends.Parcel{ID: "d", To: "a@example.org", Notices: []backends.Notice{
		note(1, "info", "one", "zsh"), note(2, "info", "two", "bash"), note(3, "error", "three", "bash"),
		note(4, "critical", "four"),
		note(5, "info", "five", "bash", "zsh"), note(6, "warning", "six", "zsh"),
	}})
	var titles, headings []string
	for _, line := range strings.Split(m.text[:strings.Index(m.text, rule)], "\n")[1:] {
		if l := regexp.MustCompile(`^ +\d+\. (?:\[\w+\] )?(\w+)`).FindStringSubmatch(line); l != nil {
			titles = append(titles, l[1])
		} else if line != "" {
			headings = append(headings, line)
		}
	}
	if got := strings.Join(titles, " "); got != "four three two five six one" {
		t.Errorf("order %q", got)
	}
	if got := strings.Join(headings, ", "); got != "app, bash (3), zsh (2)" {
		t.Errorf("groups %q", got)
	}
	if !strings.HasPrefix(m.text, "6 notices, among them 1 critical and 1 error and 1 warning.\n") {
		t.Errorf("the head is %.80q", m.text)
	}
	for i, title := range []string{"four", "three", "two", "five", "six", "one"} {
		want := fmt.Sprintf("\n%d. %s\n\ntext of %[2]s\n\nhttps://example.org/%[2]s\n", i+1, title)
		if !strings.Contains(m.text, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
}

// However many notices there are and however long, the message keeps its bound and accounts for every one of them.
func TestLargeDigestsAreBoundedAndHonest(t *testing.T) {
	long := strings.Repeat("a long text, ", 10_000)
	for _, c := range []struct {
		name     string
		count    int
		text     string
		maxBytes int
	}{
		{"a run that fits", 90, "", 500_000}, {"a long run", 5000, "", 200_000},
		{"a run of long texts", 50, long, minBytes},
		{"many short", 3000, "", minBytes}, {"many long", 300, long, minBytes}, {"two long", 2, long, minBytes},
		{"all fit", 100, "", 500_000}, {"very many", 20_000, "", 500_000},
		{"wide characters", 2000, strings.Repeat("日本語 ", 500), 200_000},
		{"much to escape", 500, strings.Repeat(`<&>"'`, 500), minBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			ns := backendtest.Many(c.count)
			if strings.Contains(c.name, "run") {
				ns = backendtest.Builds(c.count)
			}
			for i := range ns {
				ns[i].Text += c.text
			}
			b := newBackend(t, Config{Host: "mx", From: "n@example.org", MaxBytes: c.maxBytes})
			m := rendered(t, b, backends.Parcel{ID: "d", To: "a@example.org", Notices: ns,
				Manage: "https://n.example.org/me"})
			listed, unlisted, texts, omitted := account(t, m.text)
			if listed+unlisted != c.count || texts+omitted != listed {
				t.Errorf("of %d notices %d are listed, %d are counted as unlisted, %d have texts, %d are omitted",
					c.count, listed, unlisted, texts, omitted)
			}
			if listed == 0 || texts == 0 {
				t.Errorf("listed %d, texts %d: there is room for some", listed, texts)
			}
			if strings.Contains(c.name, "fit") && (unlisted > 0 || omitted > 0) {
				t.Errorf("left out %d and %d where all would fit", unlisted, omitted)
			}
			if unlisted > 0 != strings.Contains(m.html, fmt.Sprintf("and %d more", unlisted)) {
				t.Errorf("the HTML does not say that %d are missing", unlisted)
			}
		})
	}
}

// account counts what a digest's text lists, the texts in it, and what it says is missing of both.
func account(t *testing.T, text string) (listed, unlisted, texts, omitted int) {
	t.Helper()
	contents, details, _ := strings.Cut(text, "\n"+rule+"\n")
	contents = strings.ReplaceAll(contents, "\n      ", " ")
	for _, l := range regexp.MustCompile(`(?m)^ *\d+\. .*?(?:\((\d+) notices, .*\))?$`).FindAllStringSubmatch(contents,
		-1) {
		times, err := strconv.Atoi(l[1])
		if err != nil {
			times = 1
		}
		listed += times
	}
	number := func(pattern string) int {
		l := regexp.MustCompile(pattern).FindStringSubmatch(strings.ReplaceAll(text, "\n", " "))
		if l == nil {
			return 0
		}
		n, err := strconv.Atoi(l[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	texts = len(regexp.MustCompile(`(?m)^(?:\d+\.|  \* (?:\[error\] )?)\s*sample notice`).FindAllString(details, -1))
	return listed, number(`… and (\d+) more, for`), texts, number(`The texts of (\d+) notices? from`)
}

func TestLongTextIsCutAndSaysSo(t *testing.T) {
	n := backendtest.Samples()[0]
	n.Text = strings.Repeat("words and ", 100_000)
	m := rendered(t, testBackend(t), backends.Parcel{ID: "x", To: "a@example.org", Notices: []backends.Notice{n}})
	if !strings.Contains(m.text, "[The text was shortened; the link leads to all of it.]") ||
		!strings.Contains(m.html, "The text was shortened") {
		t.Error("a shortened text does not say so")
	}
	if !strings.Contains(m.text, n.Link) || len(m.text) < 5000 {
		t.Errorf("%d characters are left, or the link is gone", len(m.text))
	}
}

// What belongs together is one line with its counts and span, the failures first, and every link is there.
func TestGroupsAreOneLine(t *testing.T) {
	ns := append(backendtest.Builds(6), backendtest.Samples()[2])
	m := rendered(t, testBackend(t), backends.Parcel{ID: "d", To: "a@example.org", Notices: ns})
	flat := strings.Join(strings.Fields(m.text), " ")
	const sentence = "carol built bash-5.3-1, bash-5.3-2 and 4 others, 2 failed"
	for _, want := range []string{
		"bash (6) 1. [error] " + sentence + " (6 notices, 2026-03-04 05:06–05:11 UTC)", "2. Zoë edited",
		rule + " 1. " + sentence + " * [error] sample notice 1 of a digest",
		"builds.example.org/build/1 2026-03-04 05:06 UTC · Failed builds * [error] sample notice 4 of a digest",
		"2026-03-04 05:06–05:11 UTC · error · filter: My packages",
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("the text lacks %q:\n%s", want, m.text)
		}
	}
	for _, n := range ns {
		if strings.Count(m.text, n.Link+"\n") != 1 || !strings.Contains(m.html, `href="`+n.Link+`"`) {
			t.Errorf("%s is not there once", n.Link)
		}
	}
	if strings.Count(flat, sentence) != 2 || strings.Count(m.html, sentence) != 3 { // the title of the page says it too
		t.Error("the sentence is not once in the contents and once above the notices")
	}
	if got := m.header.Get("Subject"); got != "7 notices: "+sentence {
		t.Errorf("subject %q", got)
	}
}

func TestEqualTitlesAreOneLine(t *testing.T) {
	n := backendtest.Samples()[0]
	c := layOut(backends.Parcel{Notices: []backends.Notice{n, n, n}}, 100_000)
	if len(c.Sections) != 1 || len(c.Sections[0].Entries) != 1 || c.Sections[0].Entries[0].Times != 3 ||
		c.Sections[0].Entries[0].Title != n.Title {
		t.Errorf("sections %+v", c.Sections)
	}
}

func TestSectionsAreNamedByWhatAllOfALineAreAbout(t *testing.T) {
	about := func(app, object string, packages ...string) backends.Notice {
		return backends.Notice{Topic: "t", App: app, Kind: "k", KindName: "Kinds", Packages: packages,
			Objects: []string{object}, Actor: object,
			Grouping: backends.Grouping{Keys: []string{object}}}
	}
	for _, c := range []struct {
		name    string
		notices []backends.Notice
		want    string
	}{
		{"one package", []backends.Notice{about("a", "x", "tea"), about("a", "x", "tea")}, "tea 2"},
		{"several packages", []backends.Notice{about("a", "x", "tea"), about("a", "x", "cup")}, "a 2"},
		{"object", []backends.Notice{about("a", "x"), about("a", "x")}, "x 2"},
		{"several packages, no application", []backends.Notice{about("", "x", "tea"), about("", "x", "cup")},
			"other 2"},
		{"lines of one package", []backends.Notice{about("a", "x", "tea"), about("a", "y", "tea"),
			about("a", "x", "tea")}, "tea 3"},
	} {
		got := sections(c.notices)
		if len(got) != 1 || fmt.Sprint(got[0].Name, " ", got[0].Count) != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}
