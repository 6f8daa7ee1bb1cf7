package bustest

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// runningOutlet is an outlet that is being run.
type runningOutlet struct {
	*outletBench
	outlet bus.Outlet
	cancel context.CancelFunc
	label  string
	ended  chan struct{}
	err    error // what Run returned
}

// start opens an outlet and runs it until stop is called or the test ends.
func (b *outletBench) start() *runningOutlet {
	b.t.Helper()
	return b.run(context.Background())
}

func (b *outletBench) run(ctx context.Context) *runningOutlet {
	b.t.Helper()
	r := &runningOutlet{outletBench: b, ended: make(chan struct{}), label: fmt.Sprintf("run %d", labels.Add(1))}
	ctx, r.cancel = context.WithCancel(ctx)
	var err error
	pprof.Do(ctx, pprof.Labels("bustest", r.label), func(context.Context) { r.outlet, err = b.open(b.Config) })
	if err != nil {
		b.fatal(promiseDriver, "Open = %v with the configuration\n%s", err, b.Config)
	}
	if started := goroutines(r.label); started != "" {
		b.broken(promiseStill, "goroutines run after Open:\n%s", started)
	}
	go func() {
		defer close(r.ended)
		pprof.Do(ctx, pprof.Labels("bustest", r.label), func(ctx context.Context) { r.err = r.outlet.Run(ctx) })
	}()
	b.t.Cleanup(func() {
		r.cancel()
		select {
		case <-r.ended:
		case <-time.After(Prompt):
		}
	})
	return r
}

// stop ends the context and checks how Run returns.
func (r *runningOutlet) stop() {
	r.t.Helper()
	r.cancel()
	r.join()
	r.figures() // which are well-formed after the end too
	r.publish(Sample(1))
}

func (r *runningOutlet) join() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(Prompt):
		r.fatal(promiseEnd, "it has not returned after %v; its goroutines:\n%s", Prompt, goroutines(r.label))
	}
	if r.err != nil {
		r.checkSecrets("the error of Run", r.err.Error())
		r.broken(promiseEnd, "it returned %v", r.err)
	}
	left := ""
	deadline := time.Now().Add(Prompt)
	for left = goroutines(r.label); left != "" && time.Now().Before(deadline); left = goroutines(r.label) {
		<-time.After(5 * time.Millisecond)
	}
	if left != "" {
		r.broken(promiseEnded, "still there:\n%s", left)
	}
}

// publish publishes frames, which must not take long.
func (r *runningOutlet) publish(frames ...bus.Frame) {
	r.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, f := range frames {
			r.outlet.Publish(f)
		}
	}()
	select {
	case <-done:
	case <-time.After(Prompt):
		r.fatal(promiseNoWait, "%d frames were not published after %v", len(frames), Prompt)
	}
}

// subscribe connects a peer and waits until frames come to it.
func (r *runningOutlet) subscribe() Subscriber {
	r.t.Helper()
	s := r.Subscribe(r.t)
	r.t.Cleanup(s.Close)
	deadline := time.Now().Add(r.Patience)
	for n := 0; ; n++ {
		r.publish(bus.Frame{Topic: probe, Payload: fmt.Append(nil, n)})
		if f, err := s.Next(50 * time.Millisecond); err == nil {
			last := fmt.Append(nil, n)
			for !bytes.Equal(f.Payload, last) {
				if f, err = s.Next(r.Patience); err != nil {
					r.fatal(promiseOutOrder, "a frame before the last did not come: %v", err)
				}
			}
			return s
		}
		if time.Now().After(deadline) {
			r.fatal(promiseOutOrder, "nothing came to a new peer within %v; log:\n%s", r.Patience, r.log)
		}
	}
}

// probe is the topic of frames by which a peer sees that it is connected.
const probe = "org.example.probe"

// want checks that exactly these frames come to s, in this order. Probes for other peers may be between.
func (r *runningOutlet) want(s Subscriber, frames ...bus.Frame) {
	r.t.Helper()
	for i, want := range frames {
		f, err := s.Next(r.Patience)
		for err == nil && f.Topic == probe {
			f, err = s.Next(r.Patience)
		}
		switch {
		case err != nil:
			r.fatal(promiseOutOrder, "frame %d of %d did not come: %v; log:\n%s", i+1, len(frames), err, r.log)
		case f.Topic != want.Topic:
			r.fatal(promiseOutOrder, "frame %d has the topic %.100q, want %.100q", i+1, f.Topic, want.Topic)
		case !bytes.Equal(f.Payload, want.Payload):
			r.fatal(promiseOutSame, "payload %.200q, want %.200q", f.Payload, want.Payload)
		}
	}
}

// figures gives the metrics of the outlet: by name without prefix, and of drops by reason too.
func (r *runningOutlet) figures() map[string]float64 {
	r.t.Helper()
	if err := metric.Check(r.outlet.Collect); err != nil {
		r.broken(promiseOutMetrics, "%v", err)
	}
	all := map[string]float64{}
	r.outlet.Collect(func(d *metric.Desc, value float64, labels ...string) {
		name := strings.TrimPrefix(d.Name, "notifyd_outlet_")
		all[name] += value
		if name == "dropped_total" {
			all[labels[len(labels)-1]] += value
		}
	})
	return all
}

// eventually polls the metrics until ok; false after Patience.
func (r *runningOutlet) eventually(ok func(figures map[string]float64) bool) bool {
	r.t.Helper()
	deadline := time.Now().Add(r.Patience)
	for !ok(r.figures()) {
		if time.Now().After(deadline) {
			return false
		}
		<-time.After(5 * time.Millisecond)
	}
	return true
}
