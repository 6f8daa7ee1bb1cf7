package schedule

import (
	"strings"
	"time"
)

// A Pause stops everything until a time. The zero Pause is none. One that is over tells what it was.
type Pause struct {
	Since, Until time.Time
	// Drop says that what came meanwhile is thrown away at the end; otherwise it goes in one digest.
	Drop bool
	// Strict lets critical notices wait too.
	Strict bool
	// Resumed says that it was ended early, at Until. It does not begin again when the clock is put back.
	Resumed bool
}

// StoredPause returns a pause as it is stored: times in Unix microseconds, and what End has written. until is 0 where
// there was none.
func StoredPause(since, until int64, end string, strict bool) Pause {
	if until == 0 {
		return Pause{}
	}
	return Pause{Since: time.UnixMicro(since).UTC(), Until: time.UnixMicro(until).UTC(), Strict: strict,
		Drop: strings.HasPrefix(end, "drop"), Resumed: strings.HasSuffix(end, resumed)}
}

const resumed = " resumed"

// End returns how a pause ends, as it is stored: "digest" or "drop", or "drop resumed".
func (p Pause) End() string {
	end := "digest"
	if p.Drop {
		end = "drop"
	}
	if p.Resumed {
		end += resumed
	}
	return end
}

// MaxPause is the longest pause.
const MaxPause = 366 * 24 * time.Hour

// On reports whether it lasts at a moment.
func (p Pause) On(now time.Time) bool { return !p.Resumed && now.Before(p.Until) }

// Check returns an *Error where a pause that begins now is none, or is too long.
func (p Pause) Check(now time.Time) error {
	switch {
	case !p.Until.After(now):
		return problem("pause", "ends in the past")
	case p.Until.Sub(now) > MaxPause:
		return problem("pause", "is longer than a year")
	}
	return nil
}

// Hours are when nothing is sent to a destination: its quiet hours with those of its owner, and the owner's pause.
type Hours struct {
	Quiet Quiet
	Pause Pause
	Zone  *time.Location
}

// The holds of Hours: see HoldWords.
const (
	HeldByQuiet = "quiet"
	HeldByPause = "pause"        // it arrived in the pause
	HeldToDrop  = "pause drop"   // so did this, and is thrown away at its end
	HeldBefore  = "pause before" // it waited already, and is kept in any case
)

// Next returns the first moment from t on at which a notice may go, and what holds it until then: HeldByPause,
// HeldByQuiet, or "" where it may go at t. What is critical passes quiet hours, and a pause that is not strict. After a
// pause nothing goes before the quiet hours end into which its end falls.
func (h Hours) Next(t time.Time, critical bool) (at time.Time, hold string) {
	paused := h.Pause.On(t) && (h.Pause.Strict || !critical)
	at = t
	if paused {
		at = h.Pause.Until
	}
	if !critical {
		at = h.Quiet.End(at, h.Zone)
	}
	switch {
	case paused:
		return at, HeldByPause
	case at.After(t):
		return at, HeldByQuiet
	}
	return t, ""
}

// Waits is HoldWords for what goes to somebody with these hours: what falls due in quiet hours or a pause is said to
// wait for their end, and what waits for the end of a pause that lies in quiet hours to wait for these too.
func (h Hours) Waits(hold string, due, now time.Time, critical bool) string {
	if due.After(now) {
		if at, why := h.Next(due, critical); why != "" {
			return HoldWords(why, at, now, h.Zone)
		}
	}
	if end := h.Pause.Until; strings.HasPrefix(hold, HeldByPause) && h.Pause.On(now) && due.After(end) &&
		due.Equal(h.Quiet.End(end, h.Zone)) {
		words := HoldWords(hold, end, now, h.Zone)
		if hold != HeldToDrop {
			words += ", then quiet hours until " + Moment(due, now, h.Zone)
		}
		return words
	}
	return HoldWords(hold, due, now, h.Zone)
}

// Empty reports whether there are none, now or later.
func (h Hours) Empty() bool { return h.Quiet.None() && h.Pause.Until.IsZero() }
