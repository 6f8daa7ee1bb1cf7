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
// Of several nodes on one PostgreSQL one works for a bridge, by a lease (Config.While). Another one takes over when
// that one ends or is lost, and goes on at the bookmark. It finds what any node has stored within a second.
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
	"regexp"
	"strings"
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
	// While runs run whenever this node is the one that works for the bridge. Nil: there is one node.
	While func(ctx context.Context, run func(context.Context) error) error
	May   func(source string) bool // whether messages of a source may be handed on; nil: they may
	Now   func() time.Time
	Log   *slog.Logger
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

	skips  []skip // of the page
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

// Wake says that messages were stored. It never waits.
func (c *Carrier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run carries until ctx ends.
func (c *Carrier) Run(ctx context.Context) error {
	defer func() {
		if err := c.Open.Bridge.Close(); err != nil {
			c.Log.Debug("the bridge was not closed in order", "error", err)
		}
	}()
	if c.While == nil {
		return c.work(ctx)
	}
	c.counts.standBy(true)
	return c.While(ctx, func(ctx context.Context) error {
		defer c.counts.standBy(true)
		return c.work(ctx)
	})
}

// work carries until ctx ends.
func (c *Carrier) work(ctx context.Context) error {
	defer c.end(ctx)
	for ctx.Err() == nil {
		switch more, err := c.step(ctx); {
		case ctx.Err() != nil:
		case err != nil:
			c.failed++
			c.sayFailed(err)
			choice := c.Open.Choice
			backoff.Sleep(ctx, backoff.Delay(choice.RetryMin, choice.RetryMax, c.failed, rand.Float64))
		default:
			c.failed = 0
			c.sayWorks()
			if !more {
				c.await(ctx)
			}
		}
	}
	return nil
}

// await waits until there may be something to carry.
func (c *Carrier) await(ctx context.Context) {
	timer := time.NewTimer(look)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-c.wake:
	case <-timer.C:
	}
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
	err = c.carry(ctx, loads, at, end)
	c.countSkips()
	if err != nil {
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
	c.counts.carried(done - len(refused))
	if done > 0 {
		c.position = at[done-1]
	}
	if err != nil {
		if done > 0 {
			c.failed = 0
		}
		return fmt.Errorf("hand on %d messages: %w", len(loads)-done, err)
	}
	c.position = end
	return nil
}

// number is what differs from attempt to attempt: how many messages wait, and by which port we tried.
var number = regexp.MustCompile("[0-9]+")

// sayFailed logs a failure, unless it is, but for numbers, the one that was logged last.
func (c *Carrier) sayFailed(err error) {
	c.counts.fail()
	text := number.ReplaceAllString(err.Error(), "0")
	if c.said != text {
		c.Log.Warn("messages are not handed on; they wait, and will be tried again", "error", err)
	}
	c.said = text
}

// sayWorks says that nothing fails any more.
func (c *Carrier) sayWorks() {
	c.counts.works()
	if c.said != "" {
		c.said = ""
		c.Log.Info("messages are handed on again")
	}
}
