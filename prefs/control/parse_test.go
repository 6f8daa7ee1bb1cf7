package control_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/prefs/control"
)

// now is a Wednesday, 12:00 in Berlin.
var now = time.Date(2026, 3, 4, 11, 0, 0, 0, time.UTC)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestParse(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	monday := time.Date(2026, 3, 8, 23, 0, 0, 0, time.UTC)
	for said, want := range map[string]control.Order{
		"help":                         {Word: "help"},
		"HELP!":                        {Word: "help"},
		"?":                            {Word: "help"},
		"/help":                        {Word: "help"},
		"notifyd: help":                {Word: "help"},
		"Stop.":                        {Word: "stop"},
		"stop sending me these":        {Word: "stop"},
		"> mute 2h\n\nstop\n-- \nmute": {Word: "stop"},
		"unsubscribe":                  {Word: "stop"},
		"mute":                         {Word: "mute"},
		"mute 2h":                      {Word: "mute", For: 2 * hour},
		"mute 2 hours":                 {Word: "mute", For: 2 * hour},
		"Mute for 3 days.":             {Word: "mute", For: 3 * day},
		"mute a week":                  {Word: "mute", For: 7 * day},
		"mute 3":                       {Word: "mute", N: 3},
		"mute #3 1w":                   {Word: "mute", N: 3, For: 7 * day},
		"mute 3 2h":                    {Word: "mute", N: 3, For: 2 * hour},
		"mute thread":                  {Word: "mute", What: "thread"},
		"mute package":                 {Word: "mute", What: "package"},
		"mute package bash 1w":         {Word: "mute", What: "package", Name: "bash", For: 7 * day},
		"mute package bash for 1 day":  {Word: "mute", What: "package", Name: "bash", For: day},
		"mute filter My packages 2h":   {Word: "mute", What: "filter", Name: "My packages", For: 2 * hour},
		"mute kind until solved":       {Word: "mute", What: "kind", Solved: true},
		"mute until it is solved":      {Word: "mute", Solved: true},
		"mute 2 until monday":          {Word: "mute", N: 2, Until: monday},
		"mute until Mon 07:30":         {Word: "mute", Until: monday.Add(7*hour + 30*time.Minute)},
		"unmute":                       {Word: "unmute"},
		"unmute all":                   {Word: "unmute", All: true},
		"unmute package bash":          {Word: "unmute", What: "package", Name: "bash"},
		"unmute bash":                  {Word: "unmute", Name: "bash"},
		"pause":                        {Word: "pause"},
		"pause until 07:00":            {Word: "pause", Until: time.Date(2026, 3, 5, 6, 0, 0, 0, time.UTC)},
		"pause until 13:00":            {Word: "pause", Until: now.Add(hour)},
		"pause until tomorrow":         {Word: "pause", Until: time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)},
		"pause until 2026-03-09":       {Word: "pause", Until: monday},
		"pause 10 days":                {Word: "pause", For: 10 * day},
		"digest":                       {Word: "digest"},
		"digest 7:00":                  {Word: "digest", At: "07:00"},
		"digest at 07:00":              {Word: "digest", At: "07:00"},
		"digest every 4h":              {Word: "digest", For: 4 * hour},
		"digest off":                   {Word: "digest", Off: true},
		"digest now":                   {Word: "digest", Now: true},
		"last":                         {Word: "last"},
		"last 5":                       {Word: "last", N: 5},
		"why 2?":                       {Word: "why", N: 2},
		"\"why\"":                      {Word: "why"},
		"filters":                      {Word: "filters"},
		"status please":                {Word: "status"},
		"resume":                       {Word: "resume"},
	} {
		got, err := control.Parse(said, now, berlin(t))
		if err != nil || !got.Until.Equal(want.Until) {
			t.Errorf("%q: %+v, %v", said, got, err)
			continue
		}
		if got.Until = want.Until; got != want {
			t.Errorf("%q: %+v, want %+v", said, got, want)
		}
	}
}

// TestMistakes: who is not understood hears what is.
func TestMistakes(t *testing.T) {
	for said, want := range map[string]string{
		"":                           "Say help",
		"> only a quote":             "Say help",
		"-- \nstop":                  "Say help",
		"hello there":                `I do not understand "hello". I understand help`,
		"mute 5 minutes":             "from an hour to a year",
		"mute 3 years":               "from an hour to a year",
		"mute until":                 "Until when?",
		"mute until doomsday":        `when "doomsday" is. Say: mute`,
		"mute until 2020-01-01":      "1 January 2020 is over",
		"mute 2h until monday":       "two times",
		"mute quickly":               `"quickly" after mute. Say: mute`,
		"why 99":                     "from 1 to 50",
		"mute 99999999999999999999h": `do not understand "99999999999999999999h"`,
		"filters xyz":                `"xyz" after filters`,
		"digest sometimes":           "Say: digest 07:00",
	} {
		_, err := control.Parse(said, now, berlin(t))
		var mistake *control.Mistake
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", said, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"mute 2h", "> x\nmute package a b 1w", "pause until mon 07:00", "why #3", "mute until it is",
		"mute a", "a: b", "\x00\x01", "mute for", "digest at", "-- ", "mute 9999 y", "unmute \u202e", "mute person é 2d"} {
		f.Add(seed)
	}
	zone := berlin(f)
	f.Fuzz(func(t *testing.T, said string) {
		o, err := control.Parse(said, now, zone)
		var mistake *control.Mistake
		switch {
		case err != nil && !errors.As(err, &mistake):
			t.Fatalf("%q: %v", said, err)
		case err != nil:
			for _, line := range mistake.Lines() {
				if len(line) > 400 || strings.ContainsAny(line, "\r\n\x00") {
					t.Fatalf("%q: the answer %q", said, line)
				}
			}
		case o.Word == "" || o.For < 0 || !o.Until.IsZero() && !o.Until.After(now) || len(o.Name) > 200 || o.N < 0:
			t.Fatalf("%q: %+v", said, o)
		}
	})
}
