package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

// TestTogether: a parcel says why its notices come together, and nothing where its owner knows.
func TestTogether(t *testing.T) {
	mine := schedule.Surge{Came: 120, Usual: 11_900, Window: 10 * time.Minute, Filter: "My packages"}
	later := mine
	later.Came = 121
	rare := schedule.Surge{Came: 12, Usual: 20, Window: 10 * time.Minute, Filter: "Rare  one\nhere"}
	capped := strings.Split(strings.TrimSuffix(strings.Repeat("cap 60 10m0s,", 64), ","), ",")
	tests := []struct {
		holds []string
		want  string
	}{
		{nil, ""},
		{[]string{"digest", "retry", ""}, ""},
		{[]string{"quiet"}, ""}, // no digest
		{[]string{"digest", "quiet", "quiet"}, "2 notices were held by quiet hours until 07:02."},
		{[]string{"pause before", "pause", "quiet"}, "2 notices were held by a pause until Mon 4 May 07:01. " +
			"1 notice was held by quiet hours until 07:02."},
		{capped, "64 notices came within 10 minutes; here they are together."},
		{[]string{mine.Hold(), later.Hold(), "digest"},
			"2 notices from “My packages” came within 10 minutes, ten times the usual; here they are together."},
		{[]string{rare.Hold()},
			"1 notice from “Rare one here” came within 10 minutes, where it usually has none; here they are together."},
		{[]string{schedule.SurgeOver("My packages")}, "“My packages” has about as much as usual again."},
		{[]string{"cap", "cap x y", "surge", "surge 1 2", "surge a b c d", "cap 60 forever"}, ""},
	}
	berlin := time.FixedZone("", 2*60*60)
	for _, test := range tests {
		var dues []time.Time
		for i := range test.holds {
			dues = append(dues, time.Date(2026, 5, 4, 5, i, 0, 0, time.UTC))
		}
		if got := schedule.Together(test.holds, dues, berlin); got != test.want {
			t.Errorf("%d holds: %q, want %q", len(test.holds), got, test.want)
		}
	}
}

// TestSurgeWords: the hold of a surge says how much came, of what and how much more than usual that is.
func TestSurgeWords(t *testing.T) {
	now := time.Date(2026, 5, 4, 13, 31, 0, 0, time.UTC)
	hold := schedule.Surge{Came: 120, Usual: 12_000, Window: 10 * time.Minute, Filter: "My packages"}.Hold()
	want := "held: 120 from “My packages” in 10 minutes, ten times the usual; one digest at 13:41"
	if got := schedule.HoldWords(hold, now.Add(10*time.Minute), now, time.UTC); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := schedule.HoldWords("surge x", now.Add(10*time.Minute), now, time.UTC); !strings.HasPrefix(got, "held: ") {
		t.Errorf("a broken hold says %q", got)
	}
}
