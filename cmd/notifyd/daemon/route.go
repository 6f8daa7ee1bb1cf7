package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/carrier"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/holes"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/storms"
	"github.com/notifyd/notifyd/cmd/notifyd/relay"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A router carries frames from the buses to the outbox. It runs in one goroutine, which owns all of its fields.
type router struct {
	intake        *bus.Intake // nil before run
	db            *gorm.DB
	subscriptions *prefs.Subscriptions
	history       *history.Store
	outbox        *outbox.Outbox
	describer     *describer
	verifier      func() *trust.Verifier
	directory     func() *directory.Snapshot
	hints         *directories.Directories // takes what messages say of owners and members; nil: nobody does
	readers       func() *readers.Policy
	mayRead       func(source string, user prefs.User) bool // by that policy; nil: everybody may
	links         *links.Signer
	holes         *holes.Tracker
	snapshots     *snapshots // nil: none are kept
	metrics       *metrics
	now           func() time.Time
	log           *slog.Logger

	surges     *storms.Surges                              // nil: nobody looks for filters that have far more than usual
	paces      interface{ Heard(pace.Subject, time.Time) } // nil: nobody listens for silences
	outputs    []*relay.Output
	carriers   []*carrier.Carrier
	repeaters  []bus.Repeater
	stored     func() // is called when something is stored; nil: nobody waits for it
	dedup      *bus.DedupWindow
	state      *indexState
	loadedOnce bool            // the snapshot is read at the first load only
	unsure     bool            // the last transaction failed, and may be committed all the same
	found      []rules.Result  // the filters that match the events of a batch
	matching   []time.Duration // how long it took to find them
	seldom     *seldom         // what is logged of frames that are left out, or odd

	expensive expensive
	cold      chan *rules.Index // has room for one: a new index, for warmCaches
}

// run routes frames until the Intake is closed and everything in it is committed, or until ctx ends. Under load a batch
// fills while the last one is written. Without load a batch is one message, which waits for nothing. A failed batch is
// retried for ever: the bus may not send it again. If ctx ends before all frames are committed, the error gives the
// number of the others. Those that a bus sends again until they are acknowledged are not lost.
func (r *router) run(ctx context.Context, in *bus.Intake) error {
	defer func() { r.snapshots.end(ctx, r.state) }()
	if err := r.load(ctx); err != nil && ctx.Err() == nil {
		r.log.Error("cannot read the filters; trying again with the first message", "error", err)
	}
	r.intake = in
	for {
		batch, open := in.Next(ctx)
		if !open {
			break
		}
		if err := r.persist(ctx, batch); err != nil {
			return fmt.Errorf("%d received messages are not stored, the database did not take them in time; %s: %w",
				len(batch)+in.Len(), whatComesAgain, err)
		}
	}
	if lost := in.Len(); lost > 0 {
		return fmt.Errorf("%d received messages are not stored, there was no time; %s: %w", lost, whatComesAgain, ctx.Err())
	}
	return nil
}

const whatComesAgain = "of these, what came over ZeroMQ is lost, and all else comes again"

// mostWait is the longest pause before a failed batch is tried again: a database that failed over is soon back.
const mostWait = 2 * time.Second

// persist routes a batch, and retries while the database fails. Then it acknowledges the frames to the sources.
func (r *router) persist(ctx context.Context, frames []bus.Frame) error {
	events := r.describe(frames)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, mostWait) {
		var err error
		events, err = r.route(ctx, events)
		if r.unsure = err != nil; err == nil {
			break
		}
		r.metrics.routeErrors.Inc()
		r.log.Error("cannot store messages; trying again", "messages", len(events), "wait", wait, "error", err)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
	r.holes.Routed()
	for _, f := range frames {
		f.Done()
	}
	return nil
}

// route is the whole flow. A transaction stores the history and the deliveries of a batch; several transactions are
// needed only if very much matches. It returns the events that are left after an error.
func (r *router) route(ctx context.Context, events []*catalogue.Event) ([]*catalogue.Event, error) {
	for len(events) > 0 {
		watch := newPhaseTimer(r.now)
		if err := r.load(ctx); err != nil {
			return events, err
		}
		watch.lap("open")
		carried, err := r.carry(ctx, events, watch)
		if errors.Is(err, errBehind) {
			r.log.Info("reading all filters again", "reason", err)
			r.state = nil
			continue
		}
		if err != nil {
			return events, err
		}
		watch.observe(r.metrics.routeSeconds)
		r.snapshots.keep(ctx, r.state)
		events = events[carried:]
	}
	return nil, nil
}

// carry routes the first of events in one transaction and returns their number: all, or as many as match looks up.
func (r *router) carry(ctx context.Context, events []*catalogue.Event, watch *phaseTimer) (carried int, err error) {
	owed := 0
	var outcomes []history.Outcome
	var storing time.Duration
	err = r.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		watch.lap("begin")
		r.surges.Begin()
		if err := r.insist(tx); err != nil {
			return err
		}
		if err := r.sync(ctx, tx); err != nil {
			return err
		}
		watch.lap("follow")
		events = events[:r.match(events)]
		watch.lap("match")
		outcomes, err = r.history.Append(tx, events)
		if err != nil {
			return err
		}
		storing = watch.lap("history")
		deliveries, err := r.plan(tx, outcomes, watch)
		if err != nil {
			return err
		}
		watch.lap("plan")
		if owed, err = r.outbox.AddAfter(tx, moves(outcomes), r.correct(outcomes), deliveries); err != nil {
			return fmt.Errorf("add to outbox: %w", err)
		}
		watch.lap("outbox")
		if err := r.hints.Hints(tx, events); err != nil {
			return err
		}
		// last: nodes that share a source have one row of its position, and wait for each other from here to the commit
		return r.holes.Save(tx, unknown(outcomes))
	})
	if err != nil {
		return 0, err
	}
	r.committed(ctx, events, outcomes, storing, watch)
	r.metrics.routed(events, owed)
	if owed > 0 {
		r.outbox.Notify()
	}
	return len(events), nil
}

// committed tells others what a batch has brought, and what it has cost. storing is the time that its history took.
func (r *router) committed(ctx context.Context, events []*catalogue.Event, outcomes []history.Outcome,
	storing time.Duration, watch *phaseTimer,
) {
	watch.lap("commit")
	r.hints.Heard(ctx)
	for _, c := range r.carriers {
		c.Wake()
	}
	if r.stored != nil {
		r.stored()
	}
	if _, err := r.history.Committed(ctx, outcomes); err != nil {
		r.log.Error("the history is not held within its bounds", "error", err)
	}
	r.chargeHistory(outcomes, storing+watch.lap("prune"))
	r.holes.Committed()
	r.sayConflicts(outcomes)
	r.chargeMatches(events)
	r.markExpensive(ctx)
	r.surges.Committed(ctx)
}

// insist makes tx one that writes, after another one whose answer was lost. A primary may have committed that while its
// standby lacks it; a commit that writes nothing would not wait for the standby, and the frames would be
// acknowledged too early.
func (r *router) insist(tx *gorm.DB) error {
	if !r.unsure || tx.Name() != "postgres" {
		return nil
	}
	return tx.Exec("SELECT pg_logical_emit_message(true, 'notifyd', '')").Error
}

// maxMatches is the number of matches that ends a transaction, since its deliveries are held in memory. One message
// may have more.
const maxMatches = 20_000

// matchMost is how long one transaction may look events up. PostgreSQL ends a transaction that is idle for some seconds
// (see package migrations), and a batch that takes longer than that would be tried again for ever.
const matchMost = 2 * time.Second

// match looks events up in the index, into r.found, until maxMatches are found or matchMost is over. It returns how
// many events it looked up.
func (r *router) match(events []*catalogue.Event) (asked int) {
	dir := asDirectory(r.directory())
	var spent time.Duration
	for matches := 0; asked < len(events) && matches < maxMatches && spent < matchMost; asked++ {
		if asked == len(r.found) {
			r.found = append(r.found, rules.Result{})
			r.matching = append(r.matching, 0)
		}
		start := r.now()
		r.state.index.Find(&r.found[asked], events[asked], dir)
		r.matching[asked] = r.now().Sub(start)
		spent += r.matching[asked]
		r.metrics.matchSeconds.Observe(r.matching[asked].Seconds())
		matches += r.found[asked].Len()
	}
	return asked
}
