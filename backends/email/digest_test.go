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
			Time: noon().Add(time.Duration(minute) * time.Minute), Title: title, Severity: severity, Packages: packages, App: "app",
			Text: "text of " + title, Link: "https://example.org/" + title, Why: []backends.Reason{{Filter: "f", Sentence: "s"}},
		}
	}
	m := rendered(t, testBackend(t), backends.Parcel{ID: "d", To: "a@example.org", Notices: []backends.Notice{
		note(1, "info", "one", "zsh"), note(2, "info", "two", "bash"), note(3, "error", "three", "bash"), note(4, "critical", "four"),
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
		for _, want := range []string{fmt.Sprintf("\n%d. %s\n\ntext of %s\n\nhttps://example.org/%s\n", i+1, title, title, title)} {
			if !strings.Contains(m.text, want) {
				t.Errorf("the text lacks %q", want)
			}
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
		{"a run that fits", 90, "", 500_000}, {"a long run", 5000, "", 200_000}, {"a run of long texts", 50, long, minBytes},
		{"many short", 3000, "", minBytes}, {"many long", 300, long, minBytes}, {"two long", 2, long, minBytes},
		{"all fit", 100, "", 500_000}, {"very many", 20_000, "", 500_000}, {"wide characters", 2000, strings.Repeat("日本語 ", 500), 200_000},
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
			m := rendered(t, b, backends.Parcel{ID: "d", To: "a@example.org", Notices: ns, Manage: "https://n.example.org/me"})
			listed, unlisted, told, untold := account(t, m.text)
			if listed+unlisted != c.count || told+untold != listed {
				t.Errorf("of %d notices %d are listed and %d are said not to be; %d are told and %d are said not to be", c.count, listed, unlisted, told, untold)
			}
			if listed == 0 || told == 0 {
				t.Errorf("listed %d, told %d: there is room for some", listed, told)
			}
			if strings.Contains(c.name, "fit") && (unlisted > 0 || untold > 0) {
				t.Errorf("left out %d and %d where all would fit", unlisted, untold)
			}
			if unlisted > 0 != strings.Contains(m.html, fmt.Sprintf("and %d more", unlisted)) {
				t.Errorf("the HTML does not say that %d are missing", unlisted)
			}
		})
	}
}

// account counts what a digest's text lists and tells, and what it says that it does not.
func account(t *testing.T, text string) (listed, unlisted, told, untold int) {
	t.Helper()
	contents, details, _ := strings.Cut(text, "\n"+rule+"\n")
	contents = strings.ReplaceAll(contents, "\n      ", " ")
	for _, l := range regexp.MustCompile(`(?m)^ *\d+\. .*?(?:\((\d+) notices, .*\))?$`).FindAllStringSubmatch(contents, -1) {
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
	told = len(regexp.MustCompile(`(?m)^(?:\d+\.|  \* (?:\[error\] )?)\s*sample notice`).FindAllString(details, -1))
	return listed, number(`… and (\d+) more, for`), told, number(`The texts of (\d+) notices? from`)
}

func TestLongTextIsCutAndSaysSo(t *testing.T) {
	n := backendtest.Samples()[0]
	n.Text = strings.Repeat("words and ", 100_000)
	m := rendered(t, testBackend(t), backends.Parcel{ID: "x", To: "a@example.org", Notices: []backends.Notice{n}})
	if !strings.Contains(m.text, "[The text was shortened; the link leads to all of it.]") || !strings.Contains(m.html, "The text was shortened") {
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
		rule + " 1. " + sentence + " * [error] sample notice 1 of a digest", "builds.example.org/build/1 2026-03-04 05:06 UTC · Failed builds * [error] sample notice 4 of a digest",
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
	if len(c.Sections) != 1 || len(c.Sections[0].Entries) != 1 || c.Sections[0].Entries[0].Times != 3 || c.Sections[0].Entries[0].Title != n.Title {
		t.Errorf("sections %+v", c.Sections)
	}
}

// The footer names every filter and every way out.
func TestWhy(t *testing.T) {
	for name, p := range gallery() {
		m := rendered(t, testBackend(t), p)
		for _, n := range p.Notices {
			for _, w := range n.Why {
				flat := strings.Join(strings.Fields(m.text), " ")
				for _, want := range []string{"“" + w.Filter + "”: " + w.Sentence, w.Link, w.Stop, p.Manage} {
					if !strings.Contains(flat, want) {
						t.Errorf("%s: the text lacks %q", name, want)
					}
				}
				for _, want := range []string{`href="` + w.Link + `"`, `href="` + w.Stop + `"`, `href="` + p.Manage + `"`} {
					if !strings.Contains(m.html, want) {
						t.Errorf("%s: the HTML lacks %q", name, want)
					}
				}
			}
		}
	}
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{strings.Repeat("word ", 20) + "end", strings.TrimRight(strings.Repeat("word ", 14), " ") + "\n" + strings.Repeat("word ", 6) + "end"},
		{"see " + long + " there", "see\n" + long + "\nthere"},
		{"  " + long, "  " + long},
		{"a\n" + "  indented " + long, "a\n  indented " + long},
		{strings.Repeat("é", 72), strings.Repeat("é", 72)},
	} {
		if got := wrapText(c.in); got != c.want {
			t.Errorf("wrapText(%q) =\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
}
