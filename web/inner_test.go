package web

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/web/visit"
)

func TestWordsOfTimes(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, zone) // Friday; the clocks change on Sunday
	for _, c := range []struct {
		s    schedule.Schedule
		want string
	}{
		{schedule.Schedule{}, "The next notice goes at once."},
		{schedule.Schedule{Every: time.Hour}, "The next digest starts with the next notice."},
		{schedule.Schedule{At: "07:00"}, "Next digest tomorrow at 07:00."},
		{schedule.Schedule{At: "13:00"}, "Next digest today at 13:00."},
		{schedule.Schedule{At: "07:00", Weekdays: []time.Weekday{time.Monday}, Count: 5},
			"Next digest on Monday at 07:00, or earlier."},
		// 02:30 does not exist
		{schedule.Schedule{At: "02:30", Weekdays: []time.Weekday{time.Sunday}}, "Next digest on Sunday at 03:30."},
	} {
		if got := nextWords(c.s, now, zone); got != c.want {
			t.Errorf("nextWords(%+v) = %q, want %q", c.s, got, c.want)
		}
	}
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{10 * time.Second, "just now"}, {5 * time.Minute, "5 minutes ago"}, {time.Minute, "1 minute ago"},
		{3 * time.Hour, "3 hours ago"},
		{13 * time.Hour, "yesterday at 23:00"}, {-2 * time.Hour, "today at 14:00"},
		{100 * 24 * time.Hour, "17 December 2025 at 12:00"},
	} {
		if got := visit.Ago(now.Add(-c.d), now, zone); got != c.want {
			t.Errorf("ago(%v) = %q, want %q", c.d, got, c.want)
		}
	}
}
