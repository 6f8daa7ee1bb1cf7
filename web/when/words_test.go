package when_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/when"
)

func TestWords(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, zone) // Friday; the clocks change on Sunday
	nights, err := schedule.ParseQuiet("22:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	noon, _ := schedule.ParseQuiet("11:00-13:00")
	for _, c := range []struct {
		s    schedule.Schedule
		u    prefs.User
		want string
	}{
		{schedule.Schedule{}, prefs.User{}, "The next notice goes at once."},
		{schedule.Schedule{Every: time.Hour}, prefs.User{}, "The next digest starts with the next notice."},
		{schedule.Schedule{At: "07:00"}, prefs.User{}, "Next digest tomorrow at 07:00."},
		{schedule.Schedule{At: "13:00"}, prefs.User{}, "Next digest today at 13:00."},
		{schedule.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Monday}, Count: 5}, prefs.User{},
			"Next digest on Monday at 07:00, or earlier."},
		// 02:30 does not exist
		{schedule.Schedule{At: "02:30", Weekdays: []time.Weekday{time.Sunday}}, prefs.User{},
			"Next digest on Sunday at 03:30."},
		{schedule.Schedule{At: "07:00", AtOnceFrom: "error"}, prefs.User{Quiet: nights},
			"Next digest tomorrow at 07:00; errors at once; quiet 22:00-07:00."},
		{schedule.Schedule{Every: time.Hour, First: true}, prefs.User{Quiet: noon},
			"It is quiet until 13:00; what comes until then goes in one digest."},
		{schedule.Schedule{}, prefs.User{Quiet: noon}, "It is quiet until 13:00; what comes until then goes in one digest."},
		{schedule.Schedule{At: "06:00"}, prefs.User{Quiet: nights},
			"Next digest tomorrow at 07:00, when quiet hours end; quiet 22:00-07:00."},
		{schedule.Schedule{At: "12:30", Every: time.Hour, AtOnceFrom: "error"}, prefs.User{Quiet: noon},
			"Next digest today at 13:00, when quiet hours end; quiet until 13:00."},
		{schedule.Schedule{}, prefs.User{Pause: schedule.Pause{Until: now.Add(70 * time.Hour)}},
			"Paused until Mon 30 March 11:00."},
	} {
		if got := when.Next(prefs.Destination{Schedule: c.s}, c.u, now, zone); got != c.want {
			t.Errorf("Next(%+v) = %q, want %q", c.s, got, c.want)
		}
	}
	for _, c := range []struct {
		s    schedule.Schedule
		want string
	}{
		{schedule.Schedule{}, "Each notice at once."},
		{schedule.Schedule{At: "07:00,12:30", AtOnceFrom: "error"},
			"A digest at 07:00 and 12:30 every day. Errors at once."},
		{schedule.Schedule{Every: time.Hour, Count: 5, First: true},
			"The first notice at once, and what follows in a digest 1 hour after the first waiting notice, or when 5 wait."},
	} {
		if got := when.Words(c.s); got != c.want {
			t.Errorf("Words(%+v) = %q, want %q", c.s, got, c.want)
		}
	}
	pause := schedule.Pause{Until: now.Add(70 * time.Hour)}
	if got := when.Paused(pause, 42, now, zone); got != "Paused until Mon 30 March 11:00, 42 notices kept" {
		t.Errorf("%q", got)
	}
	if pause.Drop = true; when.Paused(pause, 1, now, zone) != "Paused until Mon 30 March 11:00, 1 notice to throw away" {
		t.Errorf("%q", when.Paused(pause, 1, now, zone))
	}
}

// TestForm: what a form shows is what it reads again, and mistakes stand beside their fields.
func TestForm(t *testing.T) {
	s := schedule.Schedule{Every: time.Hour, Count: 5, AtOnceFrom: "warning", First: true}
	f := when.NewForm(s)
	got, _, ok := when.ReadForm(url.Values{"how": {f.How}, "every": {f.Every}, "count": {f.Count}, "at": {f.At},
		"from": {f.From}, "first": {"yes"}}, schedule.Schedule{})
	if !ok || !got.Equal(s) {
		t.Errorf("read %q, %v", got.Text(), ok)
	}
	got, f, ok = when.ReadForm(url.Values{"how": {"digest"}, "at": {"18.30, 7:00;07:00"}, "day": {"1", "5", "1", "9"}}, s)
	if !ok || got.Text() != "at 07:00,18:30 mon,fri" {
		t.Errorf("read %q, %v, %+v", got.Text(), ok, f)
	}
	for _, v := range []url.Values{
		{"how": {"digest"}},
		{"how": {"digest"}, "at": {"25"}},
		{"how": {"digest"}, "every": {"0"}},
		{"how": {"digest"}, "first": {"yes"}, "count": {"3"}},
		{"how": {"digest"}, "every": {"60"}, "from": {"fatal"}},
		{"how": {"once"}, "every": {"60"}},
	} {
		if _, f, ok := when.ReadForm(v, schedule.Schedule{}); ok ||
			f.Problem+f.AtProblem+f.EveryProblem+f.CountProblem == "" {
			t.Errorf("%v is accepted: %+v", v, f)
		}
	}
	if when.Mistake(errors.New("x")) != "" {
		t.Error("any error is a mistake")
	}
}
