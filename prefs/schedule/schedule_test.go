package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
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
	}
	for _, test := range tests {
		now, _ := time.Parse(time.RFC3339, test.now)
		want, _ := time.Parse(time.RFC3339, test.want)
		got := schedule.Schedule{At: test.at}.Due(now, zone(t, test.zone))
		if !got.Equal(want) {
			t.Errorf("%s: due %v, want %v", test.name, got.UTC(), want)
		}
	}
}

// TestDueOnceADay walks through two years in minutes: a digest with a time of day is due once each day.
func TestDueOnceADay(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Antarctica/Troll",
		"Asia/Kolkata"} {
		for _, at := range []string{"00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "12:00"} {
			place := zone(t, name)
			now := time.Date(2026, 1, 1, 0, 0, 1, 0, place)
			days := make(map[string]int)
			for now.Year() < 2028 {
				next := schedule.Schedule{At: at}.Due(now, place)
				if !next.After(now) || next.Sub(now) > 27*time.Hour {
					t.Fatalf("%s %s: after %v comes %v", name, at, now, next)
				}
				days[next.In(place).Format(time.DateOnly)]++
				now = next
			}
			for day, n := range days {
				if n != 1 {
					t.Errorf("%s %s: %d times on %s", name, at, n, day)
				}
			}
			if len(days) < 729 {
				t.Errorf("%s %s: only %d days", name, at, len(days))
			}
		}
	}
}

func TestScheduleCheck(t *testing.T) {
	bad := map[string]schedule.Schedule{
		"every": {Every: time.Second}, "count": {Count: 1}, "at": {At: "7:00"},
		"weekdays": {Weekdays: []time.Weekday{time.Monday}},
	}
	more := []schedule.Schedule{
		{Every: -time.Hour}, {Every: 1000 * time.Hour}, {Count: -1}, {Count: 100000}, {At: "24:00"}, {At: "07:60"},
		{At: "07:00:00"}, {At: "x"},
		{At: "07:00", Weekdays: []time.Weekday{7}}, {At: "07:00", Weekdays: []time.Weekday{-1}},
		{At: "07:00", Weekdays: []time.Weekday{1, 1}},
	}
	for field, s := range bad {
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range more {
		if err := s.Check(); !errors.As(err, new(*schedule.Error)) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
