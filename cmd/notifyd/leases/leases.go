// Package leases lets one of several nodes do what must be done once: keep the connection to an IRC network, prune the
// history. A node is a daemon on a PostgreSQL database that others share.
//
// A lease is the right to do something for a limited time (Gray and Cheriton, "Leases: An Efficient Fault-Tolerant
// Mechanism for Distributed File Cache Consistency", 1989). Whoever holds one renews it; a holder that is killed renews
// nothing, and another node goes on after a while that is known. Here that is a row in the database:
//
//	err := l.While(ctx, "backend irc", func(ctx context.Context) error { return irc.Run(ctx) })
//
// While waits for the lease, and runs the function until the lease is lost or ctx ends. After a loss it begins again.
//
// # No two at a time
//
// No clock is compared with another one, only how long something takes. A renewal raises the beat of the row. The
// holder counts Hold from the moment before it sent the renewal, and stops a margin before that is over (see margin),
// whatever keeps it from renewing: a slow database, a network in two parts, a pause of the process. Whoever waits
// counts Hold from the moment after it saw the beat for the first time, and takes the row if the beat is still the
// same. That moment is later than the holder's, and so is its end:
//
//	holder    |sends  ---------------- stops |    margin    |
//	waits         |sees the beat  ------------------------- |takes
//
// So clocks may be wrong by any amount, and jump; they must only run at about the same speed. (What goes by the clock
// for other reasons, such as deleting what is old, runs by InTime.) The row changes by
// compare-and-swap on its beat, and so one of several that wait gets it. A holder that stops in order empties the row,
// and another node takes it within a second (see look).
//
// Fencing proper is for the resource to refuse whoever held the lease before ("How to do distributed locking",
// Kleppmann, 2016). An IRC server does not know of our rows, and so the holder fences itself. Its clock is the
// monotonic one, which stands still while the machine is suspended; so the holder believes the wall clock where that
// says that more time has passed. What works row by row in the database asks Held before each step, and checks there
// that the row is still its own, as the outbox and the bridges do.
//
// What PostgreSQL forgets it cannot keep: if the primary fails and a replica that lags behind is promoted, a lease that
// was just taken may be given out again. The first holder learns of it with its next renewal, a third of Hold later.
//
// # Why no membership protocol
//
// Nodes do not know each other, and elect nobody. The database is there anyway, nothing works without it, and it puts
// all changes in one order; a protocol among the nodes could fail on its own and would have to agree with it. The table
// of nodes (nodes.go) is for people to read, and nothing is decided by it.
//
// On SQLite one process owns the file, and has every lease at all times.
package leases

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/metric"
)

// A Config is what leases need.
type Config struct {
	// DB is the PostgreSQL database; nil says that this process is alone and holds everything. It should have
	// connections of its own: where renewals wait for others' statements, leases are lost.
	DB      *gorm.DB
	Node    string        // the name of this node, which no other has, also not this one after a restart
	Version string        // of the program, for people
	Hold    time.Duration // how long a lease lasts that is not renewed; 0: 9 s
	Now     func() time.Time
	Log     *slog.Logger
}

// Leases are those of one node. They are safe for concurrent use.
type Leases struct {
	Config
	clock   func() moment
	differs atomic.Pointer[difference] // nil: not known yet

	looking chan struct{} // has room for one look at the table at a time, for all who wait
	sight   sight

	mu    sync.Mutex
	known map[string]*hold // what this node wants: nil while it does not hold it
}

// The parts of Hold.
func (l *Leases) renew() time.Duration  { return l.Hold / 3 }     // how often a lease is renewed
func (l *Leases) margin() time.Duration { return l.Hold * 2 / 9 } // for stopping, before another node may begin
func (l *Leases) look() time.Duration   { return l.Hold / 18 }    // how often the table is looked at
func (l *Leases) limit() time.Duration  { return l.Hold * 2 / 9 } // of one statement

// ErrLost is the cause of the end of a context under a lease that was lost.
var ErrLost = errors.New("the lease is lost")

// Open makes the leases of a node. It does not touch the database.
func Open(c Config) *Leases {
	if c.Hold <= 0 {
		c.Hold = 9 * time.Second
	}
	l := &Leases{Config: c, known: map[string]*hold{}, looking: make(chan struct{}, 1)}
	started := c.Now()
	l.clock = func() moment {
		now := c.Now()
		return moment{now.Sub(started), now.Round(0)}
	}
	return l
}

// While runs run whenever this node holds the lease of that name, one run at a time, until ctx ends. The context of run
// ends when the lease is lost, or with ctx; run must then return soon. Until it has, this node renews the lease if it
// still can. If run returns by itself, While gives the lease up and returns its error.
func (l *Leases) While(ctx context.Context, name string, run func(ctx context.Context) error) error {
	if err := l.want(name); err != nil {
		return err
	}
	defer l.unwant(name)
	if l.DB == nil {
		return run(ctx)
	}
	for {
		h := l.wait(ctx, name)
		if h == nil {
			return nil
		}
		err := l.under(ctx, h, run)
		if h.lost() && ctx.Err() == nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				l.Log.Warn("what ran under a lease that was lost ended with an error", "lease", name, "error", err)
			}
			continue
		}
		return err
	}
}

// Held reports whether this node holds the lease of a name now. It asks the clock, and so is right also just after a
// pause of the process.
func (l *Leases) Held(name string) bool {
	if l.DB == nil {
		return true
	}
	l.mu.Lock()
	h := l.known[name]
	l.mu.Unlock()
	return h != nil && h.left() > 0
}

// want notes that this node waits for a lease.
func (l *Leases) want(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.known[name]; known {
		return fmt.Errorf("bug: the lease %q is waited for twice in one process", name)
	}
	l.known[name] = nil
	return nil
}

func (l *Leases) unwant(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, name)
}

// holds notes which hold this node has, or nil.
func (l *Leases) holds(name string, h *hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known[name] = h
}

var heldDesc = &metric.Desc{Name: "notifyd_lease_held",
	Help: "1 where this node holds the lease and works, 0 where it waits for it.", Labels: []string{"lease"}}

// Collect emits which leases this node holds, and which it waits for.
func (l *Leases) Collect(emit metric.Emit) {
	l.mu.Lock()
	names := slices.Collect(maps.Keys(l.known))
	l.mu.Unlock()
	for _, name := range names {
		emit(heldDesc, metric.Bool(l.Held(name)), name)
	}
}
