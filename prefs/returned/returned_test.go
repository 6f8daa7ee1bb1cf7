package returned_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/returned"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// at is some days after the start.
func at(days float64) time.Time { return start.Add(time.Duration(days * 24 * float64(time.Hour))) }

// daily sends one parcel a day, of which some come back as a kind.
func daily(days int, kind string, comesBack func(day int) bool) (events []returned.Event, sent []returned.Sent) {
	for d := range days {
		name := fmt.Sprint(d)
		sent = append(sent, returned.Sent{Parcel: name, At: at(float64(d))})
		if comesBack(d) {
			events = append(events, returned.Event{Parcel: name, Kind: kind, Words: "over quota", At: at(float64(d) + 0.1)})
		}
	}
	return events, sent
}

func always(int) bool { return true }

// TestJudge: one report of no such mailbox ends an address, and days of nothing but failures do; nothing else.
func TestJudge(t *testing.T) {
	rule := returned.Rule{Days: 7, Failures: 5}
	for name, c := range map[string]struct {
		kind string
		days int
		back func(int) bool
		off  string
	}{
		"hard":                          {returned.Hard, 1, always, "it does not exist"},
		"a complaint":                   {returned.Complaint, 1, always, "called a mail unwanted"},
		"full for six days":             {returned.Full, 7, always, ""},
		"full for seven days":           {returned.Full, 8, always, "for 7 days"},
		"soft for ten days":             {returned.Soft, 11, always, "for 10 days"},
		"a success in the middle":       {returned.Full, 9, func(d int) bool { return d != 4 }, ""},
		"a success long ago":            {returned.Full, 13, func(d int) bool { return d != 3 }, "for 8 days"},
		"few in many days":              {returned.Full, 30, func(d int) bool { return d%10 == 0 }, ""},
		"a content, a hundred times":    {"content", 100, always, ""},
		"a policy, a hundred times":     {"policy", 100, always, ""},
		"an answer of a program, again": {"auto-reply", 100, always, ""},
		"a delay":                       {"delayed", 100, always, ""},
	} {
		events, sent := daily(c.days, c.kind, c.back)
		out := rule.Judge(events, sent, at(float64(c.days-1)+0.2))
		if (out.Off == "") != (c.off == "") || !strings.Contains(out.Off, c.off) ||
			out.Forever != (c.kind == returned.Hard) {
			t.Errorf("%s: %+v, want %q", name, out, c.off)
		}
	}
}

// TestJudgeWithoutSends: of parcels that are not kept any more the time of the report counts.
func TestJudgeWithoutSends(t *testing.T) {
	events, _ := daily(9, returned.Soft, always)
	if out := (returned.Rule{Days: 7, Failures: 5}).Judge(events, nil, at(9)); out.Off == "" {
		t.Errorf("%+v", out)
	}
}
