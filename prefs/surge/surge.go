// Package surge notices when a filter suddenly has many times more notices than usual.
//
// What is usual is an exponentially weighted moving average of the counts of past windows (Roberts, "Control Chart
// Tests Based on Geometric Moving Averages", Technometrics 1(3), 1959). Its memory is three days; a filter that is
// younger than that has the plain mean, and is not judged before it is Learn old. A count goes into the average at most
// as large as would be a surge (winsorizing), so that one storm does not become what is usual, and a rate that stays
// high does, within hours.
//
// A surge begins with the notice by which the last Window has at least Least of them and Times the usual. All of them
// that come until a Window later go together then. If the last Window has as many again at that time the surge goes on
// for another one; else it is over, and the first notice after it says so.
//
// A Tracker takes no lock and reads no clock: it belongs to the router. What it counts is only kept when the router has
// stored it:
//
//	state := tracker.Hit(filter, rate, now) // a notice of the filter is planned
//	...
//	tracker.Commit(now)                     // all that was planned is stored; or Rollback
package surge

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/notifyd/notifyd/internal/moving"
)

// A Config says what a surge is. A zero field means the default named beside it.
type Config struct {
	Off    bool          // there are none
	Least  int           // notices in a Window below which nothing is a surge: 10
	Times  int           // of the usual: 10
	Window time.Duration // 10 min
	Learn  time.Duration // how old a filter must be: a day
	Most   int           // filters that are remembered: 100,000
}

// memory is the length of what is remembered.
const memory = 72 * time.Hour

// WithDefaults fills in what is not set.
func (c Config) WithDefaults() Config {
	c.Least, c.Times = cmp.Or(max(c.Least, 0), 10), cmp.Or(max(c.Times, 0), 10)
	c.Window = cmp.Or(max(c.Window, 0), 10*time.Minute)
	c.Learn = cmp.Or(max(c.Learn, 0), 24*time.Hour)
	c.Most = cmp.Or(max(c.Most, 0), 100_000)
	return c
}

// A Rate is what the database knows of a filter.
type Rate struct {
	Since time.Time // since when its notices are counted: when its rules were made, or later
	Usual int64     // notices in a Window, in thousandths; 0: less than one, or not known
	Now   State     // the surge that some node has found; the zero State: none
}

// A State is how a filter stands.
type State struct {
	Came   int   // in the last Window
	Usual  int64 // in a Window, in thousandths
	Window time.Duration
	Began  time.Time // zero: there is no surge
	Folds  time.Time // when what comes now goes, all together
	Over   bool      // a surge has just ended
	Fresh  bool      // it has begun, or goes on for another Window, with this notice
}

// Surging reports whether what comes at that time waits for Folds.
func (s State) Surging(now time.Time) bool { return now.Before(s.Folds) }

// A Tracker remembers how often filters match.
type Tracker struct {
	cfg     Config
	of      map[uint64]*entry
	touched []uint64 // with something pending
}

// An entry is what is remembered of a filter.
type entry struct {
	last    moving.Window // what came in the last Window
	usual   float64
	seen    float64 // windows of which usual is the average
	window  int64   // the number of the current window, since 1970
	count   int     // in it
	began   int64   // of the surge, in microseconds; 0: none
	folds   int64
	saved   int64 // usual as it is stored, in thousandths
	pending int   // hits that are not committed
	fresh   bool  // began or folds is not committed
	was     [2]int64
}

// New makes an empty Tracker.
func New(c Config) *Tracker { return &Tracker{cfg: c.WithDefaults(), of: map[uint64]*entry{}} }

// Window is how long a window is.
func (t *Tracker) Window() time.Duration { return t.cfg.Window }

// Len gives how many filters are remembered.
func (t *Tracker) Len() int { return len(t.of) }

// Hit counts a notice of a filter, and gives how the filter stands with it.
func (t *Tracker) Hit(filter uint64, r Rate, now time.Time) State {
	if t.cfg.Off {
		return State{}
	}
	e := t.of[filter]
	if e == nil {
		e = t.enter(filter, r, now)
	}
	if e.pending == 0 {
		t.touched = append(t.touched, filter)
		e.was = [2]int64{e.began, e.folds}
		e.advance(now, t.cfg)
	}
	e.pending++
	last := now.Add(t.cfg.Window)
	if found := r.Now; found.Surging(now) && found.Folds.UnixMicro() > e.folds && !found.Folds.After(last) {
		e.began, e.folds = found.Began.UnixMicro(), found.Folds.UnixMicro() // by another node
	}
	return e.judge(r, now, t.cfg)
}

// judge says how a filter stands, and begins and ends its surge.
func (e *entry) judge(r Rate, now time.Time, c Config) State {
	came, at := e.last.Count(now)+e.pending, now.UnixMicro()
	s := State{Came: came, Usual: int64(e.usual * 1000), Window: c.Window}
	enough := came >= c.Least && float64(came) >= float64(c.Times)*e.usual && now.Sub(r.Since) >= c.Learn
	switch last := now.Add(c.Window).UnixMicro(); {
	case e.folds > last: // the clock was put back
		e.began, e.folds = 0, 0
	case at < e.folds:
	case enough:
		if e.began == 0 {
			e.began = at
		}
		e.folds, e.fresh, s.Fresh = last, true, true
	case e.began != 0:
		s.Over = at < e.folds+(24*time.Hour).Microseconds()
		e.began, e.folds, e.fresh = 0, 0, true
	}
	if e.began != 0 {
		s.Began, s.Folds = time.UnixMicro(e.began).UTC(), time.UnixMicro(e.folds).UTC()
	}
	return s
}

// enter begins to remember a filter.
func (t *Tracker) enter(filter uint64, r Rate, now time.Time) *entry {
	if len(t.of) >= t.cfg.Most {
		t.forget(now)
	}
	e := &entry{last: moving.New(t.cfg.Window), window: now.UnixMicro() / t.cfg.Window.Microseconds(),
		usual: float64(r.Usual) / 1000, saved: r.Usual, seen: 1}
	if age := now.Sub(r.Since); age > 0 {
		e.seen = max(1, min(full(t.cfg), float64(age/t.cfg.Window)))
	}
	t.of[filter] = e
	return e
}

// full is how many windows the memory has.
func full(c Config) float64 { return max(1, float64(memory/c.Window)) }

// advance takes the windows that are over into the average: the one that was counted, and those in which nothing came.
func (e *entry) advance(now time.Time, c Config) {
	at := now.UnixMicro() / c.Window.Microseconds()
	gone := at - e.window
	if gone == 0 {
		return
	}
	if gone < 0 { // the clock was put back
		e.window, e.count = at, 0
		return
	}
	n := float64(e.count)
	if e.seen >= float64(c.Learn/c.Window) {
		n = min(n, max(float64(c.Least), float64(c.Times)*e.usual))
	}
	e.seen = min(e.seen+1, full(c))
	e.usual += (n - e.usual) / e.seen
	if quiet := float64(gone - 1); quiet > 0 {
		young := min(quiet, full(c)-e.seen)
		e.usual *= e.seen / (e.seen + young) * math.Pow(1-1/full(c), quiet-young)
		e.seen += young
	}
	e.window, e.count = at, 0
}

// forget makes room: filters that rarely match, and of the others those that match least.
func (t *Tracker) forget(now time.Time) {
	type rated struct {
		filter uint64
		usual  float64
	}
	var all []rated
	for filter, e := range t.of {
		if e.pending == 0 {
			e.advance(now, t.cfg)
			all = append(all, rated{filter, e.usual})
		}
	}
	slices.SortFunc(all, func(a, b rated) int { return cmp.Compare(a.usual, b.usual) })
	for _, r := range all[:min(len(all), max(1, t.cfg.Most/4))] {
		delete(t.of, r.filter)
	}
}

// Commit keeps what was counted since the last one: it is stored. It gives the surges that began, went on or ended.
func (t *Tracker) Commit(now time.Time) map[uint64]State {
	var changed map[uint64]State
	for _, filter := range t.touched {
		e := t.of[filter]
		e.last.Add(now, e.pending)
		e.count += e.pending
		if e.fresh {
			if changed == nil {
				changed = map[uint64]State{}
			}
			s := State{Came: e.last.Count(now), Usual: int64(e.usual * 1000), Over: e.began == 0}
			if e.began != 0 {
				s.Began, s.Folds = time.UnixMicro(e.began).UTC(), time.UnixMicro(e.folds).UTC()
			}
			changed[filter] = s
		}
		e.pending, e.fresh = 0, false
	}
	t.touched = t.touched[:0]
	return changed
}

// Rollback forgets what was counted since the last Commit: it was not stored, and comes again.
func (t *Tracker) Rollback() {
	for _, filter := range t.touched {
		e := t.of[filter]
		if e.fresh {
			e.began, e.folds = e.was[0], e.was[1]
		}
		e.pending, e.fresh = 0, false
	}
	t.touched = t.touched[:0]
}

// Unsaved gives the rates that are to be stored, in thousandths, at most so many: those of at least one notice in
// a Window that have moved by a tenth, and 0 for those that have fallen below. Saved says that they are.
func (t *Tracker) Unsaved(most int) map[uint64]int64 {
	found := map[uint64]int64{}
	for filter, e := range t.of {
		usual := int64(e.usual * 1000)
		if usual < 1000 {
			usual = 0
		}
		if moved := usual - e.saved; usual != e.saved && max(moved, -moved)*10 >= e.saved {
			found[filter] = usual
		}
		if len(found) >= most {
			break
		}
	}
	return found
}

// Saved says that rates are stored.
func (t *Tracker) Saved(rates map[uint64]int64) {
	for filter := range maps.Keys(rates) {
		if e := t.of[filter]; e != nil {
			e.saved = rates[filter]
		}
	}
}
