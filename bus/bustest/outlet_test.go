package bustest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// memoryOutlet keeps every promise but the one that its fault breaks.
type memoryOutlet struct {
	fault string
	log   *slog.Logger
	over  chan struct{} // closed when the test is over, which frees what a fault has left
	die   chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed and renewed when a frame comes or the outlet ends
	running bool
	peers   []*memoryPeer
	figures bus.OutletFigures
}

type memoryPeer struct {
	outlet *memoryOutlet
	queue  []bus.Frame
	bytes  int64
	lost   uint64
}

// memoryBytes may wait for one peer.
const memoryBytes = 4 << 20

func (o *memoryOutlet) Publish(f bus.Frame) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.running {
		return
	}
	if reason := f.OutOfBounds(); reason != "" && o.fault != "does not look at bounds" {
		o.figures.Dropped[reason]++
		return
	}
	o.figures.Published++
	if o.fault == "changes the payload" {
		f.Payload = bytes.ReplaceAll(f.Payload, []byte("\r\n"), []byte("\n"))
	}
	for _, p := range o.peers {
		size := int64(len(f.Topic) + len(f.Payload))
		for p.bytes+size > memoryBytes && o.fault == "waits" {
			o.mu.Unlock()
			<-o.over
			o.mu.Lock()
			return
		}
		if p.bytes+size > memoryBytes && o.fault != "holds without bound" {
			o.figures.Dropped[bus.DroppedFull]++
			p.lost++
			continue
		}
		p.queue = append(p.queue, f)
		if n := len(p.queue); o.fault == "reorders" && n%10 == 9 {
			p.queue[n-1], p.queue[n-2] = p.queue[n-2], p.queue[n-1]
		}
		p.bytes += size
		o.figures.Sent++
		o.figures.Held += size
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *memoryOutlet) Run(ctx context.Context) error {
	o.set(true)
	if o.fault == "leaves a goroutine" {
		go func() { <-o.over }()
	}
	switch o.fault {
	case "ignores ctx":
		<-o.over
	case "ends at an attack":
		select {
		case <-ctx.Done():
		case <-o.die:
		}
	default:
		<-ctx.Done()
	}
	o.set(false)
	if o.fault == "gives the error of ctx" {
		return ctx.Err()
	}
	return nil
}

func (o *memoryOutlet) set(running bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running = running
	if running {
		return
	}
	for _, p := range o.peers {
		if p.lost > 0 && o.fault != "names nobody" {
			o.log.Warn("a peer loses frames", "lost", p.lost)
		}
		o.figures.Dropped[bus.DroppedLost] += uint64(len(p.queue))
		o.figures.Held -= p.bytes
	}
	o.peers, o.figures.Peers = nil, 0
	close(o.changed)
	o.changed = make(chan struct{})
}

// waitForEnd waits until Run has ended, which may be long on a busy machine.
func (o *memoryOutlet) waitForEnd() {
	for {
		o.mu.Lock()
		running, changed := o.running, o.changed
		o.mu.Unlock()
		if !running {
			return
		}
		<-changed
	}
}

func (o *memoryOutlet) Collect(emit metric.Emit) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f := o.figures
	if o.fault == "counts nothing" {
		f = bus.OutletFigures{}
	}
	f.Collect(emit, "memory", "-")
}

func (o *memoryOutlet) join() *memoryPeer {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &memoryPeer{outlet: o}
	o.peers = append(o.peers, p)
	o.figures.Peers = len(o.peers)
	return p
}

func (p *memoryPeer) Close() {
	o := p.outlet
	o.mu.Lock()
	defer o.mu.Unlock()
	o.peers = slices.DeleteFunc(o.peers, func(q *memoryPeer) bool { return p == q })
	o.figures.Peers = len(o.peers)
}

func (p *memoryPeer) Next(within time.Duration) (bus.Frame, error) {
	limit := time.After(within)
	for {
		p.outlet.mu.Lock()
		changed := p.outlet.changed
		if len(p.queue) > 0 {
			f := p.queue[0]
			size := int64(len(f.Topic) + len(f.Payload))
			p.queue, p.bytes = p.queue[1:], p.bytes-size
			p.outlet.figures.Held -= size
			p.outlet.mu.Unlock()
			return f, nil
		}
		p.outlet.mu.Unlock()
		select {
		case <-changed:
		case <-limit:
			return bus.Frame{}, errors.New("no frame")
		}
	}
}

func memoryOutletFixture(t testing.TB, fault string) OutletFixture {
	var current *memoryOutlet
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	doc := "Hands on in memory."
	if fault == "no doc" {
		doc = ""
	}
	open := func(decode func(any) error, log *slog.Logger) (bus.Outlet, error) {
		var c struct{}
		if err := decode(&c); err != nil && fault != "knows every key" {
			return nil, err
		}
		if fault == "starts in Open" {
			go func() { <-over }()
		}
		current = &memoryOutlet{
			fault: fault, log: log, over: over, die: make(chan struct{}), changed: make(chan struct{}),
			figures: bus.OutletFigures{Dropped: map[string]uint64{}},
		}
		return current, nil
	}
	return OutletFixture{
		Driver: bus.OutletDriver{Name: "memory", Doc: doc, Open: open}, Config: "{}", Held: 10 * memoryBytes,
		Subscribe: func(testing.TB) Subscriber { return current.join() },
		Idle:      func(testing.TB) func() { return current.join().Close },
		Attacks: []Attack{{Name: "attack", Start: func(testing.TB) func() {
			close(current.die)
			if fault == "ends at an attack" {
				current.waitForEnd()
			}
			return func() {}
		}}},
		Patience: 2 * time.Second,
	}
}

func TestOutletKitOnTheLeastOutlet(t *testing.T) {
	RunOutlet(t, func(t testing.TB) OutletFixture { return memoryOutletFixture(t, "") })
}

// TestOutletKitFindsEveryBrokenPromise runs each broken outlet through the part that must find it.
func TestOutletKitFindsEveryBrokenPromise(t *testing.T) {
	for _, c := range []struct{ fault, part, promise string }{
		{"no doc", "driver", promiseDriver},
		{"starts in Open", "driver", promiseStill},
		{"leaves a goroutine", "driver", promiseEnded},
		{"knows every key", "mistakes", promiseMistake},
		{"reorders", "order", promiseOutOrder},
		{"changes the payload", "order", promiseOutSame},
		{"counts nothing", "order", promiseOutMetrics},
		{"does not look at bounds", "bounds", promiseOutOrder},
		{"waits", "idle peers", promiseNoWait},
		{"holds without bound", "idle peers", promiseOutHeld},
		{"names nobody", "idle peers", promiseOutLoss},
		{"ends at an attack", "attacks", promiseOutOrder},
		{"ignores ctx", "end before begin", promiseEnd},
		{"gives the error of ctx", "end before begin", promiseEnd},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, part := range outletParts {
					if part.name == c.part {
						b := newOutletBench(r, memoryOutletFixture(r, c.fault))
						part.test(b)
					}
				}
			}()
			<-ended
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
			if !slices.ContainsFunc(r.failures, func(f string) bool { return strings.HasPrefix(f, c.promise+": ") }) {
				t.Errorf("want a failure that begins with %q:\n%.1000s", c.promise, strings.Join(r.failures, "\n"))
			}
		})
	}
}
