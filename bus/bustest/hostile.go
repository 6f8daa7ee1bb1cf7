package bustest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// testHostile sends each hostile frame, and an honest one after each.
func testHostile(b *bench) {
	r := b.start(4)
	all := Hostile()
	for i, h := range all {
		came, _ := r.takeWhile(b.send(h.Frame))
		for _, f := range append(came, r.honest(promiseTough, i+1)...) {
			b.checkHostile(h, f)
		}
	}
	r.repeat(all[0].Frame, 200)
	r.honest(promiseTough, len(all)+1)
	huge := large(len(all)+2, bus.MaxPayload/2)
	published := b.publish(huge)
	f := r.next(promiseTough)
	b.checkSame(huge, f)
	f.Done()
	published()
	r.stop()
	r.checkTotals()
}

// checkTotals checks that the last line about each reason for drops has its total.
func (r *running) checkTotals() {
	r.t.Helper()
	for reason, total := range r.figures("").dropped {
		last := ""
		for line := range strings.Lines(r.log.String()) {
			if strings.Contains(line, "reason="+reason+" ") {
				last = line
			}
		}
		if !strings.Contains(last, fmt.Sprintf(" total=%.0f", total)) {
			r.broken(promiseTotals, "%v frames were dropped as %s; the last line is %q", total, reason, last)
		}
	}
}

// takeWhile takes the frames that come until all that is being sent is sent.
func (r *running) takeWhile(sent <-chan int) (came []bus.Frame, carried int) {
	r.t.Helper()
	deadline := time.Now().Add(r.Patience)
	for {
		select {
		case n := <-sent:
			return came, n
		default:
		}
		if f, ok := r.within(5 * time.Millisecond); ok {
			f.Done()
			came = append(came, f)
		}
		if time.Now().After(deadline) {
			r.fatal(promiseTough, "a message could not be published within %v", r.Patience)
		}
	}
}

// checkHostile checks a frame that came of a hostile one.
func (b *bench) checkHostile(h HostileFrame, f bus.Frame) {
	b.t.Helper()
	switch {
	case h.OutOfBounds != "" || f.OutOfBounds() != "":
		b.broken(promiseBounds, "%s: topic %.100q and %d bytes were handed over", h.Name, f.Topic, len(f.Payload))
	case !b.Composes && (!b.TopicInside && f.Topic != h.Topic || !bytes.Equal(f.Payload, h.Payload)):
		b.broken(promiseSame, "%s: topic %.100q, payload %.100q", h.Name, f.Topic, f.Payload)
	}
}

// repeat sends a frame out of bounds again and again: each is counted, few are logged.
func (r *running) repeat(bad bus.Frame, times int) {
	r.t.Helper()
	lines := r.log.loud()
	dropped := func() (n float64) {
		for _, count := range r.figures("").dropped {
			n += count
		}
		return n
	}
	before := dropped()
	_, carried := r.takeWhile(r.send(slices.Repeat([]bus.Frame{bad}, times)...))
	if !r.eventually(func() bool { return dropped()-before >= float64(carried) }) {
		r.broken(promiseBounds, "%v drops are counted after %d frames out of bounds", dropped()-before, carried)
	}
	if lines = r.log.loud() - lines; lines > times/10 {
		r.broken(promiseLog, "%d lines for %d frames out of bounds", lines, times)
	}
}

func testAttacks(b *bench) {
	if len(b.Attacks) == 0 {
		b.t.Skip("no attacks are known for this bus")
	}
	r := b.start(4)
	r.honest(promiseTough, 1) // so that the source is there to be attacked
	for i, attack := range b.Attacks {
		stop := attack.Start(b.t)
		if !attack.Alone {
			r.survive(attack.Name, 2*i+2)
		}
		stop()
		if attack.Alone && b.Ready != nil {
			b.Ready(b.t)
		}
		r.survive(attack.Name, 2*i+3)
	}
	r.stop()
}

// survive says which attack it was that an honest message did not come through.
func (r *running) survive(attack string, n int) {
	r.t.Helper()
	defer func() {
		if r.t.Failed() {
			r.t.Logf("the attack is %q", attack)
		}
	}()
	for _, f := range r.honest(promiseTough, n) {
		r.broken(promiseTough, "%s: a frame of topic %.100q came of it", attack, f.Topic)
	}
}

func testReconnect(b *bench) {
	if b.Down == nil || b.Up == nil {
		b.t.Skip("there is no connection that could be lost")
	}
	r := b.start(4)
	r.honest(promiseBack, 1)
	for n := range 2 {
		b.Down(b.t)
		if !b.Listens && !b.eventually(func() bool { return r.figures("").connected == 0 }) {
			b.broken(promiseMetrics, "notifyd_source_connected is %v while the peer is dead", r.figures("").connected)
		}
		b.Up(b.t)
		if b.Ready != nil {
			b.Ready(b.t)
		}
		r.honest(promiseBack, n+2)
	}
	reconnects := 2.0
	if b.Listens {
		reconnects = 0
	}
	if f := r.figures(""); f.reconnects != reconnects || f.connected != 1 {
		b.broken(promiseMetrics, "after two restarts of the peer %v connections are counted and %v reconnects",
			f.connected, f.reconnects)
	}
	r.stop()
}

func testLatePeer(b *bench) {
	if b.Down == nil || b.Up == nil {
		b.t.Skip("there is no connection that could be lost")
	}
	b.Down(b.t)
	r := b.run(context.Background(), 4)
	r.none(promiseOrder)
	b.Up(b.t)
	if b.Ready != nil {
		b.Ready(b.t)
	}
	r.honest(promiseBack, 1)
	r.stop()
}
