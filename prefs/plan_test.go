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
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func update() *catalogue.Event {
	e := &catalogue.Event{
		Message: &bus.Message{ID: "2026-1", Topic: "org.example.prod.bodhi.update.comment", Time: newClock().now()},
		App:     "bodhi", Kind: "bodhi.update.comment", KindName: "Comments on updates", Title: "bodhi.update.comment",
		Actor: "bob", Users: []string{"alice", "bob"}, Packages: []string{"bash"}, Objects: []string{"update/1"},
		Severity: catalogue.Info,
	}
	e.SetProse(catalogue.Prose{Summary: "bob commented on bash-5.3", Link: "https://example.org/update/1"})
	return e
}

func subscription(id rulespec.FilterID, to ...prefs.Destination) prefs.Subscription {
	return prefs.Subscription{
		Filter:       prefs.Filter{Filter: rulespec.Filter{ID: id, Name: fmt.Sprintf("filter %d", id)}},
		User:         prefs.User{ID: 1, Zone: "Europe/Berlin"},
		Destinations: to, Sentence: fmt.Sprintf("sentence %d", id),
	}
}

func TestPlanOneDeliveryADestination(t *testing.T) {
	now := newClock().now()
	links := links.New([]byte("0123456789abcdef"), "https://n.example.org/", newClock().now)
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
		Owner: "1", Reasons: []outbox.Reason{{Filter: 3}, {Filter: 5}},
		Notice: backends.Notice{
			ID: "2026-1", Topic: "org.example.prod.bodhi.update.comment", Time: now, App: "bodhi",
			Kind: "bodhi.update.comment", KindName: "Comments on updates",
			Title: "[bash] bob commented on bash-5.3", Text: "bob commented on bash-5.3",
			Link: "https://example.org/update/1", Actor: "bob", Users: []string{"alice", "bob"},
			Packages: []string{"bash"}, Objects: []string{"update/1"}, Severity: "info",
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
		schedule schedule.Schedule
		severity catalogue.Severity
		due      time.Time
		together bool
		pull     int
	}{
		{"at once", schedule.Schedule{}, catalogue.Info, now, false, 0},
		{"every", schedule.Schedule{Every: time.Hour}, catalogue.Error, now.Add(time.Hour), true, 0},
		{"count alone is held a week at most", schedule.Schedule{Count: 5}, catalogue.Info, now.Add(7 * 24 * time.Hour),
			true, 5},
		{"every or count", schedule.Schedule{Every: time.Hour, Count: 5}, catalogue.Info, now.Add(time.Hour), true, 5},
		{"tomorrow", schedule.Schedule{At: "07:00"}, catalogue.Info, time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC), true,
			0},
		{"today", schedule.Schedule{At: "11:01"}, catalogue.Info, now.Add(time.Minute), true, 0},
		{"not now", schedule.Schedule{At: "11:00"}, catalogue.Info, now.Add(24 * time.Hour), true, 0},
		{"every before at", schedule.Schedule{At: "23:00", Every: time.Hour}, catalogue.Info, now.Add(time.Hour), true,
			0},
		{"at before every", schedule.Schedule{At: "11:30", Every: time.Hour}, catalogue.Info, now.Add(30 * time.Minute),
			true, 0},
		{"Friday", schedule.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Friday, time.Saturday}}, catalogue.Info,
			time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC), true, 0},
		{"next Monday", schedule.Schedule{At: "11:00", Weekdays: []time.Weekday{time.Monday}}, catalogue.Info,
			now.Add(7 * 24 * time.Hour), true, 0},
		{"critical", schedule.Schedule{At: "07:00", Count: 5}, catalogue.Critical, now, false, 0},
	}
	for _, test := range tests {
		e := update()
		e.Severity = test.severity
		got := prefs.Plan(e, []prefs.Subscription{subscription(1, prefs.Destination{ID: 1, Schedule: test.schedule})},
			now, nil)[0]
		if !got.DueAt.Equal(test.due) || got.Together != test.together || got.PullAt != test.pull {
			t.Errorf("%s: due %v, together %v, pull %d", test.name, got.DueAt, got.Together, got.PullAt)
		}
		if err := test.schedule.Check(); err != nil {
			t.Errorf("%s: %v", test.name, err)
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
