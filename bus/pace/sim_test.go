package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// monday is a Monday at 0:00 UTC.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// A pattern is a service that is made up: messages says how many it sends in a minute.
type pattern struct {
	name     string
	messages func(r *rand.Rand, t time.Time) int
	// detected is how long after its end on a Wednesday at noon UTC it is called silent, at most. 0: never.
	detected time.Duration
}

func independent(perHour float64) func(*rand.Rand, time.Time) int {
	return func(r *rand.Rand, _ time.Time) int { return poisson(r, perHour/60) }
}

func poisson(r *rand.Rand, mean float64) int {
	n, p := 0, r.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= r.Float64()
	}
	return n
}

// office is a service of people in one time zone: busy by day, asleep by night and on weekends.
func office(perHour float64) func(*rand.Rand, time.Time) int {
	return func(r *rand.Rand, t time.Time) int {
		if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || t.Hour() < 8 || t.Hour() >= 18 {
			return 0
		}
		return poisson(r, perHour/60)
	}
}

// fits is a service that does something long now and then, such as a compose, and says much of it.
func fits(aDay, minutes float64) func(*rand.Rand, time.Time) int {
	busy := 0.0
	return func(r *rand.Rand, _ time.Time) int {
		if r.Float64() < aDay/1440 {
			busy = minutes * (0.5 + r.Float64())
		}
		if busy--; busy > 0 {
			return poisson(r, 3)
		}
		return 0
	}
}

// rebuilt is quiet, but for a whole week in which it says thirty times as much.
func rebuilt(perHour float64) func(*rand.Rand, time.Time) int {
	return func(r *rand.Rand, t time.Time) int {
		if week := int(t.Sub(monday).Hours()) / hoursAWeek; week%7 == 4 {
			return poisson(r, 30*perHour/60)
		}
		return poisson(r, perHour/60)
	}
}

func nightly(r *rand.Rand, t time.Time) int {
	if t.Hour() == 3 && t.Minute() < 20 {
		return 1 + poisson(r, 40)
	}
	return 0
}

func patterns() []pattern {
	return []pattern{
		{"300 an hour", independent(300), 20 * time.Minute},
		{"60 an hour", independent(60), 30 * time.Minute},
		{"10 an hour", independent(10), 3 * time.Hour},
		{"1 an hour", independent(1), 36 * time.Hour},
		{"4 a day", independent(4. / 24), 9 * 24 * time.Hour},
		{"1 a week", independent(1. / 168), 0},
		{"office, 20 an hour", office(20), 2 * time.Hour},
		{"office, 2 an hour", office(2), 3 * 24 * time.Hour},
		{"fits, 6 a day of 20 minutes", fits(6, 20), 6 * 24 * time.Hour},
		{"fits, 1 a day of 2 hours", fits(1, 120), 28 * 24 * time.Hour},
		{"nightly", nightly, 3 * 24 * time.Hour},
		{"mass rebuilds", rebuilt(4), 24 * time.Hour},
	}
}

// play lets a watch listen to patterns from monday on, for so many minutes, and gives each change and its time.
func play(w *Watch, r *rand.Rand, all []pattern, from, minutes int, note func(pattern, Change, time.Time)) {
	byName := map[string]pattern{}
	for _, p := range all {
		byName[p.name] = p
	}
	for m := from; m < from+minutes; m++ {
		now := monday.Add(time.Duration(m) * time.Minute)
		for _, p := range all {
			for range p.messages(r, now) {
				w.Heard(Subject{Service, p.name, "org.example.prod"}, now.Add(time.Duration(r.IntN(60))*time.Second))
			}
		}
		for _, c := range w.Tick(now.Add(time.Minute)) {
			note(byName[c.Name], c, now)
		}
	}
}

const weekOfMinutes = hoursAWeek * 60

// TestFalseAlarms lets services of many kinds speak for two years each, and counts how often one is called silent while
// it is well: doc/status.md says the rate.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("it plays years: run it without -short, as make check does")
	}
	alarms, years := map[string]int{}, 0.0
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 9))
		all := patterns()
		const played = 26 * weekOfMinutes
		play(NewWatch(Config{}), r, all, 0, played, func(p pattern, c Change, at time.Time) {
			if !c.Back {
				alarms[p.name]++
				t.Logf("seed %d, %v: %v (%.1f missing)", seed, at, c, c.Missing)
			}
		})
		years += 0.5
	}
	sum := 0
	for _, p := range patterns() {
		t.Logf("%-30s %d false alarms in %.0f years", p.name, alarms[p.name], years)
		sum += alarms[p.name]
	}
	rate := float64(sum) / (years * float64(len(patterns())))
	t.Logf("%.2f false alarms a year and service", rate)
	if rate > 0.2 {
		t.Errorf("%.2f false alarms a year and service; doc/status.md promises less than one in five years", rate)
	}
}

// TestDetection ends each service after ten weeks, on a Wednesday at noon, and looks when that is noticed.
func TestDetection(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const end = 10*weekOfMinutes + 2*1440 + 720
	all := patterns()
	w := NewWatch(Config{})
	play(w, r, all, 0, end, func(pattern, Change, time.Time) {})
	stopped := monday.Add(end * time.Minute)
	for i := range all {
		all[i].messages = func(*rand.Rand, time.Time) int { return 0 }
	}
	noticed := map[string]time.Duration{}
	play(w, r, all, end, 10*1440, func(p pattern, c Change, at time.Time) {
		if _, known := noticed[p.name]; !known && !c.Back {
			noticed[p.name] = at.Sub(stopped)
		}
	})
	for _, p := range all {
		after, known := noticed[p.name]
		t.Logf("%-30s %v", p.name, after)
		late := known && after > p.detected || !known && p.detected > 0 && p.detected < 10*24*time.Hour
		if p.detected == 0 && known || late {
			t.Errorf("%s: noticed %v after %v, want at most %v", p.name, known, after, p.detected)
		}
	}
}
