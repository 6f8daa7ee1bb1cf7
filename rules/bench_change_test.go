package rules_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A changer replaces filters, ten thousand a second, by others of the same owners. What is due is applied at once.
type changer struct {
	x     *rules.Index
	w     *world
	n     int
	fresh []rulespec.Filter
	done  int             // changes so far
	took  []time.Duration // from when a change was due to when it could be seen
}

const (
	changeEvery = time.Second / 10_000
	changesMost = 512 // applied at once: who is late must not make it worse
)

// benchChanges measures how long after they are due changes are visible, while goroutines match all the time.
func benchChanges(b *testing.B, x *rules.Index, w *world, m mix, n int, events []*catalogue.Event, matchers int) {
	c := &changer{x: x, w: w, n: n}
	w.filters(20_000, m, func(f rulespec.Filter) { c.fresh = append(c.fresh, f) })
	var over atomic.Bool
	var matched atomic.Int64
	var wait sync.WaitGroup
	for i := range matchers {
		wait.Go(func() {
			var r rules.Result
			for at := i * 101; !over.Load(); at++ {
				x.Find(&r, events[at%len(events)], nil)
				matched.Add(1)
				runtime.Gosched() // as one who waits for the next message does
			}
		})
	}
	start := time.Now()
	for b.Loop() {
		c.run(b, 5_000)
	}
	spent := time.Since(start)
	over.Store(true)
	wait.Wait()
	slices.Sort(c.took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(c.took[len(c.took)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(c.took[len(c.took)*99/100].Microseconds()), "µs-p99")
	b.ReportMetric(float64(c.done)/spent.Seconds(), "changes/s")
	b.ReportMetric(float64(matched.Load())/spent.Seconds(), "messages/s")
}

// run makes so many changes, each as soon as it is due.
func (c *changer) run(b *testing.B, changes int) {
	var r rules.Result
	batch := make([]rules.Change, 0, changesMost)
	start, made := time.Now(), 0
	for made < changes {
		due := min(changes, 1+int(time.Since(start)/changeEvery)) - made
		if due <= 0 {
			time.Sleep(changeEvery / 2)
			continue
		}
		batch = batch[:0]
		for range min(due, changesMost) {
			batch = append(batch, c.next(len(batch)))
		}
		c.x.Apply(batch...)
		if c.done/1000 != (c.done+len(batch))/1000 { // now and then: is it there?
			c.see(b, &r)
		}
		now := time.Since(start)
		for i := range batch {
			c.took = append(c.took, now-time.Duration(made+i)*changeEvery)
		}
		made += len(batch)
		c.done += len(batch)
	}
}

// next gives the i-th change of a batch.
func (c *changer) next(i int) rules.Change {
	at := c.done + i
	f := c.fresh[at%len(c.fresh)]
	f.ID = rulespec.FilterID(at*7919%c.n + 1)
	f.Owner = personName(int(f.ID-1) / perPerson % c.w.people)
	return rules.Change{Filter: f}
}

// see changes one filter more and wants it to be found at once.
func (c *changer) see(b *testing.B, r *rules.Result) {
	name := fmt.Sprint("seen-", c.done)
	f := put(c.n+1, "alice", rule("package", "name", name)).Filter
	c.x.Apply(rules.Change{Filter: f})
	c.x.Find(r, &catalogue.Event{Message: new(bus.Message), Packages: []string{name}}, nil)
	if ids := r.AppendTo(nil); !slices.Contains(ids, f.ID) {
		b.Fatalf("found %v after Apply returned, want %d among them", ids, f.ID)
	}
}
