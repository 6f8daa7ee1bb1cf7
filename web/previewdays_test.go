package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
)

// testRequest is a request at noon in a zone.
func testRequest(t *testing.T, zone string) *request {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 10, 12, 0, 0, 0, location)
	s := &site{Options: Options{Now: func() time.Time { return now }}, previews: make(chan struct{}, 1)}
	return &request{site: s, zone: location}
}

// Days begin at midnight where the person is, also round a change of the clocks.
func TestLastDays(t *testing.T) {
	v := testRequest(t, "Europe/Berlin")
	days := v.lastDays(history.Cursor{})
	if len(days) != previewDays {
		t.Fatalf("%d days", len(days))
	}
	for i, day := range days {
		if day.Hour() != 0 || day.Minute() != 0 || i > 0 && days[i-1].AddDate(0, 0, 1) != day {
			t.Errorf("day %d begins at %v", i, day)
		}
	}
	if days := v.lastDays(history.Cursor{SentAt: days[4].Add(time.Hour).UnixMicro()}); len(days) != 5 {
		t.Errorf("%d days up to the fifth", len(days))
	}
	if days := v.lastDays(history.Cursor{SentAt: 1}); len(days) != 1 {
		t.Errorf("%d days up to 1970", len(days))
	}
}

func TestDaysSayWhatIsNotKnown(t *testing.T) {
	v := testRequest(t, "UTC")
	q := history.ScanQuery{Days: v.lastDays(history.Cursor{}), Since: v.lastDays(history.Cursor{})[0]}
	counts := make([]int, previewDays)
	counts[28], counts[29] = 1000, 1
	at := q.Days[28].Add(90 * time.Minute)
	d := v.daysOf(q, history.ScanResult{PerDay: counts, Reached: at})
	for _, c := range []struct {
		row         int
		count, note string
	}{{0, "1", ""}, {1, "1,000", "searched from 01:30"}, {2, "?", "not searched"}, {29, "?", "not searched"}} {
		if r := d.Rows[c.row]; r.Count != c.count || r.Note != c.note {
			t.Errorf("row %d is %+v, want %s, %s", c.row, r, c.count, c.note)
		}
	}
	b := d.Bars
	if b[0].Height != barsHeight || !b[0].Unknown || b[28].Height != barsHeight || b[28].Unknown || b[29].Height != 2 {
		t.Errorf("bars %+v", b)
	}
	if d.Unknown != "not searched" {
		t.Errorf("grey means %q", d.Unknown)
	}
	d = v.daysOf(q, history.ScanResult{PerDay: counts, Reached: at, End: true})
	if d.Rows[2].Note != "not kept" || d.Rows[1].Note != "kept from 01:30" {
		t.Errorf("of what is not kept: %+v", d.Rows[:3])
	}
	d = v.daysOf(q, history.ScanResult{PerDay: counts, Reached: q.Since, End: true})
	if d.Rows[2].Count != "0" || d.Rows[2].Note != "" || d.Unknown != "" {
		t.Errorf("of all: %+v", d.Rows[:3])
	}
}

// A visitor who leaves while the preview waits takes no token.
func TestPreviewOfWhoLeaves(t *testing.T) {
	v := testRequest(t, "UTC")
	v.previews <- struct{}{}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, free, err := v.scan(gone, history.ScanQuery{}); free || !errors.Is(err, context.Canceled) {
		t.Errorf("free %v, %v", free, err)
	}
}
