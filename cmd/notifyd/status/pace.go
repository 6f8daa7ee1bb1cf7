package status

import (
	"time"
)

// A Pace is how much a service says, from the same hours of the weeks before: what people and their machines do has a
// week's rhythm.
//
// A service is silent when three things hold:
//
//   - nothing has come from it for 10 minutes or more;
//   - at the same time of the week, in each of the weeks before that the history has whole, at most four, there were at
//     least 10 messages where there are none now: from the last message on, as long as the silence has lasted;
//   - there are two such weeks or more.
//
// So a weekend, a night or one quiet week is no silence, and a service that says little is called silent later: one
// that says 60 an hour after 10 minutes, one that says 2 a day after 5 days. Were messages independent of each other,
// none would come where 10 are expected once in 22,000 times. That each of the weeks must have had them is for those
// that are not.
type Pace struct {
	Weeks   int     `json:"weeks"`    // that the history has whole
	PerHour float64 `json:"per_hour"` // messages in the last hour, of those weeks, on average
	Least   int     `json:"least"`    // messages in the time of the silence, of the week that had least; at most enough
}

const (
	week       = 7 * 24 * time.Hour
	mostWeeks  = 4
	fewWeeks   = 2
	enough     = 10 // messages that must be missing
	shortest   = 10 * time.Minute
	mostAnHour = 100_000
)

// A counting counts messages of a service that were sent after a time and until another, at most so many.
type counting func(after, until time.Time, most int) (int, error)

// measure gives the pace of a service that was heard last at last, by a history that began at began.
func measure(last, began, now time.Time, count counting) (Pace, error) {
	p := Pace{Least: enough}
	inHours := 0
	for k := 1; k <= mostWeeks; k++ {
		back := -time.Duration(k) * week
		if first := earlier(last, now.Add(-time.Hour)); began.IsZero() || first.Add(back).Before(began) {
			break
		}
		missing, err := count(last.Add(back), now.Add(back), enough)
		if err != nil {
			return Pace{}, err
		}
		n, err := count(now.Add(back-time.Hour), now.Add(back), mostAnHour)
		if err != nil {
			return Pace{}, err
		}
		p.Weeks++
		p.Least = min(p.Least, missing)
		inHours += n
	}
	if p.Weeks == 0 {
		return Pace{}, nil
	}
	p.PerHour = float64(inHours) / float64(p.Weeks)
	return p, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// state judges a silence.
func (p Pace) state(silence time.Duration) string {
	switch {
	case p.Weeks < fewWeeks:
		return Unknown
	case silence >= shortest && p.Least >= enough:
		return Silent
	}
	return Normal
}
