package bustest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// running is a source that is being run.
type running struct {
	*bench
	source bus.Source
	in     *bus.Intake
	cancel context.CancelFunc
	label  string          // of every goroutine that the source starts
	ended  chan struct{}   // closed when Run has returned
	alive  context.Context // ends then
	err    error           // what it returned
}

var labels atomic.Int64

// start opens a source and runs it, with room in the intake for so many frames, until stop is called or the test ends.
func (b *bench) start(room int) *running {
	b.t.Helper()
	r := b.run(context.Background(), room)
	if b.Ready != nil {
		b.Ready(b.t)
	}
	return r
}

func (b *bench) run(ctx context.Context, room int) *running {
	b.t.Helper()
	r := &running{
		bench: b, in: bus.NewIntake(bus.IntakeConfig{Frames: room, Batch: 1}), ended: make(chan struct{}),
	}
	r.label = fmt.Sprintf("run %d", labels.Add(1))
	ctx, r.cancel = context.WithCancel(ctx)
	var err error
	pprof.Do(ctx, pprof.Labels("bustest", r.label), func(context.Context) { r.source, err = b.open(b.Config) })
	if err != nil {
		b.fatal(promiseDriver, "Open = %v with the configuration\n%s", err, b.Config)
	}
	if started := goroutines(r.label); started != "" {
		b.broken(promiseStill, "goroutines run after Open:\n%s", started)
	}
	r.begin(ctx)
	return r
}

// again runs the source of r, which has returned, once more.
func (r *running) again(room int) *running {
	next := &running{
		bench: r.bench, source: r.source, in: bus.NewIntake(bus.IntakeConfig{Frames: room, Batch: 1}), label: r.label,
		ended: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	next.cancel = cancel
	next.begin(ctx)
	return next
}

// begin calls Run, until r is cancelled or the test ends.
func (r *running) begin(ctx context.Context) {
	alive, die := context.WithCancel(context.Background())
	r.alive = alive
	go func() {
		defer die()
		defer close(r.ended)
		pprof.Do(ctx, pprof.Labels("bustest", r.label), func(ctx context.Context) { r.err = r.source.Run(ctx, r.in) })
	}()
	collected := r.watchMetrics()
	r.t.Cleanup(func() {
		r.cancel()
		limit := time.After(Prompt) // for a source that keeps no promise; a part that needs its end has said so
		for _, ended := range []<-chan struct{}{r.ended, collected} {
			select {
			case <-ended:
			case <-limit:
				return
			}
		}
	})
}

// watchMetrics collects again and again while the source runs, as a scrape may at any time.
func (r *running) watchMetrics() (ended <-chan struct{}) {
	stopped := make(chan struct{})
	metered, ok := r.source.(bus.Metered)
	if !ok {
		r.broken(promiseMetrics, "%T is not bus.Metered; embed a *bus.Meter", r.source)
		close(stopped)
		return stopped
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := metric.Check(metered.Collect); err != nil {
				r.broken(promiseMetrics, "%v", err)
				return
			}
			select {
			case <-tick.C:
			case <-r.ended:
				return
			}
		}
	}()
	return stopped
}

// next gives the next frame, which must come by a promise.
func (r *running) next(promise string) bus.Frame {
	r.t.Helper()
	f, ok := r.within(r.Patience)
	if !ok {
		r.fatal(promise, "no frame came within %v", r.Patience)
	}
	return f
}

// none looks for a frame, or an end, that should not come.
func (r *running) none(promise string) {
	r.t.Helper()
	if f, ok := r.within(r.Quiet); ok {
		r.fatal(promise, "a frame of topic %.100q came", f.Topic)
	}
}

// within gives the frame that comes within d; false for none.
func (r *running) within(d time.Duration) (bus.Frame, bool) {
	r.t.Helper()
	if f, ok := r.waiting(); ok {
		return f, true
	}
	limit, cancel := context.WithTimeout(r.alive, d)
	defer cancel()
	if batch, open := r.in.Next(limit); open {
		return batch[0], true
	}
	switch {
	case limit.Err() == nil:
		r.fatal(promiseOpen, "it is closed")
	case r.alive.Err() != nil:
		if f, ok := r.waiting(); ok {
			return f, true
		}
		r.fatal(promiseLives, "it returned %v", r.err)
	}
	return bus.Frame{}, false
}

// waiting gives a frame that is there already; false for none.
func (r *running) waiting() (bus.Frame, bool) {
	if r.in.Len() == 0 {
		return bus.Frame{}, false
	}
	batch, open := r.in.Next(context.Background())
	return batch[0], open
}

// stop ends the context and checks how Run returns.
func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	r.join(promiseEnd, Prompt)
}

// join waits until Run has returned, and checks that it left nothing behind.
func (r *running) join(promise string, limit time.Duration) {
	r.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.ended:
	case <-timer.C:
		r.fatal(promise, "it has not returned after %v; its goroutines:\n%s", limit, goroutines(r.label))
	}
	if r.err != nil {
		r.checkSecrets("the error of Run", r.err.Error())
		r.broken(promise, "it returned %v", r.err)
	}
	left := "" // a goroutine may need a moment between its last statement and its end
	deadline := time.Now().Add(Prompt)
	for left = goroutines(r.label); left != "" && time.Now().Before(deadline); left = goroutines(r.label) {
		<-time.After(5 * time.Millisecond)
	}
	if left != "" {
		r.broken(promiseEnded, "still there:\n%s", left)
	}
}

// goroutines gives the stacks of those with a label, which goroutines inherit from the one that starts them.
func goroutines(label string) string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	var found []string
	for _, stack := range strings.Split(all.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", "bustest", label)) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// figures are the values of the metrics that every source has, summed over its addresses.
type figures struct {
	connected, reconnects, received, last float64
	dropped                               map[string]float64 // by reason
}

// figures collects what the source has counted for frames of one name; "" for all.
func (r *running) figures(source string) figures {
	f := figures{dropped: map[string]float64{}}
	metered, ok := r.source.(bus.Metered)
	if !ok {
		return f
	}
	metered.Collect(func(d *metric.Desc, value float64, labels ...string) {
		if len(labels) < 2 || source != "" && labels[0] != source {
			return
		}
		switch strings.TrimPrefix(d.Name, "notifyd_source_") {
		case "connected":
			f.connected += value
		case "reconnects_total":
			f.reconnects += value
		case "messages_received_total":
			f.received += value
		case "last_message_timestamp_seconds":
			f.last = max(f.last, value)
		case "messages_dropped_total":
			f.dropped[labels[len(labels)-1]] += value
		}
	})
	return f
}
