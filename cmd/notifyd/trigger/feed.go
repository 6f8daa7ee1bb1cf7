package trigger

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/tail"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Feed gives a Trigger the messages of a source that are wanted, and first those that were missed.
type Feed struct {
	Source bus.Source
	Topic  func(topic string) bool             // whether messages with a topic may be wanted
	Event  func(*bus.Message) *catalogue.Event // nil for a message that is not wanted

	Verifier *watch.Watcher[*trust.Verifier] // nil: senders are not checked
	Unproved bool                            // also messages that are not proved and not to be dropped

	State   *State
	Archive archive.Archive // nil: what is missed stays missed
	Trigger *Trigger
	Now     func() time.Time
	Log     *slog.Logger

	refused int       // messages that were not proved
	said    time.Time // when the log said so last
}

const (
	lookSoon  = 10 * time.Second // after the start: what came before the subscription stood is in the archive by then
	lookAgain = time.Minute      // what a lost connection has lost is found so often
	lookBack  = 3 * lookAgain    // how far such a look reaches back
)

// Run lets source, Trigger and all between them work until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := bus.NewIntake(bus.IntakeConfig{})
	var all sync.WaitGroup
	var failed error
	all.Go(func() {
		defer cancel()
		failed = f.Source.Run(ctx, in)
	})
	all.Go(func() { f.Trigger.Run(ctx) })
	if f.Verifier != nil {
		all.Go(func() { f.Verifier.Run(ctx) })
	}
	f.feed(ctx, in)
	cancel()
	all.Wait()
	return errors.Join(failed, f.State.Save())
}

func (f *Feed) feed(ctx context.Context, in *bus.Intake) {
	since, pause := f.State.Since(), lookSoon
	for ctx.Err() == nil {
		if f.Archive != nil {
			since = f.look(ctx, since)
		}
		next, stop := context.WithTimeout(ctx, pause)
		for batch, open := in.Next(next); open; batch, open = in.Next(next) {
			for _, frame := range batch {
				m, err := bus.Decode(frame, f.Now())
				frame.Done()
				if err != nil {
					f.Log.Warn("message dropped", "error", tail.Visible(err.Error()))
				} else {
					f.live(ctx, m)
				}
			}
			if f.Archive == nil {
				f.State.Passed(f.Now())
			}
		}
		stop()
		pause = lookAgain
	}
}

// look adds what the archive has since then, and gives from when on the next look must read.
func (f *Feed) look(ctx context.Context, since time.Time) time.Time {
	now, missed := f.Now(), 0
	wanted := func(m *bus.Message) bool {
		m.Late = true
		return f.Topic(m.Topic) && !f.State.Known(m.ID) && f.proved(m) && f.Event(m) != nil
	}
	err := f.Archive.Each(ctx, since, now, wanted, func(m *bus.Message) error {
		m.Late = true
		if f.proved(m) && f.add(ctx, m, m.Time) {
			missed++
		}
		return ctx.Err()
	})
	if err != nil {
		if ctx.Err() == nil {
			f.Log.Error("what was missed cannot be asked for; again in a minute", "error", err)
		}
		return since
	}
	if missed > 0 {
		f.Log.Info("missed messages found", "messages", missed)
	}
	f.State.Passed(now)
	f.save()
	return now.Add(-lookBack)
}

// live adds a message that has just come.
func (f *Feed) live(ctx context.Context, m *bus.Message) {
	if !f.Topic(m.Topic) || f.State.Known(m.ID) {
		return
	}
	if f.proved(m) {
		f.add(ctx, m, f.Now())
		return
	}
	f.refused++
	if now := f.Now(); f.refused == 1 || now.Sub(f.said) >= time.Minute {
		f.said = now
		f.Log.Warn("not run for a message that is not proved", "topic", tail.Visible(m.Topic), "id", tail.Visible(m.ID),
			"standing", m.Standing.Words(), "reason", tail.Visible(m.Standing.Reason), "total", f.refused)
	}
}

// proved judges a message, and reports whether the command may be run for it.
func (f *Feed) proved(m *bus.Message) bool {
	if f.Verifier == nil {
		m.Standing = bus.Standing{}
		return true
	}
	var action trust.Action
	m.Standing, action = f.Verifier.Load().Judge(m, f.Now())
	return m.Standing.Proved() || f.Unproved && action != trust.Drop
}

// add queues a message that is wanted, was received at that time, and was not queued before.
func (f *Feed) add(ctx context.Context, m *bus.Message, at time.Time) bool {
	event := f.Event(m)
	if event == nil || !f.State.Take(m.ID, at) {
		return false
	}
	var line bytes.Buffer
	if err := tail.JSON(&line, m); err != nil {
		f.Log.Error("message cannot be written as JSON", "id", tail.Visible(m.ID), "error", err)
		f.State.Done([]string{m.ID})
		return false
	}
	it := Item{ID: m.ID, Topic: m.Topic, Kind: event.Kind, Actor: event.Actor, Time: m.Time, Line: line.Bytes()}
	if m.Standing.Verdict != "" {
		it.Trust = m.Standing.Words()
	}
	return f.Trigger.Add(ctx, it) == nil
}

// Done notes what the Trigger is done with.
func (f *Feed) Done(ids []string) {
	f.State.Done(ids)
	f.save()
}

func (f *Feed) save() {
	if err := f.State.Save(); err != nil {
		f.Log.Error("commands may be run again after a restart", "error", err)
	}
}
