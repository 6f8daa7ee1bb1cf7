package bustest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// many is how many messages the order of frames is held against.
const many = 300

// testOrder receives many messages, and looks at them only when all have come: a source must not use a buffer again.
func testOrder(b *bench) {
	room := 2 * many
	if b.Waits {
		room = 2
	}
	r := b.start(room)
	messages := Samples(1, many)
	published := b.publish(messages...)
	got := make([]bus.Frame, many)
	for i := range got {
		got[i] = r.next(promiseOrder)
		got[i].Done()
	}
	published()
	r.none(promiseOrder)
	source := got[0].Source
	for i, f := range got {
		if f.Source != source || source == "" {
			b.fatal(promiseSame, "frame %d is of source %q, the first one of %q", i, f.Source, source)
		}
		if f.Topic != messages[i].Topic {
			b.fatal(promiseOrder, "frame %d has the topic %q, want %q", i, f.Topic, messages[i].Topic)
		}
		b.checkSame(messages[i], f)
	}
	r.checkFigures(source, many)
	r.stop()
}

// checkSame compares a frame with the message that was published.
func (b *bench) checkSame(want, got bus.Frame) {
	b.t.Helper()
	if !b.Composes {
		if got.Topic != want.Topic || !bytes.Equal(got.Payload, want.Payload) {
			b.broken(promiseSame, "topic %.100q and payload %.200q, want %.100q and %.200q",
				got.Topic, got.Payload, want.Topic, want.Payload)
		}
		return
	}
	now := time.Unix(0, 0)
	m, err := bus.Decode(want, now)
	if err != nil {
		b.t.Fatalf("bustest: the sample is no message: %v", err)
	}
	n, err := bus.Decode(got, now)
	if err != nil {
		b.broken(promiseSame, "the frame is no message: %v; payload %.200q", err, got.Payload)
		return
	}
	if a, b2 := core(m), core(n); a != b2 {
		b.broken(promiseSame, "the message is\n%.300s, want\n%.300s", b2, a)
	}
}

// core is what a message says, however its payload is made.
func core(m *bus.Message) string {
	body, err := bus.Canonical(m.Body)
	return fmt.Sprint(m.ID, " ", m.Topic, " ", m.Time, " ", string(body), err)
}

// checkFigures checks what a source has counted once n frames of it have come.
func (r *running) checkFigures(source string, n int) {
	r.t.Helper()
	f := r.figures(source)
	if f.received != float64(n) {
		r.broken(promiseMetrics, "notifyd_source_messages_received_total is %v for %q after %d frames", f.received, source, n)
	}
	if f.connected < 1 {
		r.broken(promiseMetrics, "notifyd_source_connected is %v for %q while frames come", f.connected, source)
	}
	if at := time.Unix(int64(f.last), 0); time.Since(at).Abs() > r.Patience+time.Minute {
		r.broken(promiseMetrics, "notifyd_source_last_message_timestamp_seconds is %v for %q, just now", at, source)
	}
}

// testBackPressure publishes more than fits into the intake while nobody takes anything.
func testBackPressure(b *bench) {
	const count, room = 50, 8
	r := b.start(room)
	messages := Samples(1, count)
	published := b.publish(messages...)
	if b.Waits {
		select {
		case <-time.After(b.Quiet):
		case <-r.ended:
			b.fatal(promiseLives, "it returned %v", r.err)
		}
		for i, want := range messages {
			f := r.next(promiseWait)
			if f.Topic != want.Topic {
				b.fatal(promiseWait, "frame %d has the topic %q, want %q", i, f.Topic, want.Topic)
			}
			f.Done()
		}
		published()
		if f := r.figures(""); len(f.dropped) > 0 {
			b.broken(promiseWait, "drops are counted: %v", f.dropped)
		}
		r.stop()
		return
	}
	published()
	r.checkDrops(count, 0)
	r.honest(promiseDrop, count+1)
	r.stop()
}

// checkDrops checks that all of count messages are accounted for: taken before, waiting in the intake, or counted as
// dropped. It takes and is done with those that wait.
func (r *running) checkDrops(count, taken int) {
	r.t.Helper()
	if !r.eventually(func() bool { return r.figures("").received == float64(count) }) {
		r.fatal(promiseDrop, "%v of %d messages are counted as received", r.figures("").received, count)
	}
	dropped := func() float64 { return r.figures("").dropped[bus.DroppedFull] }
	if !r.eventually(func() bool { return int(dropped())+taken+r.in.Len() == count }) {
		r.fatal(promiseDrop, "%v dropped and %d handed over, of %d messages", dropped(), taken+r.in.Len(), count)
	}
	for f, ok := r.waiting(); ok; f, ok = r.waiting() {
		f.Done()
	}
}

// honest publishes an ordinary message, which must come by a promise. It gives what came before.
func (r *running) honest(promise string, n int) (before []bus.Frame) {
	r.t.Helper()
	want := Sample(n)
	published := r.publish(want)
	for {
		f := r.next(promise)
		f.Done()
		if f.Topic == want.Topic {
			r.checkSame(want, f)
			published()
			return before
		}
		before = append(before, f)
	}
}

// testHeld takes frames and is done with none, until no more come.
func testHeld(b *bench) {
	const count, size = 7, 7 << 20
	r := b.start(count)
	var messages []bus.Frame
	for n := range count {
		messages = append(messages, large(n, size))
	}
	published := b.publishEach(messages...)
	var held []bus.Frame
	bytes := 0
	for f, ok := r.within(b.Patience); ok; f, ok = r.within(b.Quiet) {
		held = append(held, f)
		if bytes += len(f.Payload); bytes > bus.MaxHeld {
			b.fatal(promiseHeld, "%d frames hold %d bytes, at most %d may", len(held), bytes, bus.MaxHeld)
		}
	}
	if len(held) == 0 {
		b.fatal(promiseTough, "no frame came within %v", b.Patience)
	}
	for _, f := range held {
		f.Done()
	}
	if b.Waits {
		for range count - len(held) {
			r.next(promiseWait).Done()
		}
	} else {
		r.checkDrops(count, len(held))
	}
	published()
	r.honest(promiseHeld, count+1)
	r.stop()
}
