package web

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/web/visit"
)

func TestWordsOfTimes(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, zone) // Friday; the clocks change on Sunday
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
