package prefs_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func update() *catalogue.Event {
	e := &catalogue.Event{
		Message: &bus.Message{ID: "2026-1", Topic: "org.example.prod.bodhi.update.comment", Time: newClock().now()},
		App:     "bodhi", Kind: "bodhi.update.comment", KindName: "Comments on updates", Title: "bodhi.update.comment",
		Actor: "bob", Users: []string{"alice", "bob"}, Packages: []string{"bash"}, Objects: []string{"update/1"}, Severity: catalogue.Info,
	}
	e.SetProse(catalogue.Prose{Summary: "bob commented on bash-5.3", Link: "https://example.org/update/1"})
	return e
}

func subscription(id rulespec.FilterID, to ...prefs.Destination) prefs.Subscription {
	return prefs.Subscription{
		Filter: prefs.Filter{Filter: rulespec.Filter{ID: id, Name: fmt.Sprintf("filter %d", id)}}, User: prefs.User{ID: 1, Zone: "Europe/Berlin"},
		Destinations: to, Sentence: fmt.Sprintf("sentence %d", id),
	}
}

func TestPlanOneDeliveryADestination(t *testing.T) {
	now := newClock().now()
	links := prefs.NewLinks([]byte("0123456789abcdef"), "https://n.example.org/", newClock().now)
	mail := prefs.Destination{ID: 9, Backend: "email", Address: "alice@example.org"}
	irc := prefs.Destination{ID: 10, Backend: "irc", Address: "alice"}
	got := prefs.Plan(update(), []prefs.Subscription{subscription(3, irc, mail), subscription(5, mail)}, now, links)
	if len(got) != 2 {
		t.Fatalf("%d deliveries", len(got))
	}
	first := got[0]
	for i := range first.Notice.Why {
		if !strings.HasPrefix(first.Notice.Why[i].Stop, "https://n.example.org/stop/") {
			t.Errorf("Stop = %q", first.Notice.Why[i].Stop)
		}
		first.Notice.Why[i].Stop = ""
	}
	if !strings.HasPrefix(first.Manage, "https://n.example.org/stop/") {
		t.Errorf("Manage = %q", first.Manage)
	}
	first.Manage = ""
	want := outbox.Delivery{
		Message: "2026-1", Destination: "9", Backend: "email", Address: "alice@example.org", DueAt: now,
		Notice: backends.Notice{
			ID: "2026-1", Topic: "org.example.prod.bodhi.update.comment", Time: now, App: "bodhi", Kind: "bodhi.update.comment",
			KindName: "Comments on updates", Title: "[bash] bob commented on bash-5.3", Text: "bob commented on bash-5.3",
			Link: "https://example.org/update/1", Actor: "bob", Users: []string{"alice", "bob"}, Packages: []string{"bash"},
			Objects: []string{"update/1"}, Severity: "info",
			Why: []backends.Reason{
				{Filter: "filter 3", Sentence: "sentence 3", Link: "https://n.example.org/filters/3"},
				{Filter: "filter 5", Sentence: "sentence 5", Link: "https://n.example.org/filters/5"},
			},
		},
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("first delivery\n%+v, want\n%+v", first, want)
	}
	if got[1].Destination != "10" || len(got[1].Notice.Why) != 1 {
		t.Errorf("second delivery %+v", got[1])
	}
	if none := prefs.Plan(update(), nil, now, nil); len(none) != 0 {
		t.Errorf("without hits: %+v", none)
	}
}

func TestPlanSchedules(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) // a Monday, 11:00 in Berlin
	tests := []struct {
		name     string
		schedule prefs.Schedule
		severity catalogue.Severity
		due      time.Time
		together bool
		pull     int
	}{
		{"at once", prefs.Schedule{}, catalogue.Info, now, false, 0},
		{"every", prefs.Schedule{Every: time.Hour}, catalogue.Error, now.Add(time.Hour), true, 0},
		{"count alone is held a week at most", prefs.Schedule{Count: 5}, catalogue.Info, now.Add(7 * 24 * time.Hour), true, 5},
		{"every or count", prefs.Schedule{Every: time.Hour, Count: 5}, catalogue.Info, now.Add(time.Hour), true, 5},
		{"tomorrow", prefs.Schedule{At: "07:00"}, catalogue.Info, time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC), true, 0},
		{"today", prefs.Schedule{At: "11:01"}, catalogue.Info, now.Add(time.Minute), true, 0},
		{"not now", prefs.Schedule{At: "11:00"}, catalogue.Info, now.Add(24 * time.Hour), true, 0},
		{"every before at", prefs.Schedule{At: "23:00", Every: time.Hour}, catalogue.Info, now.Add(time.Hour), true, 0},
		{"at before every", prefs.Schedule{At: "11:30", Every: time.Hour}, catalogue.Info, now.Add(30 * time.Minute), true, 0},
		{"Friday", prefs.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Friday, time.Saturday}}, catalogue.Info,
			time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC), true, 0},
		{"next Monday", prefs.Schedule{At: "11:00", Weekdays: []time.Weekday{time.Monday}}, catalogue.Info, now.Add(7 * 24 * time.Hour), true, 0},
		{"critical", prefs.Schedule{At: "07:00", Count: 5}, catalogue.Critical, now, false, 0},
	}
	for _, test := range tests {
		e := update()
		e.Severity = test.severity
		got := prefs.Plan(e, []prefs.Subscription{subscription(1, prefs.Destination{ID: 1, Schedule: test.schedule})}, now, nil)[0]
		if !got.DueAt.Equal(test.due) || got.Together != test.together || got.PullAt != test.pull {
			t.Errorf("%s: due %v, together %v, pull %d", test.name, got.DueAt, got.Together, got.PullAt)
		}
		if err := test.schedule.Check(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestDueAroundSummerTime: in Berlin 02:00 becomes 03:00 on 29 March 2026, and 03:00 becomes 02:00 on 25 October 2026.
func TestDueAroundSummerTime(t *testing.T) {
	tests := []struct{ name, zone, at, now, want string }{
		{"missing", "Europe/Berlin", "02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"}, // 03:30 summer time
		{"missing, just before", "Europe/Berlin", "02:30", "2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z"},
		{"missing, between", "Europe/Berlin", "02:30", "2026-03-29T01:10:00Z", "2026-03-29T01:30:00Z"},
		{"missing, over", "Europe/Berlin", "02:30", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		{"the day before", "Europe/Berlin", "02:30", "2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z"},
		{"shorter day", "Europe/Berlin", "07:00", "2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z"},
		{"twice, first", "Europe/Berlin", "02:30", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"},
		{"twice, not again", "Europe/Berlin", "02:30", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"twice, between", "Europe/Berlin", "02:30", "2026-10-25T01:00:00Z", "2026-10-26T01:30:00Z"},
		{"longer day", "Europe/Berlin", "07:00", "2026-10-24T05:00:00Z", "2026-10-25T06:00:00Z"},
		{"half an hour, missing", "Australia/Lord_Howe", "02:15", "2026-10-03T12:00:00Z", "2026-10-03T15:45:00Z"},
		{"half an hour, twice", "Australia/Lord_Howe", "01:45", "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z"},
		{"no midnight", "America/Santiago", "00:00", "2026-09-06T00:00:00Z", "2026-09-06T04:00:00Z"},
		{"UTC", "", "02:30", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"},
		{"unknown zone is UTC", "Mars/Base", "02:30", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"},
	}
	for _, test := range tests {
		now, _ := time.Parse(time.RFC3339, test.now)
		want, _ := time.Parse(time.RFC3339, test.want)
		got := prefs.Schedule{At: test.at}.Due(now, prefs.User{Zone: test.zone}.Location())
		if !got.Equal(want) {
			t.Errorf("%s: due %v, want %v", test.name, got.UTC(), want)
		}
	}
}

// TestDueOnceADay walks through two years in minutes: what is due at a time of day is due once each day.
func TestDueOnceADay(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Antarctica/Troll", "Asia/Kolkata"} {
		for _, at := range []string{"00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "12:00"} {
			place := prefs.User{Zone: zone}.Location()
			now := time.Date(2026, 1, 1, 0, 0, 1, 0, place)
			days := make(map[string]int)
			for now.Year() < 2028 {
				next := prefs.Schedule{At: at}.Due(now, place)
				if !next.After(now) || next.Sub(now) > 27*time.Hour {
					t.Fatalf("%s %s: after %v comes %v", zone, at, now, next)
				}
				days[next.In(place).Format(time.DateOnly)]++
				now = next
			}
			for day, n := range days {
				if n != 1 {
					t.Errorf("%s %s: %d times on %s", zone, at, n, day)
				}
			}
			if len(days) < 729 {
				t.Errorf("%s %s: only %d days", zone, at, len(days))
			}
		}
	}
}

func TestScheduleCheck(t *testing.T) {
	bad := map[string]prefs.Schedule{
		"every": {Every: time.Second}, "count": {Count: 1}, "at": {At: "7:00"}, "weekdays": {Weekdays: []time.Weekday{time.Monday}},
	}
	more := []prefs.Schedule{
		{Every: -time.Hour}, {Every: 1000 * time.Hour}, {Count: -1}, {Count: 100000}, {At: "24:00"}, {At: "07:60"}, {At: "07:00:00"}, {At: "x"},
		{At: "07:00", Weekdays: []time.Weekday{7}}, {At: "07:00", Weekdays: []time.Weekday{-1}}, {At: "07:00", Weekdays: []time.Weekday{1, 1}},
	}
	for field, s := range bad {
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range more {
		if err := s.Check(); !isInput(err) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestPlanTitles(t *testing.T) {
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf("package-%04d", i)
	}
	tests := []struct {
		name     string
		packages []string
		summary  string
		want     string
	}{
		{"one", []string{"bash"}, "it happened", "[bash] it happened"},
		{"two", []string{"bash", "zsh"}, "it happened", "[bash, zsh] it happened"},
		{"many", []string{"bash", "ksh", "zsh"}, "it happened", "[bash and 2 more] it happened"},
		{"none", nil, "it happened", "[bodhi] it happened"},
		{"no sentence", nil, "", "[bodhi] Comments on updates"},
		{"lines", nil, "one\r\nBcc: x\n\ttwo\x00", "[bodhi] one Bcc: x two"},
		{"long", nil, strings.Repeat("é", 300), "[bodhi] " + strings.Repeat("é", 111) + "…"},
		{"mass", many, "rebuilt", "[package-0000 and 4999 more] rebuilt"},
	}
	for _, test := range tests {
		e := update()
		e.Packages = test.packages
		e.SetProse(catalogue.Prose{Summary: test.summary})
		n := prefs.Plan(e, []prefs.Subscription{subscription(1, prefs.Destination{ID: 1})}, e.Time, nil)[0].Notice
		if n.Title != test.want {
			t.Errorf("%s: %q, want %q", test.name, n.Title, test.want)
		}
		if size, _ := json.Marshal(n); len(size) > 8000 {
			t.Errorf("%s: a notice of %d bytes", test.name, len(size))
		}
		if !slices.Equal(e.Packages, test.packages) {
			t.Errorf("%s: Plan changed the event", test.name)
		}
	}
}
