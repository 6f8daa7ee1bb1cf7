package desktop

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/backendtest"
)

// What belongs together is one line of the summary, the failures first, also when it has been through the feed.
func TestSummaryMerges(t *testing.T) {
	notices := append([]backends.Notice{backendtest.Samples()[2]}, backendtest.Builds(7)...)
	notices = append(notices, backendtest.Many(6)...)
	var items []Item
	for _, n := range notices {
		data, err := json.Marshal(item(n, "https://notify.example.org/"))
		if err != nil {
			t.Fatal(err)
		}
		var it Item
		if err := json.Unmarshal(data, &it); err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	bubbles := arrange(items, 0)
	if len(bubbles) != 1 || bubbles[0].title != "14 notices" {
		t.Fatalf("bubbles %+v", bubbles)
	}
	lines := strings.Split(bubbles[0].body, "\n")
	if lines[0] != "• carol built bash-5.3-1, bash-5.3-2 and 5 others, 3 failed (7)" ||
		lines[len(lines)-1] != "and 2 more" || len(lines) != 7 {
		t.Errorf("lines %q", lines)
	}
}

// A bubble says in its head that nothing is proved, and before its text what that means; so do the lines of a summary.
func TestMarkedBubbles(t *testing.T) {
	var items []Item
	for _, n := range backendtest.Marked() {
		items = append(items, item(n, ""))
	}
	for i, b := range arrange(items, 0) {
		n := b.notification(false, true)
		if n.Summary != items[i].Tag()+items[i].Title || !strings.HasPrefix(n.Body, items[i].Caution+"\n\n") ||
			!strings.HasSuffix(n.Body, items[i].Text) || len(n.Actions) != 0 {
			t.Errorf("%+v", n)
		}
	}
	for _, n := range backendtest.Builds(7) {
		items = append(items, item(n, ""))
	}
	lines := strings.Split(arrange(items, 0)[0].body, "\n")
	if len(lines) != 3 || strings.Contains(lines[0], "[") ||
		lines[1] != "• [unsigned] [evil[.]example] All passwords must be changed today" ||
		lines[2] != "• [wrong signer] bob commented on the update of zsh" {
		t.Errorf("lines %q", lines)
	}
}

func TestGroupingInTheFeedIsBounded(t *testing.T) {
	n := backendtest.Builds(1)[0]
	if it := item(n, ""); len(it.Grouping.Template) == 0 || len(it.Grouping.Values) == 0 {
		t.Errorf("an ordinary one is %+v", it.Grouping)
	}
	for range 1000 {
		n.Grouping.Values["nvr"] = append(n.Grouping.Values["nvr"], strings.Repeat("x", 100))
		n.Grouping.Keys = append(n.Grouping.Keys, strings.Repeat("k", 5000))
	}
	data, err := json.Marshal(item(n, "").Grouping)
	if err != nil || len(data) > 2*maxNames*maxTitle {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestTextsKeepTheirLimits(t *testing.T) {
	long := strings.Repeat("é", 20_000)
	n := bubble{title: long, body: long + "\n" + long}.notification(false, true)
	if utf8.RuneCountInString(n.Summary) > titleRunes || utf8.RuneCountInString(n.Body) > bodyRunes {
		t.Errorf("a bubble of %d and %d runes", utf8.RuneCountInString(n.Summary), utf8.RuneCountInString(n.Body))
	}
	it := item(backends.Notice{Title: long, Text: long, Users: []string{long}}, "")
	if len(it.Title) > maxTitle || len(it.Text) > maxText || len(it.Users[0]) > maxTitle {
		t.Errorf("an item of %d, %d and %d bytes", len(it.Title), len(it.Text), len(it.Users[0]))
	}
}
