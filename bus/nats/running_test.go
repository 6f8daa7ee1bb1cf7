package nats

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/metric"
)

// patience is how long a test waits for what should happen: on a busy machine a server takes its time.
const patience = time.Minute

// A running is a source that runs until the test ends.
type running struct {
	*Source
	t    *testing.T
	in   *bus.Intake
	log  *exectest.Log
	stop func()
}

// start runs a source of one server, named test, with these keys.
func start(t *testing.T, keys string, values ...any) *running {
	t.Helper()
	r := prepare(t, keys, values...)
	r.run()
	return r
}

// prepare is start without running it.
func prepare(t *testing.T, keys string, values ...any) *running {
	t.Helper()
	r := &running{t: t, in: bus.NewIntake(bus.IntakeConfig{Batch: 1}), log: &exectest.Log{}}
	text := "servers: {test: {retry_min: 5ms, retry_max: 100ms, " + fmt.Sprintf(keys, values...) + "}}"
	decode := func(v any) error { return yaml.UnmarshalWithOptions([]byte(text), v, yaml.Strict()) }
	opened, err := Driver().Open(decode, slog.New(slog.NewTextHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	r.Source = opened.(*Source)
	return r
}

func (r *running) run() {
	t := r.t
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, r.in) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		if strings.Contains(r.log.String(), "sesame") {
			t.Error("the log has a password")
		}
		if t.Failed() {
			t.Logf("the log:\n%s", r.log)
		}
	})
}

// next gives the next frame.
func (r *running) next() bus.Frame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	batch, open := r.in.Next(ctx)
	if !open {
		r.t.Fatalf("no frame came within %v", patience)
	}
	return batch[0]
}

// value is that of a metric whose labels begin with "test" and end with last, if that is not "".
func (r *running) value(name, last string) (value float64) {
	r.Collect(func(d *metric.Desc, v float64, labels ...string) {
		if d.Name == name && labels[0] == "test" && (last == "" || labels[len(labels)-1] == last) {
			value += v
		}
	})
	return value
}

// others is what a metric counts of all but one last label, at one moment.
func (r *running) others(name, last string) (value float64) {
	r.Collect(func(d *metric.Desc, v float64, labels ...string) {
		if d.Name == name && labels[0] == "test" && labels[len(labels)-1] != last {
			value += v
		}
	})
	return value
}

// reaches waits until a metric has a value.
func (r *running) reaches(name, last string, want float64) {
	r.t.Helper()
	exectest.Eventually(r.t, patience, fmt.Sprintf("%s of %q is %v", name, last, want), func() bool {
		return r.value(name, last) == want
	})
}

// says waits until the log has a text.
func (r *running) says(want string) {
	r.t.Helper()
	exectest.Eventually(r.t, patience, "the log says "+want, func() bool { return strings.Contains(r.log.String(), want) })
}

// connected waits until it consumes.
func (r *running) connected() { r.t.Helper(); r.reaches("notifyd_source_connected", "", 1) }
