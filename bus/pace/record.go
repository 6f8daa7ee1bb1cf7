package pace

import (
	"math"
	"slices"
	"time"
)

// These are hours, counted from the begin of 1970.
const (
	hoursAWeek = 168
	// kept are the hours of a record: those of the weeks that are compared with, and a week that is not over.
	kept = (weeks + 1) * hoursAWeek
)

// A cell is what was heard in an hour.
type cell struct {
	minutes int8 // in which something was heard; unknown: nobody listened
	size    int8 // how many messages: see sizeOf
}

const unknown = -1

// A record is what was heard of a subject in the last hours, a ring.
type record struct {
	cells   [kept]cell
	hour    int64              // the newest; its cell grows
	now     int                // messages in it
	longest [weeks + 1]float64 // silence that ended in each week, a ring by the week
	tried   [weeks + 1]bool    // silences of that week could be measured
}

func newRecord(hour int64) *record {
	r := &record{hour: hour}
	for i := range r.cells {
		r.cells[i].minutes = unknown
	}
	r.cells[ring(hour)].minutes = 0
	return r
}

func hourOf(t time.Time) int64 { return floorDiv(t.Unix(), 3600) }

// weekOf counts weeks that begin on Monday at 0:00 UTC.
func weekOf(hour int64) int64 { return floorDiv(hour-96, hoursAWeek) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ring(hour int64) int64 { return ((hour % kept) + kept) % kept }

func ringOfWeek(hour int64) int64 { return ((weekOf(hour) % (weeks + 1)) + weeks + 1) % (weeks + 1) }

// advance begins an hour. Those between are unknown; the one that ends is unknown unless it was listened to.
func (r *record) advance(hour int64, listened bool) {
	if hour <= r.hour {
		return
	}
	if !listened {
		r.cells[ring(r.hour)] = cell{minutes: unknown}
	}
	for h := max(r.hour+1, hour-kept); h < hour; h++ {
		r.cells[ring(h)] = cell{minutes: unknown}
	}
	for w := max(weekOf(r.hour)+1, weekOf(hour)-weeks); w <= weekOf(hour); w++ {
		i := ((w % (weeks + 1)) + weeks + 1) % (weeks + 1)
		r.longest[i], r.tried[i] = 0, false
	}
	r.hour, r.now = hour, 0
	r.cells[ring(hour)] = cell{}
}

// heard notes a minute of this hour with so many messages.
func (r *record) heard(messages int) {
	c := &r.cells[ring(r.hour)]
	r.now += messages
	c.minutes, c.size = min(max(c.minutes, 0)+1, 60), sizeOf(r.now)
}

// sizeOf gives a number in a byte: as it is where it is small, and then in steps of 17 percent. A record keeps many,
// and nobody needs them exactly.
func sizeOf(n int) int8 {
	if n <= exact {
		return int8(n)
	}
	return int8(min(exact+math.Round(math.Log(float64(n)/exact)/math.Log(stepOf)), maxSize))
}

const (
	exact   = 20
	stepOf  = 1.17
	maxSize = 74
)

func (c cell) messages() float64 {
	if c.size <= exact {
		return float64(c.size)
	}
	return exact * math.Pow(stepOf, float64(c.size-exact))
}

// missing gives the number of minutes in which something was heard in the same time of other weeks: of the week that
// had fewest but one, or with few weeks of the one that had fewest. ok is false where less than two weeks are known.
func (r *record) missing(from, until time.Time) (minutes float64, ok bool) {
	step := int64(1) // weeks by which the time is shifted: it must not overlap itself
	for time.Duration(step)*7*24*time.Hour < until.Sub(from) {
		step++
	}
	var sums []float64
	for back := step; back <= weeks; back += step {
		if sum, ok := r.sum(from, until, back*hoursAWeek); ok {
			sums = append(sums, sum)
		}
	}
	if len(sums) < 2 {
		return 0, false
	}
	slices.Sort(sums)
	if len(sums) >= few {
		return sums[1], true
	}
	return sums[0], true
}

// sum adds up the minutes of a time, so many hours back. ok is false where more than a tenth of it is unknown.
func (r *record) sum(from, until time.Time, back int64) (minutes float64, ok bool) {
	var missed time.Duration
	for h := hourOf(from); h <= hourOf(until); h++ {
		begin := time.Unix(h*3600, 0)
		part := min(until.Sub(begin), time.Hour) - max(from.Sub(begin), 0)
		at := h - back
		if at <= r.hour-kept || at >= r.hour {
			return 0, false
		}
		if c := r.cells[ring(at)]; c.minutes == unknown {
			missed += part
		} else {
			minutes += float64(c.minutes) * part.Hours()
		}
	}
	return minutes, missed*10 <= until.Sub(from)
}

// ended notes a silence that is over.
func (r *record) ended(from, until time.Time) {
	length, ok := r.missing(from, until)
	if !ok {
		return
	}
	i := ringOfWeek(r.hour)
	r.longest[i], r.tried[i] = max(r.longest[i], length), true
}

// limit gives the length from which on a silence is an alarm.
func (r *record) limit(enough float64) float64 {
	var all []float64
	for i, tried := range r.tried {
		if tried {
			all = append(all, r.longest[i])
		}
	}
	slices.Sort(all)
	slices.Reverse(all)
	switch {
	case len(all) < 2:
		return math.Inf(1)
	case len(all) == 2:
		return 2 * max(enough, factor*all[0])
	case len(all) < few:
		return max(enough, factor*all[0])
	}
	return max(enough, factor*all[1])
}

// usual gives the messages of this hour of the week, the median of the weeks that are known.
func (r *record) usual() (perHour float64, known int) {
	var all []float64
	for back := int64(1); back <= weeks; back++ {
		if c := r.cells[ring(r.hour-back*hoursAWeek)]; c.minutes != unknown {
			all = append(all, c.messages())
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2, n
	}
	return all[len(all)/2], len(all)
}

// minutes gives in how many minutes of all the record something was heard.
func (r *record) minutes() int {
	sum := 0
	for _, c := range r.cells {
		sum += int(max(c.minutes, 0))
	}
	return sum
}
