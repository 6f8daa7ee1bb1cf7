package daemon

import (
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// receive.go is the first half of the flow: from frames to events. route.go is the second, which needs the database.

// silence counts the malformed frames since they were last logged.
type silence struct {
	at    time.Time
	count int
}

// describe decodes frames into events. It counts and leaves out malformed frames and those seen a short time ago.
func (r *router) describe(frames []bus.Frame) []*catalogue.Event {
	var events []*catalogue.Event
	current := r.describer.load()
	watch := newPhaseTimer(r.now)
	for _, f := range frames {
		m, err := bus.Decode(f, r.now())
		watch.lap("decode")
		if err != nil {
			r.malformed(f, err)
			continue
		}
		if r.dedup.Seen(m.ID) {
			r.metrics.reject(f.Source, "duplicate")
			continue
		}
		events = append(events, current.Describe(m))
		watch.lap("describe")
	}
	watch.observe(r.metrics.routeSeconds)
	return events
}

// malformedLogged is the time between two lines of the log about a source's malformed frames; the metrics count them
// all.
const malformedLogged = time.Minute

// malformed counts a malformed frame. For each source it logs at most one line a minute, with the number since the
// last.
func (r *router) malformed(f bus.Frame, err error) {
	r.metrics.reject(f.Source, "malformed")
	now, last := r.now(), r.silent[f.Source]
	last.count++
	if now.Sub(last.at) >= malformedLogged {
		r.log.Warn("dropped what is no message", "source", f.Source, "topic", f.Topic, "frames", last.count, "error", err)
		last = silence{at: now}
	}
	r.silent[f.Source] = last
}
