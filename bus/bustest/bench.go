package bustest

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
)

// bench is a fixture under test and what it logs.
type bench struct {
	Fixture
	t   testing.TB
	log *logbook
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
	b := &bench{Fixture: f, t: t, log: &logbook{}}
	t.Cleanup(func() { b.checkSecrets("the log", b.log.String()) })
	return b
}

// broken reports a broken promise and goes on.
func (b *bench) broken(promise, format string, args ...any) {
	b.t.Helper()
	b.t.Errorf("%s: %s", promise, fmt.Sprintf(format, args...))
}

// fatal reports a broken promise and ends the part.
func (b *bench) fatal(promise, format string, args ...any) {
	b.t.Helper()
	b.t.Fatalf("%s: %s", promise, fmt.Sprintf(format, args...))
}

func (b *bench) checkSecrets(where, text string) {
	for _, secret := range b.Secrets {
		if strings.Contains(text, secret) {
			b.broken(promiseSecret, "%s has %q", where, secret)
		}
	}
}

// open opens a source by a section in YAML, as the daemon does.
func (b *bench) open(config string) (bus.Source, error) {
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	source, err := b.Driver.Open(decodeOf(config), log)
	if err != nil {
		b.checkSecrets("the error of Open", err.Error())
	}
	return source, err
}

// decodeOf gives the decode of a section of the configuration.
func decodeOf(config string) func(any) error {
	return func(into any) error {
		if err := yaml.UnmarshalWithOptions([]byte(config), into, yaml.Strict()); err != nil {
			return errors.New(yaml.FormatError(err, false, false)) // which does not quote what may be a secret
		}
		return nil
	}
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
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// loud counts the lines that an operator sees by default.
func (l *logbook) loud() int {
	return len(slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return line == "" || strings.Contains(line, "level=DEBUG")
	}))
}
