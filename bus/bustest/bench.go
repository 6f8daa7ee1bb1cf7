package bustest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// bench is a fixture under test and what it logs.
type bench struct {
	Fixture
	*report
}

func newBench(t testing.TB, f Fixture) *bench {
	t.Helper()
	if f.Driver.Open == nil || f.Publish == nil {
		t.Fatal("bustest: a Fixture needs Driver and Publish")
	}
	if f.Patience == 0 {
		f.Patience = 30 * time.Second
	}
	if f.Quiet == 0 {
		f.Quiet = 200 * time.Millisecond
	}
	return &bench{f, newReport(t, f.Secrets)}
}

func (b *bench) open(config string) (bus.Source, error) {
	return openBy(b.report, b.Driver.Open, config)
}

// publish sends messages one after the other, in a goroutine of its own: the bus may make it wait. The function that it
// gives waits until all are sent.
func (b *bench) publish(messages ...bus.Frame) (wait func()) {
	sent := b.send(messages...)
	return func() {
		b.t.Helper()
		select {
		case <-sent:
		case <-time.After(b.Patience):
			b.fatal(promiseTough, "%d messages could not be published within %v", len(messages), b.Patience)
		}
	}
}

// send is publish for who takes frames meanwhile: the channel gives how many messages the bus could carry.
func (b *bench) send(messages ...bus.Frame) (sent <-chan int) {
	carried := make(chan int, 1)
	go func() { carried <- b.Publish(b.t, messages...) }()
	return carried
}

// publishEach sends each message on its own, all at once: a bus may make the sender wait for each acknowledgement.
func (b *bench) publishEach(messages ...bus.Frame) (wait func()) {
	var waits []func()
	for _, m := range messages {
		waits = append(waits, b.publish(m))
	}
	return func() {
		b.t.Helper()
		for _, wait := range waits {
			wait()
		}
	}
}

// eventually polls until ok; false after Patience.
func (b *bench) eventually(ok func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(b.Patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// A logbook keeps what is logged.
type logbook struct{ exectest.Log }

// loud counts the lines that an operator sees by default.
func (l *logbook) loud() int {
	return len(slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return line == "" || strings.Contains(line, "level=DEBUG")
	}))
}
