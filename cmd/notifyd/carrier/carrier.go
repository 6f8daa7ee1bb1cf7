// Package carrier gives bridges what they carry: the messages that are stored, in the order in which they were, each
// until the other bus has it.
//
// A Carrier reads the history as a consumer reads a log (Kreps, "The Log", 2013): from its bookmark on, by pages, and
// moves the bookmark behind what is confirmed. The bookmark is in the database, so it outlives the process, and an
// outage of the other bus costs no memory: what waits is in the history anyway. A kill between the confirmation and the
// bookmark makes some messages come twice; their ids show it. This is at least once, and the order is kept.
//
// The first start of a bridge begins behind all that is kept. If an outage lasts until the history deletes what the
// bridge has not handed on, that is lost to it, counted with the deletion, and said.
//
// Several processes on one PostgreSQL take turns: one holds the bookmark, and another takes it over when that one ends,
// or does not hold it again within a minute.
//
// # What is not handed on
//
// Dropped and malformed messages are not stored at all. Beyond that a Carrier leaves out, and counts, what bus.Choice
// says, and always what a proved message with the same id has refuted, and what has been in this database before.
package carrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Config is what a Carrier works with.
type Config struct {
	Name     string // of the bridge, with its driver: to_amqp.main
	Open     bus.OpenBridge
	History  *history.Store
	Describe func(*bus.Message) *catalogue.Event
	Database string // by which messages say that they were in it
	Holder   string // by which this process holds the bookmark
	Now      func() time.Time
	Log      *slog.Logger
}

// A Carrier works for one bridge.
type Carrier struct {
	Config
	topics  [][]string
	notFrom map[string]bool
	wake    chan struct{} // has room for one: there may be new messages

	position int64     // of the bookmark, as far as it is confirmed
	saved    int64     // as it is in the database
	savedAt  time.Time // or looked at
	held     time.Time // until when the bookmark is ours; zero: it is not
	asked    bool      // what was lost before is known
	failed   int64     // failures in a row
	said     string    // the failure that was logged last

	counts counts
}

const (
	// lease is how long the bookmark is held at a time, and renewed how old it may become.
	lease   = time.Minute
	renewed = 20 * time.Second
	// look is how often the database is looked at without a wake: other processes write too.
	look = time.Second
	// The bounds of what is in memory at a time.
	headings  = 500
	mostLoads = 250
	mostBytes = 4 << 20 // but for one message that is larger
)

// New makes a Carrier.
func New(c Config) *Carrier {
	k := &Carrier{Config: c, notFrom: map[string]bool{}, wake: make(chan struct{}, 1)}
	for _, t := range c.Open.Choice.Topics {
		k.topics = append(k.topics, strings.Split(t, "."))
	}
	for _, source := range c.Open.Choice.NotFrom {
		k.notFrom[source] = true
	}
	k.Log = c.Log.With("bridge", c.Name, "to", c.Open.To)
	k.counts.skipped, k.counts.refused = map[string]uint64{}, map[string]uint64{}
	return k
}

// NotFrom adds a source whose messages come from where the bridge leads to.
func (c *Carrier) NotFrom(source string) { c.notFrom[source] = true }

// Prepare makes the bookmark of a bridge that is new. It is called before anything is stored.
func (c *Carrier) Prepare(ctx context.Context) error {
	_, err := c.claim(ctx)
	return err
}

// Wake says that messages were stored. It never waits.
func (c *Carrier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run carries until ctx ends.
func (c *Carrier) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		more, err := c.step(ctx)
		pause := look
		switch {
		case ctx.Err() != nil:
			continue
		case err != nil:
			c.failed++
			c.sayFailed(err)
			pause = backoff.Delay(c.Open.Choice.RetryMin, c.Open.Choice.RetryMax, c.failed, rand.Float64)
			if !backoff.Sleep(ctx, pause) {
				continue
			}
			continue
		case more:
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	return c.end(ctx)
}

// end saves the bookmark, gives it up, and closes the bridge.
func (c *Carrier) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if !c.held.IsZero() {
		if err := c.save(ctx); err != nil {
			c.Log.Warn("the bookmark is not saved; some messages will be handed on twice", "error", err)
		} else if err := c.History.Release(ctx, c.Name, c.Holder); err != nil {
			c.Log.Warn("the bookmark is not released", "error", err)
		}
	}
	if err := c.Open.Bridge.Close(); err != nil {
		c.Log.Debug("the bridge was not closed in order", "error", err)
	}
	return nil
}

// claim holds the bookmark, or finds that another process does.
func (c *Carrier) claim(ctx context.Context) (bool, error) {
	now := c.Now()
	if now.Before(c.held.Add(renewed - lease)) {
		return true, nil
	}
	b, held, err := c.History.Claim(ctx, c.Name, c.Holder, now.Add(lease))
	if err != nil {
		return false, err
	}
	if lost := c.counts.setLost(b.Lost); lost > 0 && c.asked {
		c.Log.Warn("messages were deleted from the history before they were handed on", "lost", lost, "in_all", b.Lost)
	}
	c.asked = true
	if !held {
		c.held = time.Time{}
		return false, nil
	}
	if c.held.IsZero() {
		c.position, c.saved, c.savedAt = b.Position, b.Position, now
	}
	c.held = now.Add(lease)
	return true, nil
}

// step carries one page. more: there may be another one at once.
func (c *Carrier) step(ctx context.Context) (more bool, err error) {
	held, err := c.claim(ctx)
	if err != nil || !held {
		c.counts.standBy(!held && err == nil)
		return false, err
	}
	last, err := c.History.Settled(ctx)
	if err != nil {
		return false, err
	}
	heads, err := c.History.Headings(ctx, c.position, last, headings)
	if err != nil {
		return false, err
	}
	if len(heads) == 0 {
		c.counts.caughtUp()
		return false, c.save(ctx)
	}
	c.counts.setBehind(last-c.position, heads[0].Received)
	loads, at, end, err := c.page(ctx, heads)
	if err != nil {
		return false, err
	}
	if err := c.carry(ctx, loads, at, end); err != nil {
		return false, errors.Join(err, c.save(ctx))
	}
	return true, c.saveSeldom(ctx, len(loads) > 0)
}

// carry hands loads on. at are their ids, and end is where the page ends.
func (c *Carrier) carry(ctx context.Context, loads []bus.Load, at []int64, end int64) error {
	if len(loads) == 0 {
		c.position = end
		return nil
	}
	done, refused, err := c.Open.Bridge.Carry(ctx, loads)
	for _, r := range refused {
		c.counts.refuse(r.Reason)
		c.Log.Warn("a message can never be handed on", "reason", r.Reason, "topic", loads[r.Index].Message.Topic,
			"id", loads[r.Index].ID, "error", r.Err)
	}
	c.counts.carried(done-len(refused), err == nil)
	if done > 0 {
		c.position = at[done-1]
	}
	if err != nil {
		if done > 0 {
			c.failed = 0
		}
		return fmt.Errorf("hand on %d messages: %w", len(loads)-done, err)
	}
	c.position, c.failed = end, 0
	c.sayWorks()
	return nil
}

// sayFailed logs a failure, unless it is the one that was logged last.
func (c *Carrier) sayFailed(err error) {
	c.counts.fail()
	if c.said != err.Error() {
		c.Log.Warn("messages are not handed on; they wait, and will be tried again", "error", err)
	}
	c.said = err.Error()
}

func (c *Carrier) sayWorks() {
	if c.said != "" {
		c.said = ""
		c.Log.Info("messages are handed on again")
	}
}

// saveSeldom saves the bookmark at once where something was handed on, and otherwise now and then.
func (c *Carrier) saveSeldom(ctx context.Context, carried bool) error {
	if !carried && c.Now().Sub(c.savedAt) < look {
		return nil
	}
	return c.save(ctx)
}

func (c *Carrier) save(ctx context.Context) error {
	if c.position == c.saved {
		return nil
	}
	now := c.Now()
	ours, err := c.History.Move(ctx, c.Name, c.Holder, c.position, now.Add(lease))
	if err != nil {
		return err
	}
	if !ours { // another process has begun where we had saved it
		c.held = time.Time{}
		return nil
	}
	c.saved, c.savedAt, c.held = c.position, now, now.Add(lease)
	return nil
}

// A lock for the figures, which the pages of metrics read at any time.
type counts struct {
	mu sync.Mutex
	figures
}
