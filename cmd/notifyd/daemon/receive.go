package daemon

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/relay"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// receive.go is the first half of the flow: from frames to events. route.go is the second, which needs the database.

// A reception is what a frame turns out to be: a message with its standing, or an error.
type reception struct {
	message *bus.Message
	action  trust.Action
	err     error
	spent   time.Duration
}

// describe decodes and judges frames, and describes them as events. It counts and leaves out malformed frames, those
// that the policy drops, and repeats of those seen a short time ago.
func (r *router) describe(frames []bus.Frame) []*catalogue.Event {
	var events []*catalogue.Event
	var handing []relay.Item
	current := r.describer.load()
	watch := newPhaseTimer(r.now)
	received := receiveAll(frames, r.verifier(), r.now)
	watch.lap("decode")
	for i, f := range frames {
		r.hear(f)
		m := received[i].message
		r.charge(f.Source, f.Late, received[i].spent)
		if err := received[i].err; err != nil {
			r.malformed(f, err)
			continue
		}
		if pace.IsHeartbeat(m.Topic) {
			r.metrics.reject(f.Source, "heartbeat")
			continue
		}
		r.metrics.judged(f.Source, m.Standing.Verdict)
		if received[i].action == trust.Drop {
			r.dropped(m)
			continue
		}
		repeat := r.dedup.See(m) == bus.Repeat
		r.holes.Sight(f, m, repeat, r.verifier().Checks() && !m.Standing.Proved())
		if repeat {
			r.metrics.reject(f.Source, "duplicate")
			continue
		}
		r.hearService(f, m)
		handing = append(handing, relay.Item{Frame: f, Message: m})
		r.metrics.mend(m)
		events = append(events, current.Describe(m))
		r.charge(f.Source, f.Late, watch.lap("describe"))
	}
	r.handOn(handing)
	watch.observe(r.metrics.routeSeconds)
	return events
}

// hear notes that an endpoint lives: whatever it sends says so, also a heartbeat.
func (r *router) hear(f bus.Frame) {
	if r.paces != nil && isLive(f) {
		r.paces.Heard(pace.Subject{What: pace.Endpoint, Name: f.Source}, r.now())
	}
}

// isLive reports whether a frame comes from a bus, and now: not one that fills a hole, is of an archive, or our own.
func isLive(f bus.Frame) bool { return !f.Late && !f.ThirdParty && !f.Own }

// hearService notes that a service has said something. A message that the site's policy marks says nothing of it: else
// strangers could make one that is silent seem alive.
func (r *router) hearService(f bus.Frame, m *bus.Message) {
	if r.paces != nil && isLive(f) && !m.Standing.Marked {
		r.paces.Heard(pace.ServiceOf(m.Topic), r.now())
	}
}

// handOn gives messages to all outlets: those that the policy does not drop, and that did not come a short time ago, so
// that they can go in no circle. Subscribers do not wait for the database. A batch that the database
// does not take is handed on once and tried again, while those behind it wait; so nothing that was handed on is lost
// but by a kill, and a bus that redelivers brings that again.
func (r *router) handOn(items []relay.Item) {
	for _, o := range r.outputs {
		o.HandOn(items)
	}
	for _, i := range items {
		if i.Frame.Own {
			for _, source := range r.repeaters {
				source.Repeat(i.Frame)
			}
		}
	}
}

// receiveAll decodes and judges frames on all processors. The order of the results is that of the frames.
func receiveAll(frames []bus.Frame, v *trust.Verifier, now func() time.Time) []reception {
	received := make([]reception, len(frames))
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(frames)); i = next.Add(1) - 1 {
			began := now()
			received[i] = receive(frames[i], v, began)
			received[i].spent = now().Sub(began)
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(frames)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return received
}

// receive decodes and judges one frame.
func receive(f bus.Frame, v *trust.Verifier, now time.Time) reception {
	m, err := bus.Decode(f, now)
	if err != nil {
		return reception{err: err}
	}
	standing, action := v.Judge(m, now)
	if f.Own {
		standing = bus.Standing{Verdict: bus.Trusted, Method: bus.Relay, Reason: "notifyd itself says it"}
		action = trust.Accept
	}
	m.Standing = standing
	m.ContentHash() // here, on all processors; the router needs it
	return reception{message: m, action: action}
}

// malformed counts a malformed frame, and logs it seldom.
func (r *router) malformed(f bus.Frame, err error) {
	r.metrics.reject(f.Source, "malformed")
	r.seldom.say(f.Source, "malformed", "dropped what is no message", "topic", f.Topic, "error", err)
}

// dropped counts a message that the policy drops, and logs it seldom.
func (r *router) dropped(m *bus.Message) {
	verdict := string(m.Standing.Verdict)
	r.metrics.reject(m.Source, verdict)
	r.seldom.say(m.Source, verdict, "dropped a message by its standing", "topic", m.Topic, "id", m.ID,
		"verdict", verdict, "why", m.Standing.Reason)
}
