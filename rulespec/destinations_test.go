package rulespec_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/rulespec"
)

const withDestinations = `destinations:
  - to: "email:alice@example.org"
    every: 1h30m
    count: 50
  - to: "irc:alice@tea.example.org"
  - to: "desktop:alice"
    every: 24h
  - to: "email:bob@example.org"
    at: "07:00"
    days: [monday, saturday, sunday]
filters:
  - name: x
    rules:
      - everything: true
`

// The schedules of destinations are read and written, byte for byte.
func TestDestinations(t *testing.T) {
	file, err := rulespec.Parse(rulespec.Env{}, []byte(withDestinations))
	if err != nil {
		t.Fatal(err)
	}
	want := []rulespec.FileDestination{
		{To: "email:alice@example.org", Every: 90 * time.Minute, Count: 50, Line: 2},
		{To: "irc:alice@tea.example.org", Line: 5},
		{To: "desktop:alice", Every: 24 * time.Hour, Line: 6},
		{To: "email:bob@example.org", At: "07:00", Days: []time.Weekday{time.Monday, time.Saturday, time.Sunday},
			Line: 8},
	}
	if !reflect.DeepEqual(file.Destinations, want) {
		t.Errorf("destinations = %+v, want %+v", file.Destinations, want)
	}
	if got := string(rulespec.Format(file)); got != withDestinations {
		t.Errorf("Format(Parse(x)):\n%s\nwant x:\n%s", got, withDestinations)
	}
	for d, want := range map[time.Duration]string{time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s",
		10 * time.Hour: "10h", time.Second: "1s"} {
		text := string(rulespec.Format(rulespec.File{Destinations: []rulespec.FileDestination{{To: "a:b", Every: d}}}))
		if !strings.Contains(text, "every: "+want+"\n") {
			t.Errorf("%v is written %q, want %s", d, text, want)
		}
	}
}

func TestDestinationsSayWhatIsWrong(t *testing.T) {
	tooMany := "destinations:\n"
	for i := range rulespec.MaxTargets + 1 {
		tooMany += fmt.Sprintf("  - to: a:%d\n", i)
	}
	for _, c := range []struct{ text, want string }{
		{"destinations: a\n", "line 1, column 15: `destinations` is a list"},
		{"destinations:\n  - a\n", "line 2, column 5: a destination is a mapping"},
		{"destinations:\n  - every: 1h\n", "a destination needs a `to`"},
		{"destinations:\n  - to: alice\n", `"alice" is no destination`},
		{"destinations:\n  - to: a:b\n    every: 1\n", `line 3, column 12: "1" is no length of time`},
		{"destinations:\n  - to: a:b\n    every: -1h\n", "is no length of time"},
		{"destinations:\n  - to: a:b\n    count: many\n", "is no number of notices"},
		{"destinations:\n  - to: a:b\n    count: 0\n", "is no number of notices"},
		{"destinations:\n  - to: a:b\n    at: 7:00\n", `"7:00" is no time of day; one is written 07:00`},
		{"destinations:\n  - to: a:b\n    at: 24:00\n", "is no time of day"},
		{"destinations:\n  - to: a:b\n    days: [mon]\n", "line 3, column 11: `days` is a list of days"},
		{"destinations:\n  - to: a:b\n    days: [monday, monday]\n", "each once"},
		{"destinations:\n  - to: a:b\n    days: [monday]\n", "line 2, column 5: `days` say nothing without `at`"},
		{"destinations:\n  - to: a:b\n    days: []\n", "`days` is a list"},
		{"destinations:\n  - to: a:b\n    evry: 1h\n", "did you mean every?"},
		{"destinations:\n  - to: a:b\n  - to: a:b\n", "stands twice"},
		{tooMany, "at most 100"},
	} {
		if _, err := rulespec.Parse(rulespec.Env{}, []byte(c.text+"filters: []\n")); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%.80q): error %v, want one with %q", c.text, err, c.want)
		}
	}
}
