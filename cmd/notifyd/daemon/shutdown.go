package daemon

import (
	"fmt"
	"strings"
	"time"
)

// A stopPlan divides the time that an orderly stop may take (stop.within). The steps count from the signal, so that one
// that takes long takes from the next ones and the whole still ends in time. What is stuck at its step is named in the
// error and left behind: the process ends, and what was committed is taken up at the next start.
type stopPlan struct {
	intake time.Duration // sources have ended
	flow   time.Duration // what was received is committed, what was being sent is over and written down
	joined time.Duration // router and outbox have ended: they need a moment to notice that their time is over
	rest   time.Duration // connections and pages are closed
	close  time.Duration // how long closing the database may take after that
	drain  time.Duration // of flow, for sends in hand
	pages  time.Duration // of rest, for requests that are being answered
}

func (s Settings) stopPlan() stopPlan {
	whole := s.Stop.Within
	flow := whole * 5 / 8
	return stopPlan{
		intake: whole / 4, flow: flow, joined: whole * 6 / 8, rest: whole * 7 / 8, close: whole / 8,
		drain: min(s.Outbox.Drain, flow*3/5), pages: whole / 10,
	}
}

// stuckError says what did not end in time; nil when everything has.
func stuckError(stuck []string, within time.Duration) error {
	if len(stuck) == 0 {
		return nil
	}
	return fmt.Errorf("not ended within stop.within (%s): %s", within, strings.Join(stuck, ", "))
}
