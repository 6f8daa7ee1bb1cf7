package bustest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

func testEndIdle(b *bench) {
	r := b.start(1)
	r.none(promiseOrder) // nor does it end by itself
	r.stop()
}

// testEndFull ends the context while the intake is full, and the source has more.
func testEndFull(b *bench) {
	r := b.start(1)
	published := b.publishEach(Samples(1, 10)...)
	r.first()
	<-time.After(b.Quiet) // for the others to come as far as they can
	r.stop()
	f, _ := r.waiting()
	held := []bus.Frame{f}
	<-time.After(b.Quiet)
	if f, late := r.waiting(); late {
		b.broken(promiseEnded, "a frame of topic %.100q was handed over after Run had returned", f.Topic)
		held = append(held, f)
	}
	b.doneLate(held)
	if b.Redelivers {
		r = b.start(10) // a sender that waits for acknowledgements gets them
		for f, ok := r.within(b.Patience); ok; f, ok = r.within(b.Quiet) {
			f.Done()
		}
		r.stop()
		published()
	}
}

// doneLate is done with frames whose source has ended, from several goroutines.
func (b *bench) doneLate(frames []bus.Frame) {
	b.t.Helper()
	var all sync.WaitGroup
	for _, f := range frames {
		all.Go(f.Done)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	select {
	case <-done:
	case <-time.After(Prompt):
		b.fatal(promiseDone, "it waits although Run has returned")
	}
}

func testEndBefore(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := b.run(ctx, 1)
	r.join(promiseEnd, Prompt)
}

func testEndDown(b *bench) {
	if b.Down == nil {
		b.t.Skip("there is no connection that could be lost")
	}
	b.Down(b.t)
	r := b.run(context.Background(), 1)
	r.none(promiseOrder)
	r.stop()
}

// testSpent ends the input, and is done with no frame before Run has returned.
func testSpent(b *bench) {
	if b.End == nil {
		b.t.Skip("the input has no end")
	}
	r := b.start(1)
	held, published := r.three()
	last := b.publish(Sample(4))
	r.first()
	b.End(b.t)
	r.join(promiseSpent, b.Patience)
	f, _ := r.waiting()
	held = append(held, f)
	b.doneLate(held)
	published()
	last()
}

// first waits until the first frame is there, so that the intake is full.
func (r *running) first() {
	r.t.Helper()
	if !r.eventually(func() bool { return r.in.Len() > 0 }) {
		r.fatal(promiseTough, "no frame came within %v", r.Patience)
	}
}

// three publishes three messages and takes their frames, done with none.
func (r *running) three() (held []bus.Frame, published func()) {
	r.t.Helper()
	var waits []func()
	for n := range 3 {
		waits = append(waits, r.publish(Sample(n+1)))
		held = append(held, r.next(promiseTough))
	}
	return held, func() {
		for _, wait := range waits {
			wait()
		}
	}
}

// testAcknowledge is done with the second of three frames first.
func testAcknowledge(b *bench) {
	r := b.start(3)
	held, published := r.three()
	order := []int{1, 2, 0}
	if b.Acked == nil {
		for _, i := range order {
			held[i].Done()
		}
		published()
		r.honest(promiseDone, 4)
		r.stop()
		return
	}
	r.none(promiseOrder)
	if n := b.Acked(); n != 0 {
		b.fatal(promiseAck, "%d are acknowledged before any was done with", n)
	}
	for done, i := range order {
		held[i].Done()
		b.eventually(func() bool { return b.Acked() > done })
		r.none(promiseAck)
		if n := b.Acked(); n != done+1 {
			b.fatal(promiseAck, "%d are acknowledged after %d were done with", n, done+1)
		}
	}
	published()
	r.stop()
	if n := b.Acked(); n != 3 {
		b.broken(promiseAck, "%d are acknowledged after the end, want 3", n)
	}
}

// testAgain is done with the second of three frames only, and runs another source as a daemon does that starts again.
func testAgain(b *bench) {
	if !b.Redelivers {
		b.t.Skip("the bus sends nothing again")
	}
	r := b.start(3)
	held, published := r.three()
	held[1].Done()
	if b.Acked != nil && !b.eventually(func() bool { return b.Acked() == 1 }) {
		b.fatal(promiseAck, "%d are acknowledged after one was done with", b.Acked())
	}
	r.stop()
	next := b.start(3)
	var again []string
	for range 2 {
		f := next.next(promiseAgain)
		again = append(again, f.Topic)
		f.Done()
	}
	next.none(promiseAgain)
	slices.Sort(again)
	if want := []string{Sample(1).Topic, Sample(3).Topic}; !slices.Equal(again, want) {
		b.broken(promiseAgain, "%q came again, want %q", again, want)
	}
	published()
	next.stop()
	b.doneLate([]bus.Frame{held[0], held[2]})
}

// testNextTerm runs a source again, as a node does that gets the lease of it back.
func testNextTerm(b *bench) {
	first := b.start(3)
	first.stop()
	if bus.Competes(first.source) {
		b.t.Skip("it runs on every node, and once")
	}
	r := first.again(3)
	if b.Ready != nil {
		b.Ready(b.t)
	}
	r.honest(promiseTerm, 1)
	if !connected(r.source) {
		b.broken(promiseTerm, "its metrics do not say that it is connected")
	}
	r.stop()
}

// connected reports whether the metrics of a source say that it is.
func connected(s bus.Source) (up bool) {
	s.(bus.Metered).Collect(func(d *metric.Desc, value float64, _ ...string) {
		up = up || d.Name == bus.ConnectedMetric && value == 1
	})
	return up
}
