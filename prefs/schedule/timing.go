package schedule

import "time"

// A Timing is when a notice goes by a schedule, as far as that is known before it is stored: in a digest that may be
// full earlier, or at once where it is the first for some time.
type Timing struct {
	Due  time.Time
	Hold string        // of the digest; "": it goes at once
	Pull int           // at so many waiting notices the digest goes; 0: never earlier than Due
	Lead time.Duration // it goes at once, where nothing did so for this time; 0: this says nothing
}

// HeldByDigest begins the Hold of what waits for a digest. Behind it stands the schedule, where it is that of a
// filter: so each such schedule has a digest of its own.
const HeldByDigest = "digest"

// Time returns when a notice of a severity goes that arrives now. own says that the schedule is that of a filter, and
// not of the destination.
func (s Schedule) Time(severity string, own bool, now time.Time, zone *time.Location) Timing {
	if s.AtOnce(severity) {
		return Timing{Due: now}
	}
	t := Timing{Due: s.Due(now, zone), Hold: HeldByDigest, Pull: s.Count}
	if own {
		t.Hold += " " + s.Text()
	}
	if s.First {
		t.Due, t.Lead = now, s.Every
	}
	return t
}

// Together reports whether the notice waits for a digest.
func (t Timing) Together() bool { return t.Hold != "" && t.Lead == 0 }

// Before reports whether a timing is earlier than another: at once, then perhaps at once, then the digest that is due
// first.
func (t Timing) Before(other Timing) bool {
	if t.rank() != other.rank() {
		return t.rank() < other.rank()
	}
	return t.Due.Before(other.Due)
}

func (t Timing) rank() int {
	switch {
	case t.Hold == "":
		return 0
	case t.Lead > 0:
		return 1
	}
	return 2
}
