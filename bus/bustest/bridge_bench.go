package bustest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// bridgeBench is a fixture under test and what it logs.
type bridgeBench struct {
	BridgeFixture
	*report
	label string
	open  bus.OpenBridge // by start
}

func newBridgeBench(t testing.TB, f BridgeFixture) *bridgeBench {
	return &bridgeBench{BridgeFixture: f, report: newReport(t, f.Secrets), label: fmt.Sprintf("run %d", labels.Add(1))}
}

func (b *bridgeBench) openBy(config string) ([]bus.OpenBridge, error) {
	return openBy(b.report, b.Driver.Open, config)
}

// start opens the bridge, and closes it with the test.
func (b *bridgeBench) start() {
	b.t.Helper()
	var all []bus.OpenBridge
	var err error
	b.labelled(func(context.Context) { all, err = b.openBy(b.Config) })
	if err != nil || len(all) != 1 {
		b.fatal(promiseDriver, "Open gives %d bridges and %v, want one, with the configuration\n%s", len(all), err, b.Config)
	}
	if started := goroutines(b.label); started != "" {
		b.broken(promiseStill, "goroutines run after Open:\n%s", started)
	}
	b.open = all[0]
	c := b.open.Choice
	if b.open.Name == "" || b.open.To == "" || c.RetryMin <= 0 || c.RetryMax < c.RetryMin {
		b.broken(promiseDriver, "the open bridge lacks something: %+v", b.open)
	}
	b.checkSecrets("To", b.open.To)
}

// labelled does something whose goroutines can be found again.
func (b *bridgeBench) labelled(do func(context.Context)) {
	pprof.Do(context.Background(), pprof.Labels("bustest", b.label), do)
}

// close closes the bridge and looks whether all has ended.
func (b *bridgeBench) close() {
	b.t.Helper()
	if err := metric.Check(b.open.Bridge.Collect); err != nil {
		b.broken(promiseMetrics, "%v", err)
	}
	if err := b.open.Bridge.Close(); err != nil {
		b.broken(promiseClosed, "Close = %v", err)
	}
	left := ""
	deadline := time.Now().Add(Prompt)
	for left = goroutines(b.label); left != "" && time.Now().Before(deadline); left = goroutines(b.label) {
		<-time.After(5 * time.Millisecond)
	}
	if left != "" {
		b.broken(promiseClosed, "still there:\n%s", left)
	}
}

// carry calls Carry once, and checks what it says about itself.
func (b *bridgeBench) carry(ctx context.Context, loads []bus.Load) (done int, refused []bus.Refused, err error) {
	b.t.Helper()
	began := time.Now()
	b.labelled(func(context.Context) { done, refused, err = b.open.Bridge.Carry(ctx, loads) })
	if took := time.Since(began); took > 3*b.Timeout+Prompt {
		b.broken(promiseCarryLong, "it took %v", took)
	}
	if err != nil {
		b.checkSecrets("an error of Carry", err.Error())
	}
	if done < 0 || done > len(loads) || (err == nil) != (done == len(loads)) {
		b.fatal(promiseConfirmed, "of %d loads %d are done, with the error %v", len(loads), done, err)
	}
	for i, r := range refused {
		if r.Index < 0 || r.Index >= done || r.Reason == "" || r.Err == nil || i > 0 && r.Index <= refused[i-1].Index {
			b.broken(promiseNever, "of %d done loads %+v were refused", done, refused)
		}
	}
	return done, refused, err
}

// carryAll carries loads, however often Carry fails, until the time is over.
func (b *bridgeBench) carryAll(promise string, loads []bus.Load) {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for len(loads) > 0 {
		done, _, err := b.carry(context.Background(), loads)
		if loads = loads[done:]; err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.fatal(promise, "%d loads are left after a minute: %v; log:\n%s", len(loads), err, b.log)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// loads makes loads of samples.
func loads(first, count int) []bus.Load {
	all := make([]bus.Load, count)
	for i, f := range Samples(first, count) {
		all[i] = LoadOf(f)
	}
	return all
}

// LoadOf makes a load of a frame.
func LoadOf(f bus.Frame) bus.Load {
	m, err := bus.Decode(f, time.Unix(1_780_000_000, 0))
	if err != nil {
		panic(err)
	}
	return bus.Load{Message: m, ID: m.ID, Severity: "warning", Users: []string{"zoë"}, Packages: []string{"tea"}}
}

// want checks that the other bus has exactly these loads, each at least once, in the order of their first coming.
func (b *bridgeBench) want(loads []bus.Load) {
	b.t.Helper()
	var first []Arrived
	seen := map[string]bool{}
	for _, a := range b.Received(b.t) {
		if !seen[a.ID] {
			first = append(first, a)
		}
		seen[a.ID] = true
	}
	for i, l := range loads {
		if i >= len(first) {
			b.fatal(promiseConfirmed, "%d of %d loads are with the other bus", i, len(loads))
		}
		if a := first[i]; a.ID != l.ID {
			b.fatal(promiseConfirmed, "load %d has the id %q, want %q", i, a.ID, l.ID)
		} else if a.Topic != l.Message.Topic || !sameJSON(a.Body, l.Message.Body) {
			b.broken(promiseCarried, "%q: %s\nwant %q: %v", a.Topic, a.Body, l.Message.Topic, l.Message.Body)
		}
	}
	if len(first) > len(loads) {
		b.broken(promiseConfirmed, "there is more than was carried: %q", first[len(loads)].ID)
	}
}

func sameJSON(text []byte, want any) bool {
	got, err := bus.ParseJSON(text)
	if err != nil {
		return false
	}
	a, err1 := bus.Canonical(got)
	b, err2 := bus.Canonical(want)
	var x, y any
	return err1 == nil && err2 == nil && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil &&
		reflect.DeepEqual(x, y)
}
