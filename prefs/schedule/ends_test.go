package schedule_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

func TestEndsAreWholeDaysInTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		"2026-12-24":                "2026-12-24T23:00:00Z",
		"2026-03-29":                "2026-03-29T22:00:00Z", // summer time begins on that day
		"2026-10-25":                "2026-10-25T23:00:00Z", // and ends on this
		"2026-12-31":                "2026-12-31T23:00:00Z",
		"2026-12-24 18:00":          "2026-12-24T17:00:00Z",
		"2026-12-24T18:00":          "2026-12-24T17:00:00Z",
		"2026-12-24T18:00:00-05:00": "2026-12-24T23:00:00Z",
		" 2026-12-24 ":              "2026-12-24T23:00:00Z",
	} {
		end, err := schedule.ReadEnd(written, berlin)
		if err != nil || end.Format(time.RFC3339) != want {
			t.Errorf("%q ends at %v (%v), want %s", written, end, err, want)
		}
		for _, zone := range []*time.Location{berlin, time.UTC} {
			if again, err := schedule.ReadEnd(schedule.WriteEnd(end, zone), zone); err != nil || !again.Equal(end) {
				t.Errorf("%q becomes %q in %v, which is %v (%v)", written, schedule.WriteEnd(end, zone), zone, again, err)
			}
		}
	}
	for _, wrong := range []string{"24.12.2026", "soon", "2026-13-01", "2026-02-30", "0001-01-01", "1999-12-31 10:00"} {
		if end, err := schedule.ReadEnd(wrong, berlin); err == nil {
			t.Errorf("%q ends at %v", wrong, end)
		}
	}
	if end, err := schedule.ReadEnd("", berlin); err != nil || !end.IsZero() || schedule.WriteEnd(end, berlin) != "" {
		t.Errorf("nothing ends at %v (%v)", end, err)
	}
	end, _ := schedule.ReadEnd("2026-12-24", berlin)
	if got := schedule.EndWords(end, berlin); got != "24 December 2026" {
		t.Errorf("words: %q", got)
	}
	if got := schedule.EndWords(end, time.UTC); got != "24 December 2026, 23:00" {
		t.Errorf("words in UTC: %q", got)
	}
}
