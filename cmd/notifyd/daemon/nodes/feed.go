package nodes

import (
	"context"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/relay"
	"github.com/notifyd/notifyd/history"
)

// A Feed gives the outlets of this node what all nodes receive: a subscriber gets every message, wherever it subscribed
// and whichever node received it. It reads the history behind the writers, as a bridge does, but keeps no bookmark: who
// subscribes gets what comes from then on. Each message comes once, in the order in which they were stored. Where the
// database does not answer subscribers wait; they lose nothing of it.
type Feed struct {
	History *history.Store
	Outputs []*relay.Output
	// Repeat gives who repeats what comes from a source, as in Frame.Source, or what notifyd itself says (own).
	Repeat func(source string, own bool) []bus.Repeater
	// Own reports whether notifyd itself says what comes from a source.
	Own func(source string) bool
	Log *slog.Logger

	wake     chan struct{}
	position int64 // the last message that was handed on
}

const (
	// fed is how often the history is looked at for what other nodes have stored.
	fed = 100 * time.Millisecond
	// The bounds of what is in memory at a time.
	mostFed   = 250
	mostBytes = 8 << 20 // but for one message that is larger
)

// NewFeed makes a Feed of what its fields say.
func NewFeed(f Feed) *Feed {
	f.wake = make(chan struct{}, 1)
	return &f
}

// Wake says that this node has stored something. It never waits.
func (f *Feed) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run hands on what comes from now on, until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	begun, failed := false, ""
	for ctx.Err() == nil {
		var err error
		if !begun {
			f.position, err = f.History.Settled(ctx)
			begun = err == nil
		} else {
			err = f.step(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil && err.Error() != failed:
			failed = err.Error()
			f.Log.Error("subscribers wait for messages; trying again", "error", err)
		case err == nil && failed != "":
			failed = ""
			f.Log.Info("subscribers get messages again")
		}
		f.await(ctx)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if !begun {
		return nil
	}
	if err := f.step(last); err != nil {
		f.Log.Warn("subscribers may miss the last messages", "error", err)
	}
	return nil
}

// await waits until there may be something to hand on.
func (f *Feed) await(ctx context.Context) {
	timer := time.NewTimer(fed)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.wake:
	case <-timer.C:
	}
}

// step hands on all that is there.
func (f *Feed) step(ctx context.Context) error {
	newest, err := f.History.Newest(ctx)
	if err == nil && newest < f.position {
		// a standby that lacked the last messages was promoted: their ids are given again
		f.Log.Warn("the history is shorter than it was; subscribers get what comes from here on", "last", newest,
			"handed_on", f.position)
		f.position = newest
	}
	if err != nil || newest <= f.position {
		return err
	}
	last, err := f.History.Settled(ctx)
	for err == nil && f.position < last {
		err = f.page(ctx, last)
	}
	return err
}

// page hands on the next messages, up to one.
func (f *Feed) page(ctx context.Context, last int64) error {
	heads, err := f.History.Headings(ctx, f.position, last, mostFed)
	if err != nil {
		return err
	}
	end, bytes := last, int64(0)
	var ids []int64
	for i, h := range heads {
		if bytes += h.Size; i > 0 && bytes > mostBytes {
			break
		}
		ids = append(ids, h.ID)
	}
	if len(ids) == mostFed || len(ids) < len(heads) {
		end = ids[len(ids)-1]
	}
	records, err := f.History.Records(ctx, ids)
	if err != nil {
		return err
	}
	f.handOn(records)
	f.position = end
	return nil
}

func (f *Feed) handOn(records []history.Record) {
	var items []relay.Item
	for _, r := range records {
		m, err := r.Message()
		if err != nil {
			f.Log.Warn("a stored message cannot be read; subscribers do not get it", "id", r.MsgID,
				"error", err)
			continue
		}
		frame := r.Frame()
		frame.Own = f.Own(r.Source)
		items = append(items, relay.Item{Frame: frame, Message: m})
	}
	for _, o := range f.Outputs {
		o.HandOn(items)
	}
	for _, i := range items {
		for _, to := range f.Repeat(i.Frame.Source, i.Frame.Own) {
			to.Repeat(i.Frame)
		}
	}
}
