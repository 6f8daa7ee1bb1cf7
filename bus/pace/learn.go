package pace

import "time"

// A Minute is one in which something was heard, counted from the begin of 1970.
type Minute struct {
	At       int64
	Messages int
}

// Learn gives a subject a record of what was heard before the Watch began: it goes through the minutes, which are in
// order, as if it had listened to them. listened says in which hours somebody did. What was silent then is not silent
// for that now: the silence counts from the begin of the Watch.
func (w *Watch) Learn(of Subject, heard []Minute, listened func(hour int64) bool, until time.Time) {
	if len(heard) == 0 {
		return
	}
	alone := NewWatch(w.config)
	end := floorDiv(until.Unix(), 60)
	for m := max(heard[0].At, end-kept*60); m < end; m++ {
		at := time.Unix(m*60, 0).UTC()
		for len(heard) > 0 && heard[0].At <= m {
			if heard[0].At == m {
				alone.Heard(of, at)
				if s := alone.subjects[of]; s != nil {
					s.fresh += heard[0].Messages - 1
				}
			}
			heard = heard[1:]
		}
		if !listened(floorDiv(m, 60)) {
			alone.last, alone.listened = time.Time{}, 0 // as if it had been interrupted
		}
		alone.Tick(at.Add(time.Minute))
	}
	learned := alone.subjects[of]
	if learned == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.subject(of, until)
	if s == nil {
		return
	}
	s.record, s.unsaved = learned.record, true
	s.last = later(s.last, learned.last)
}
