// Package trigger runs a command for messages: what `notifyd trigger` does behind its filter, and fedmsg-trigger did.
//
// A [Feed] takes what is wanted from a bus. A [Trigger] has a bounded queue of messages; while it is full, the Feed and
// the bus behind it wait. What leaves the queue is a batch. One run of the command gets it: as JSON Lines on standard
// input, with the last message's topic, kind, id and actor in the environment. No shell reads what a message says.
//
//   - Without WaitFor a batch is one message.
//   - With WaitFor it is debounced: a batch is all that came until for so long nothing came (trailing edge), and never
//     larger than MaxQueue.
//   - At most Parallel runs go on at once; one keeps the order.
//   - A run that takes longer than Limit is ended, with all processes of its group.
//   - A run that fails is tried again, Retries times, with a growing pause. Then its batch is given up, and logged.
//   - When the Trigger is stopped, runs have a moment to end. A batch whose run did not end is not done with.
//
// A [State] remembers over restarts what is done, and an archive gives what was missed. A batch is done with when its
// run has ended, so each message is handled at least once, and twice only where a run was cut off.
package trigger

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Config says what a Trigger does. The zero value of a field with a default means the default.
type Config struct {
	Command    []string      // the program and its arguments
	WaitFor    time.Duration // 0: a run for each message
	MaxQueue   int           // messages that wait, and that a batch has, at most. Default 1000
	Parallel   int           // Default 1
	Limit      time.Duration // Default 10m
	Retries    int           // after the first run
	RetryAfter time.Duration // the first pause; it doubles, up to maxPause. Default 1s
	Grace      time.Duration // what runs have to end when the Trigger is stopped. Default 10s

	Done func(ids []string) // is told what is done with, or given up; may be nil
	Log  *slog.Logger

	// run runs the command for a batch; tests have their own.
	run func(ctx context.Context, batch []Item) (output string, err error)
}

// An Item is a message for the command.
type Item struct {
	ID, Topic, Kind, Actor string
	Trust                  string // what is proved of the sender, in words; "" where nothing is checked
	Time                   time.Time
	Line                   []byte // the message as one line of JSON, with the newline
}

const (
	// maxHeld bounds the bytes of all messages that wait or are run.
	maxHeld = 64 << 20
	// maxPause is the longest pause between two runs for a batch.
	maxPause = 5 * time.Minute
)

// A Trigger runs a command for messages.
type Trigger struct {
	config Config
	in     chan Item
	room   *semaphore.Weighted // bytes of maxHeld
}

// New makes a Trigger.
func New(c Config) *Trigger {
	if c.MaxQueue <= 0 {
		c.MaxQueue = 1000
	}
	if c.Parallel <= 0 {
		c.Parallel = 1
	}
	if c.Limit <= 0 {
		c.Limit = 10 * time.Minute
	}
	if c.RetryAfter <= 0 {
		c.RetryAfter = time.Second
	}
	if c.Grace <= 0 {
		c.Grace = 10 * time.Second
	}
	if c.run == nil {
		c.run = c.execute
	}
	if c.Done == nil {
		c.Done = func([]string) {}
	}
	return &Trigger{config: c, in: make(chan Item, c.MaxQueue), room: semaphore.NewWeighted(maxHeld)}
}

// Add queues a message, and waits while there is no room. Its error is ctx's.
func (t *Trigger) Add(ctx context.Context, it Item) error {
	if err := t.room.Acquire(ctx, weight(it)); err != nil {
		return err
	}
	select {
	case t.in <- it:
		return nil
	case <-ctx.Done():
		t.room.Release(weight(it))
		return ctx.Err()
	}
}

// weight is what an Item holds of maxHeld.
func weight(it Item) int64 { return min(int64(len(it.Line))+1024, maxHeld) }

// Run runs the command for what is added, until ctx ends and the runs of then have ended. What waits is left.
func (t *Trigger) Run(ctx context.Context) {
	running, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(t.config.Grace):
			kill()
		case <-running.Done():
		}
	})
	defer stop()
	batches := make(chan []Item)
	var all sync.WaitGroup
	all.Go(func() { t.collect(ctx, batches) })
	for range t.config.Parallel {
		all.Go(func() {
			for batch := range batches {
				t.handle(ctx, running, batch)
			}
		})
	}
	all.Wait()
}

// collect makes batches of what is added, and closes batches at the end.
func (t *Trigger) collect(ctx context.Context, batches chan<- []Item) {
	defer close(batches)
	most := t.config.MaxQueue
	if t.config.WaitFor <= 0 {
		most = 1
	}
	quiet := time.NewTimer(0)
	<-quiet.C
	var batch []Item
	for due := false; ; {
		in, out := t.in, batches
		if len(batch) >= most {
			in = nil
		}
		if !due {
			out = nil
		}
		select {
		case it := <-in:
			batch = append(batch, it)
			due = len(batch) >= most
			quiet.Reset(max(t.config.WaitFor, 0))
		case <-quiet.C:
			due = len(batch) > 0
		case out <- batch:
			batch, due = nil, false
		case <-ctx.Done():
			if left := len(batch) + len(t.in); left > 0 {
				t.config.Log.Warn("messages are left that no command was run for", "messages", left)
			}
			return
		}
	}
}

// handle runs the command for a batch until it succeeds or is given up. ctx ends the pauses, running the run.
func (t *Trigger) handle(ctx, running context.Context, batch []Item) {
	held, ids := int64(0), make([]string, len(batch))
	for i, it := range batch {
		held += weight(it)
		ids[i] = it.ID
	}
	defer t.room.Release(held)
	last := batch[len(batch)-1]
	log := t.config.Log.With("topic", last.Topic, "kind", last.Kind, "id", last.ID)
	if len(batch) > 1 {
		log = log.With("messages", len(batch))
	}
	pause := t.config.RetryAfter
	for run := 1; ; run++ {
		began := time.Now()
		output, err := t.config.run(running, batch)
		took := time.Since(began).Round(time.Millisecond)
		if err == nil {
			log.Info("command done", "run", run, "took", took, "status", 0, "output", output)
			break
		}
		if errors.Is(err, errStopped) {
			log.Warn("command stopped with the trigger", "run", run, "took", took, "output", output)
			return
		}
		if run > t.config.Retries {
			log.Error("command failed; given up", "run", run, "took", took, "error", err, "output", output)
			break
		}
		log.Warn("command failed; again", "run", run, "took", took, "error", err, "in", pause, "output", output)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, maxPause)
	}
	t.config.Done(ids)
}
