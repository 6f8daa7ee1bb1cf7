package schedule_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/schedule"
)

func quiet(t *testing.T, text string) schedule.Quiet {
	t.Helper()
	q, err := schedule.ParseQuiet(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return q
}

// TestQuietEnds: the ends of quiet hours, also on days on which clocks change. In Berlin 02:00 becomes 03:00 on 29
// March 2026, and 03:00 becomes 02:00 on 25 October 2026.
func TestQuietEnds(t *testing.T) {
	const same = "" // not quiet
	tests := []struct{ name, zone, text, at, want string }{
		{"over midnight, evening", "Europe/Berlin", "22:00-07:00", "2026-01-05T21:30:00Z", "2026-01-06T06:00:00Z"},
		{"over midnight, morning", "Europe/Berlin", "22:00-07:00", "2026-01-06T05:59:59Z", "2026-01-06T06:00:00Z"},
		{"the end is not quiet", "Europe/Berlin", "22:00-07:00", "2026-01-06T06:00:00Z", same},
		{"the beginning is", "Europe/Berlin", "22:00-07:00", "2026-01-05T21:00:00Z", "2026-01-06T06:00:00Z"},
		{"just before", "Europe/Berlin", "22:00-07:00", "2026-01-05T20:59:59Z", same},
		{"short night", "Europe/Berlin", "22:00-07:00", "2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"},
		{"long night", "Europe/Berlin", "22:00-07:00", "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"},
		{"end that is missing", "Europe/Berlin", "22:00-02:30", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"},
		{"after it", "Europe/Berlin", "22:00-02:30", "2026-03-29T01:00:00Z", same},
		{"beginning that is missing", "Europe/Berlin", "02:30-03:10", "2026-03-29T01:05:00Z", "2026-03-29T01:10:00Z"},
		{"both missing", "Europe/Berlin", "02:10-02:50", "2026-03-29T01:00:00Z", same},
		{"end that comes twice", "Europe/Berlin", "22:00-02:30", "2026-10-25T00:29:00Z", "2026-10-25T01:30:00Z"},
		{"in between", "Europe/Berlin", "22:00-02:30", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"},
		{"beginning that comes twice", "Europe/Berlin", "02:30-03:10", "2026-10-25T00:30:00Z", "2026-10-25T02:10:00Z"},
		{"half an hour more", "Australia/Lord_Howe", "01:00-01:45", "2026-04-04T14:50:00Z", "2026-04-04T15:15:00Z"},
		{"half an hour less", "Australia/Lord_Howe", "01:00-02:15", "2026-10-03T15:29:00Z", "2026-10-03T15:30:00Z"},
		{"no midnight", "America/Santiago", "sat 20:00-24:00", "2026-09-06T03:59:00Z", "2026-09-06T04:00:00Z"},
		{"no midnight, Sunday", "America/Santiago", "sun 00:00-02:00", "2026-09-06T04:00:00Z", "2026-09-06T05:00:00Z"},
		{"no midnight, over it", "America/Santiago", "sat 22:00-00:00", "2026-09-06T03:00:00Z", "2026-09-06T04:00:00Z"},
		{"midnight twice", "America/Havana", "sat 22:00-24:00", "2026-11-01T04:30:00Z", "2026-11-01T05:00:00Z"},
		{"Friday's night goes on", "UTC", "mon-fri 22:00-07:00", "2026-01-10T03:00:00Z", "2026-01-10T07:00:00Z"},
		{"Sunday night is free", "UTC", "mon-fri 22:00-07:00", "2026-01-12T03:00:00Z", same},
		{"two that touch", "UTC", "mon 22:00-24:00; tue 00:00-06:00", "2026-01-05T22:00:00Z", "2026-01-06T06:00:00Z"},
		{"a chain", "UTC", "fri 18:00-24:00; sat,sun 00:00-24:00; mon 00:00-08:00", "2026-01-09T20:00:00Z",
			"2026-01-12T08:00:00Z"},
		{"none", "UTC", "", "2026-01-05T22:00:00Z", same},
	}
	for _, test := range tests {
		at, _ := time.Parse(time.RFC3339, test.at)
		want := at
		if test.want != same {
			want, _ = time.Parse(time.RFC3339, test.want)
		}
		q := quiet(t, test.text)
		if got := q.End(at, zone(t, test.zone)); !got.Equal(want) {
			t.Errorf("%s: ends %v, want %v", test.name, got.UTC(), want)
		}
		if q.Covers(at, zone(t, test.zone)) != (test.want != same) {
			t.Errorf("%s: covered is wrong", test.name)
		}
	}
}

// TestQuietIsNeverShorterThanTheClock walks through days on which clocks change, and others, with random windows: where
// the clock shows a time of a window it is quiet, and on days on which no clock changes nothing else is.
func TestQuietIsNeverShorterThanTheClock(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, place := range []struct{ zone, day string }{
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"}, {"Europe/Berlin", "2026-06-01"},
		{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"}, {"America/Santiago", "2026-09-06"},
		{"America/Santiago", "2026-04-05"}, {"America/Havana", "2026-11-01"}, {"Antarctica/Troll", "2026-03-29"},
		{"Antarctica/Troll", "2026-10-25"}, {"Asia/Kathmandu", "2026-05-05"}, {"Pacific/Apia", "2011-12-30"},
	} {
		in := zone(t, place.zone)
		day, err := time.Parse(time.DateOnly, place.day)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			from, to := random.IntN(288)*5, random.IntN(288)*5
			if from == to {
				continue
			}
			weekday := time.Weekday(random.IntN(7))
			name := strings.ToLower(weekday.String()[:3])
			q := quiet(t, name+" "+clock(from)+"-"+clock(to))
			_, before := day.Add(-36 * time.Hour).In(in).Zone()
			_, after := day.Add(60 * time.Hour).In(in).Zone()
			for at := day.Add(-14 * time.Hour); at.Before(day.Add(38 * time.Hour)); at = at.Add(5 * time.Minute) {
				says, is := clockSays(at.In(in), weekday, from, to), q.Covers(at, in)
				if says && !is || is && !says && before == after {
					t.Fatalf("%s %v: at %v the clock says %v, quiet is %v", place.zone, q, at.In(in), says, is)
				}
			}
		}
	}
}

func clock(minutes int) string {
	return time.Date(2026, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")
}

// clockSays is what somebody who reads a clock would say.
func clockSays(at time.Time, day time.Weekday, from, to int) bool {
	now := at.Hour()*60 + at.Minute()
	if from < to {
		return at.Weekday() == day && from <= now && now < to
	}
	return at.Weekday() == day && now >= from || at.Weekday() == (day+1)%7 && now < to
}

func TestQuietText(t *testing.T) {
	for text, want := range map[string]string{
		"mon-fri 22:00-07:00; sat,sun 23:00-09:00": "mon-fri 22:00-07:00; sat,sun 23:00-09:00",
		"22-7":                            "22:00-07:00",
		"Monday to Friday 22.00 to 07.00": "mon-fri 22:00-07:00",
		" 12:00 – 13:00 ;\n;":             "12:00-13:00",
		"fri-mon 00:00-24:00":             "mon,fri-sun 00:00-24:00",
		"weekend 23:00-09:00":             "sat,sun 23:00-09:00",
		"every day: 22:00-06:00":          "22:00-06:00",
		"tue, thu and sat 01:00-02:00":    "tue,thu,sat 01:00-02:00",
		"":                                "",
	} {
		q := quiet(t, text)
		if q.String() != want || quiet(t, q.String()).String() != want {
			t.Errorf("%q is %q, want %q", text, q, want)
		}
	}
	for text, want := range map[string]string{
		"mon-fri":                     "has no hours",
		"22:00":                       "has no end",
		"25:00-07:00":                 "no time of day",
		"22:00-7:0":                   "no time of day",
		"22:00-22:00":                 "begins when it ends",
		"24:00-01:00":                 "write 00:00",
		"mo-fr 22:00-07:00":           "is no day",
		"00:00-24:00":                 "no time in the week",
		"00:00-12:00; 12:00-24:00":    "no time in the week",
		strings.Repeat("x", 501):      "longer than",
		strings.Repeat("1-2;", 21):    "more than 20 parts",
		"-22:00":                      "is no day",
		"22:00-07:00, sat 23:00-9:00": "no time of day",
	} {
		_, err := schedule.ParseQuiet(text)
		var wrong *schedule.Error
		if !errors.As(err, &wrong) || wrong.Field != "quiet" || !strings.Contains(wrong.Problem, want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if quiet(t, "09:00-24:00").And(quiet(t, "00:00-09:00")).Check() == nil {
		t.Error("two that leave nothing together are accepted")
	}
}

func TestQuietBegins(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, berlin)
	for text, want := range map[string]time.Time{
		"22:00-07:00":     time.Date(2026, 3, 28, 22, 0, 0, 0, berlin),
		"sun 01:00-02:00": time.Date(2026, 3, 29, 1, 0, 0, 0, berlin),
		"sat 10:00-11:00": time.Date(2026, 4, 4, 10, 0, 0, 0, berlin),
		"sun 02:30-05:00": time.Date(2026, 3, 29, 3, 0, 0, 0, berlin),
		"":                {},
	} {
		if got := quiet(t, text).Begins(now, berlin); !got.Equal(want) {
			t.Errorf("%q begins %v, want %v", text, got, want)
		}
	}
}

func FuzzParseQuiet(f *testing.F) {
	for _, s := range []string{"mon-fri 22:00-07:00; sat,sun 23:00-09:00", "22-7", "x", "every day 1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := schedule.ParseQuiet(text)
		if err != nil {
			return
		}
		again, err := schedule.ParseQuiet(q.String())
		if err != nil || again.String() != q.String() {
			t.Errorf("%q is %q, and that %q, %v", text, q, again, err)
		}
	})
}

// TestScheduleOptions: the newer parts of a schedule.
func TestScheduleOptions(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	twice := schedule.Schedule{At: "07:00,12:30", Weekdays: []time.Weekday{time.Monday, time.Tuesday}}
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, berlin) // a Monday
	var went []string
	for range 4 {
		now = twice.Due(now, berlin)
		went = append(went, now.Format("Mon 15:04"))
	}
	if want := []string{"Mon 12:30", "Tue 07:00", "Tue 12:30", "Mon 07:00"}; !slices.Equal(went, want) {
		t.Errorf("goes %v, want %v", went, want)
	}
	morning := schedule.Schedule{At: "07:00", AtOnceFrom: "error"}
	for severity, want := range map[string]bool{"": false, "info": false, "warning": false, "error": true,
		"critical": true} {
		if morning.AtOnce(severity) != want {
			t.Errorf("%q at once: %v", severity, !want)
		}
	}
	for field, s := range map[string]schedule.Schedule{
		"at":           {At: "07:00,07:00"},
		"at_once_from": {AtOnceFrom: "error"},
		"first":        {First: true, Count: 3},
	} {
		if err := s.Check(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []schedule.Schedule{{At: "07:00, 12:30"}, {At: "07:00,"},
		{Every: time.Hour, First: true, At: "07:00"},
		{Every: time.Hour, AtOnceFrom: "critical"}, {Every: time.Hour, AtOnceFrom: "fatal"}} {
		if s.Check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}

func TestHoldWords(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	now := time.Date(2026, 3, 27, 23, 0, 0, 0, berlin) // a Friday
	for _, test := range []struct {
		hold string
		due  time.Duration
		want string
	}{
		{"quiet", 8 * time.Hour, "waits: quiet hours until 07:00"},
		{"quiet", 57 * time.Hour, "waits: quiet hours until Mon 09:00"}, // the clocks change
		{"away", 3 * time.Minute, "waits: you are not there; looked again at 23:03"},
		{"barred", 3 * time.Minute, "waits: your program refuses notifyd; tried again at 23:03"},
		{"turn", 3 * time.Minute, "waits: others are first, here at 23:03"},
		{"cap 60 10m", 3 * time.Minute, "held: 60 in 10 minutes, one digest at 23:03"},
		{"cap", 3 * time.Minute, "held: too many at once, one digest at 23:03"},
		{"digest", 8 * time.Hour, "waits: digest at 07:00"},
		{"digest every 1h0m0s", time.Hour, "waits: digest at 00:00"},
		{"pause", 2 * time.Hour, "held: paused until Sat 28 March 01:00"},
		{"pause drop", 240 * time.Hour, "held: paused until Tue 7 April 00:00, then thrown away"},
		{"retry", time.Minute, "waits: it failed, tried again at 23:01"},
		{"", time.Hour, "waits until 00:00"},
		{"moon 3", time.Hour, "waits until 00:00"},
		{"quiet", 0, "goes now"},
		{"pause", -time.Hour, "goes now"},
	} {
		if got := schedule.HoldWords(test.hold, now.Add(test.due), now, berlin); got != test.want {
			t.Errorf("%q: %q, want %q", test.hold, got, test.want)
		}
	}
	hours := schedule.Hours{Quiet: quiet(t, "22:00-07:00"), Zone: berlin}
	for due, want := range map[time.Duration]string{time.Hour: "waits: quiet hours until 07:00",
		9 * time.Hour: "waits: digest at 08:00", 0: "goes now"} {
		if got := hours.Waits("digest", now.Add(due), now, false); got != want {
			t.Errorf("due in %v: %q, want %q", due, got, want)
		}
	}
	if got := hours.Waits("", now.Add(time.Hour), now, true); got != "waits until 00:00" {
		t.Errorf("critical: %q", got)
	}
	hours.Pause = schedule.Pause{Until: now.AddDate(0, 0, 7).Add(time.Hour)}
	at, hold := hours.Next(now, false)
	if got := hours.Waits(hold, at, now, false); got !=
		"held: paused until Sat 4 April 00:00, then quiet hours until Sat 4 April 07:00" {
		t.Errorf("a pause that ends in quiet hours: %q", got)
	}
	if got := hours.Waits(schedule.HeldToDrop, at, now, false); got !=
		"held: paused until Sat 4 April 00:00, then thrown away" {
		t.Errorf("a pause that throws away: %q", got)
	}
	if got := schedule.HoldWords("pause", now.AddDate(1, 0, 0), now, berlin); !strings.Contains(got, "2027") {
		t.Errorf("a pause of a year: %q", got)
	}
}
