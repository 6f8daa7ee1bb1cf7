// Package sessions makes session after session with a broker, such as RabbitMQ or NATS. A session is a connection with
// all that belongs to it. Whatever ends it, it is made anew as a whole.
//
//	loop := sessions.New(kind, name, sessions.Config{…}, meter, log)
//	loop.Run(ctx, func(ctx context.Context) error { // connects, and returns why the session has ended
//		loop.Begun()
//		loop.Heard(redelivered) // each message
//	})
//
// The pause between two sessions grows, with jitter, until one has lasted. Why a session has ended is counted, by a
// reason of one word, and a reason is logged once, until something has worked in between: a broker that is away for a
// night makes one line. Of a silence, which looks as if all were well, only a message shows that it is over.
package sessions

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/metric"
)

// Config says how long to wait.
type Config struct {
	// RetryMin and RetryMax bound the pause.
	RetryMin, RetryMax time.Duration
	// Silence is the time without a message after which a session ends by itself.
	Silence time.Duration
}

// A Failure is an error whose reason is known where it happened.
type Failure interface {
	error
	Reason() string // one word, of a fixed set
}

// Fail makes a Failure of an error, which it wraps.
func Fail(reason string, err error) error { return &failure{err, reason} }

type failure struct {
	error
	reason string
}

func (f *failure) Unwrap() error  { return f.error }
func (f *failure) Reason() string { return f.reason }

// The reasons of what is no Failure, and of a silence.
const (
	Lost   = "lost"
	Silent = "silent"
)

// A Kind is what sessions with brokers of one kind have in common.
type Kind struct {
	hint                          string
	failures, redelivered, silent *metric.Desc
}

// NewKind makes a Kind, by the name of the driver. hint asks an operator what may be the cause of a silence. A package
// has one Kind, as it has one of each metric.
func NewKind(driver, hint string) *Kind {
	desc := func(name, help string, t metric.Type, more ...string) *metric.Desc {
		return &metric.Desc{
			Name: "notifyd_" + driver + "_" + name, Help: help, Type: t, Labels: append([]string{"source"}, more...),
		}
	}
	return &Kind{
		hint:        hint,
		failures:    desc("failures_total", "Sessions that ended or were not made, by reason.", metric.Counter, "reason"),
		redelivered: desc("redelivered_total", "Messages that came more than once, as the broker says.", metric.Counter),
		silent:      desc("silent", "1 after a silence for too long, until a message comes.", metric.Gauge),
	}
}

// A Loop makes the sessions with one broker. All but Run and Collect are called by the session.
type Loop struct {
	kind   *Kind
	name   string
	config Config
	meter  *bus.Meter
	log    *slog.Logger
	logged string // the state that was logged last: the reason of a failure, or working

	mu          sync.Mutex
	failures    map[string]uint64
	redelivered uint64
	silent      bool
}

// working is the state in which messages may come.
const working = "working"

// New makes a Loop. name is that of the source: Frame.Source.
func New(kind *Kind, name string, c Config, meter *bus.Meter, log *slog.Logger) *Loop {
	return &Loop{kind: kind, name: name, config: c, meter: meter, log: log, failures: map[string]uint64{}}
}

// healthy is how long a session must last for the pause after it to be short again.
const healthy = time.Minute

// Run makes session after session until ctx ends.
func (l *Loop) Run(ctx context.Context, session func(context.Context) error) {
	defer l.meter.Ended()
	for failed := int64(1); ; failed++ {
		began := time.Now()
		err := session(ctx)
		if ctx.Err() != nil {
			return
		}
		l.note(err)
		if time.Since(began) > min(healthy, 10*l.config.RetryMax) {
			failed = 1
		}
		if !backoff.Sleep(ctx, backoff.Delay(l.config.RetryMin, l.config.RetryMax, failed, rand.Float64)) {
			return
		}
	}
}

// note counts why a session has ended.
func (l *Loop) note(err error) {
	reason := Lost
	if f := (Failure)(nil); errors.As(err, &f) {
		reason = f.Reason()
	}
	l.mu.Lock()
	l.failures[reason]++
	l.silent = l.silent || reason == Silent
	l.mu.Unlock()
	switch {
	case l.logged == reason:
	case reason == Silent:
		l.log.Warn("connected, but nothing has come: "+l.kind.hint+" making the session anew", "silence", l.config.Silence,
			"last_message", l.meter.Traffic().LastMessage)
	default:
		l.log.Warn("not receiving, will retry", "reason", reason, "error", err)
	}
	l.logged = reason
}

// Begun says that messages may come now, in a session with the peer that more names. After a silence a message must
// come first.
func (l *Loop) Begun(more ...any) {
	if l.logged != working && l.logged != Silent {
		l.logged = working
		l.log.Info("consuming", more...)
	}
}

// Heard says that a message came, and whether the broker says that it is not the first time.
func (l *Loop) Heard(again bool) {
	if l.logged == Silent {
		l.logged = working
		l.log.Info("messages come again")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = false
	if again {
		l.redelivered++
	}
}

// Collect emits what was counted.
func (l *Loop) Collect(emit metric.Emit) {
	l.mu.Lock()
	failures, redelivered, silent := maps.Clone(l.failures), l.redelivered, l.silent
	l.mu.Unlock()
	for reason, n := range failures {
		emit(l.kind.failures, float64(n), l.name, reason)
	}
	emit(l.kind.redelivered, float64(redelivered), l.name)
	emit(l.kind.silent, metric.Bool(silent), l.name)
}
