package daemon

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// This is the oracle of the simulated week. It was written from doc/scheduling.md and knows nothing of how notifyd
// works: it keeps what waits for each destination in a list and asks the rules of the document about it.

// A clockFace is what clocks of a zone show in each minute of the simulated time.
type clockFace struct {
	begin time.Time   // UTC
	wall  []time.Time // what is shown, as if it were UTC
	days  []time.Time
	shown map[time.Time]int // the first minute at which something is shown
	comes map[time.Time]int // the last minute
}

func newClockFace(zone *time.Location, begin, end time.Time) clockFace {
	f := clockFace{begin: begin, shown: map[time.Time]int{}, comes: map[time.Time]int{}}
	for t := begin; t.Before(end); t = t.Add(time.Minute) {
		local := t.In(zone)
		w := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		if _, before := f.shown[w]; !before {
			f.shown[w] = len(f.wall)
		}
		f.comes[w] = len(f.wall)
		f.wall = append(f.wall, w)
		if day := w.Truncate(24 * time.Hour); len(f.days) == 0 || day.After(f.days[len(f.days)-1]) {
			f.days = append(f.days, day)
		}
	}
	return f
}

func (f clockFace) at(minute int) time.Time { return f.begin.Add(time.Duration(minute) * time.Minute) }

// first is the first moment at which the clock shows w or, where it leaves it out, at which it is put forward over it.
func (f clockFace) first(w time.Time) time.Time {
	if i, is := f.shown[w]; is {
		return f.at(i)
	}
	for i, shown := range f.wall {
		if shown.After(w) {
			return f.at(i)
		}
	}
	return f.at(len(f.wall))
}

// last is the last moment at which the clock comes to show w or, where it leaves it out, as first.
func (f clockFace) last(w time.Time) time.Time {
	if i, is := f.comes[w]; is {
		return f.at(i)
	}
	return f.first(w)
}

// later is when a digest of the time w goes: where the clock leaves w out, later by as much as it was put forward.
func (f clockFace) later(w time.Time) time.Time {
	at := f.first(w)
	if i := int(at.Sub(f.begin) / time.Minute); i > 0 && i < len(f.wall) && f.wall[i].After(w) {
		return at.Add(w.Sub(f.wall[i-1].Add(time.Minute)))
	}
	return at
}

// A span is a time in which nothing is sent: its beginning belongs to it, its end does not.
type span struct{ begin, end time.Time }

func (s span) String() string {
	return s.begin.UTC().Format(time.StampMilli) + " to " + s.end.UTC().Format(time.StampMilli)
}

// A quietWindow is one of a person's: minutes of the day, and days on which it begins.
type quietWindow struct {
	days     []time.Weekday // empty: every day
	from, to int
}

func (w quietWindow) String() string {
	text := ""
	for i, d := range w.days {
		if i > 0 {
			text += ","
		}
		text += []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[d]
	}
	if text != "" {
		text += " "
	}
	return fmt.Sprintf("%s%02d:%02d-%02d:%02d", text, w.from/60, w.from%60, w.to/60, w.to%60)
}

func (f clockFace) spans(windows []quietWindow) (all []span) {
	for _, w := range windows {
		for _, day := range f.days {
			if len(w.days) > 0 && !slices.Contains(w.days, day.Weekday()) {
				continue
			}
			end := day.Add(time.Duration(w.to) * time.Minute)
			if w.to <= w.from {
				end = end.AddDate(0, 0, 1)
			}
			all = append(all, span{f.first(day.Add(time.Duration(w.from) * time.Minute)), f.last(end)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.begin.Compare(b.begin) })
	var joined []span
	for _, s := range all {
		if n := len(joined); n > 0 && !s.begin.After(joined[n-1].end) {
			joined[n-1].end = latest(joined[n-1].end, s.end)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A plan is a schedule as the document tells it.
type plan struct {
	every        time.Duration
	count        int
	at           []int // minutes of the day
	days         []time.Weekday
	atOnceFrom   int // severity; 0: none
	firstAtOnce  bool
	ownOfAFilter bool
}

func (p plan) String() string { return fmt.Sprintf("%+v", p.stored()) }

func (p plan) digest() bool { return p.every > 0 || p.count > 0 || len(p.at) > 0 }

// due is when the digest goes to which a notice comes that arrives at t, if its count is not reached before.
func (p plan) due(f clockFace, t time.Time) time.Time {
	due := t.AddDate(0, 0, 7)
	if p.every > 0 {
		due = t.Add(p.every)
	}
	for _, minute := range p.at {
		for _, day := range f.days {
			if day.Before(t.AddDate(0, 0, -2)) || day.After(t.AddDate(0, 0, 9)) ||
				len(p.days) > 0 && !slices.Contains(p.days, day.Weekday()) {
				continue
			}
			if at := f.later(day.Add(time.Duration(minute) * time.Minute)); at.After(t) && at.Before(due) {
				due = at
			}
		}
	}
	return due
}

// A told is a notice that the oracle expects.
type told struct {
	message  string
	arrived  time.Time
	critical bool
	packages string
	filters  []int // numbers of the person's filters
	severity int

	group  string // the digest that it waits for; "": none
	count  int    // of that digest
	due    time.Time
	pause  bool // a pause holds it, which began at arrival or before
	thrown bool // and throws it away at its end

	sent   time.Time // zero: it is not
	why    string    // it is never sent
	parcel int       // what went in one parcel has one number
}

// A box is a destination as the oracle sees it.
type box struct {
	face     clockFace
	windows  []quietWindow
	quiet    []span
	pause    span
	drop     bool
	strict   bool
	plan     plan
	window   time.Time // the end of the window of "the first at once"
	gathered bool
	waiting  []*told
	all      []*told
	parcels  int
}

// next is the first moment from t on at which a notice may go.
func (b *box) next(t time.Time, critical bool) (at time.Time, paused bool) {
	at = t
	if !t.Before(b.pause.begin) && t.Before(b.pause.end) && (!critical || b.strict) {
		at, paused = b.pause.end, true
	}
	if critical {
		return at, paused
	}
	for _, s := range b.quiet {
		if !at.Before(s.begin) && at.Before(s.end) {
			at = s.end
		}
	}
	return at, paused
}

// arrive plans a notice at t by the plans of the filters that bring it, in the order of their numbers.
func (b *box) arrive(n *told, plans []plan) {
	t := n.arrived
	b.all = append(b.all, n)
	due, group, count, rank := time.Time{}, "", 0, 9
	var best plan
	for _, p := range plans {
		r, d := 2, time.Time{}
		switch {
		case !p.digest() || n.critical || p.atOnceFrom > 0 && n.severity >= p.atOnceFrom:
			r, d = 0, t
		case p.firstAtOnce:
			r, d = 1, t
		default:
			d = p.due(b.face, t)
		}
		if r < rank || r == rank && r == 2 && d.Before(due) {
			rank, due, best = r, d, p
		}
	}
	opens, _ := b.next(t, n.critical)
	switch {
	case rank == 1 && opens.After(t): // what is held neither looks at the window nor opens one
	case rank == 1:
		switch {
		case t.Before(b.window):
			if soon := t.Add(best.every); soon.Before(b.window) {
				b.window = soon
			}
			due, group, count, b.gathered = b.window, "first", best.count, true
		case b.gathered && t.Before(b.window.Add(best.every)):
			b.window, b.gathered = b.window.Add(best.every), true
			due, group, count = b.window, "first", best.count
		default:
			b.window, b.gathered = t.Add(best.every), false
		}
	case rank == 2:
		group, count = "destination", best.count
		if best.ownOfAFilter {
			group = best.String()
		}
	}
	n.group, n.count, n.due = group, count, due
	if at, paused := b.next(t, n.critical); paused {
		n.due, n.pause, n.group, n.thrown = at, true, "held", b.drop && !n.critical
	}
	b.waiting = append(b.waiting, n)
	if n.count > 0 && n.group != "held" && b.waitFor(n.group) >= n.count {
		for _, w := range b.waiting {
			if w.group == n.group {
				w.due = t
			}
		}
	}
}

func (b *box) waitFor(group string) (count int) {
	for _, w := range b.waiting {
		if w.group == group {
			count++
		}
	}
	return count
}

// paused is the beginning of the pause: what waits and is due before its end is held.
func (b *box) paused() {
	end, _ := b.next(b.pause.end, false)
	for _, w := range b.waiting {
		if w.due.Before(end) && (!w.critical || b.strict) {
			w.due, w.pause = b.pause.end, true
		}
	}
}

// run sends what is due until t.
func (b *box) run(t time.Time) {
	for len(b.waiting) > 0 {
		first := slices.MinFunc(b.waiting, func(x, y *told) int { return x.due.Compare(y.due) })
		if first.due.After(t) {
			return
		}
		b.send(first.due)
	}
}

// send takes what is due at t: what may not go now is held until it may.
func (b *box) send(t time.Time) {
	var due []*told
	groups := map[string]bool{}
	for _, w := range b.waiting {
		if !w.due.After(t) {
			due = append(due, w)
			groups[w.group] = w.group != ""
		}
	}
	held := false
	for _, w := range due {
		switch at, paused := b.next(t, w.critical); {
		case w.thrown && !paused && !w.critical:
			w.why = "it came while you were paused"
			b.take(w)
		case at.After(t):
			for _, o := range b.waiting { // the digest as a whole is held
				if o != w && o.group == w.group && o.group != "" && o.due.After(t) {
					o.due, o.group = at, "held"
				}
			}
			w.due, w.group, held = at, "held", true
			w.pause = w.pause || paused
		}
	}
	if held {
		return
	}
	digest := 0
	for _, w := range slices.Clone(b.waiting) {
		alone := w.group == ""
		if w.due.After(t) && (alone || !groups[w.group]) {
			continue
		}
		if at, _ := b.next(t, w.critical); at.After(t) {
			continue // what is critical takes nothing with it that may not go
		}
		if alone || digest == 0 {
			b.parcels++
		}
		w.parcel = b.parcels
		if !alone {
			if digest == 0 {
				digest = b.parcels
			}
			w.parcel = digest
		}
		w.sent = t
		b.take(w)
	}
}

func (b *box) take(w *told) {
	b.waiting = slices.DeleteFunc(b.waiting, func(o *told) bool { return o == w })
}

// silence drops what waits and is muted.
func (b *box) silence(why string, muted func(*told) bool) {
	for _, w := range slices.Clone(b.waiting) {
		if muted(w) {
			w.why = why
			b.take(w)
		}
	}
}

// byArrival orders notices for a report.
func byArrival(a, b *told) int {
	return cmp.Or(a.arrived.Compare(b.arrived), cmp.Compare(a.message, b.message))
}
