package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// An Entry is a stored delivery as pages and commands show it.
type Entry struct {
	ID          int64
	Message     string
	Destination string
	Backend     string
	Address     string // for its owner only
	Manage      string // as in Delivery; for its owner only
	Notice      backends.Notice
	Broken      bool // the stored notice cannot be read: Notice only says so
	Together    bool
	State       State
	Parcel      string // "" before the first attempt
	AddedAt     time.Time
	DueAt       time.Time // of the next attempt while Waiting
	Hold        string    // why not earlier: see Delivery
	FinishedAt  time.Time // when it became Done or Dead; else zero
	Attempts    int       // failed ones
	LastError   string    // without addresses; "" when all is well
}

// Withdrawn reports whether it is dead because its message turned out not to be true: nobody can send it again.
func (e Entry) Withdrawn() bool { return e.State == Dead && strings.HasPrefix(e.LastError, withdrawn) }

// Silenced reports whether it is dead because its owner did not want it any more: see Gate.
func (e Entry) Silenced() bool { return e.State == Dead && strings.HasPrefix(e.LastError, silenced) }

// A Depth is how many deliveries of a backend are in a state.
type Depth struct {
	Backend string
	State   State
	Count   int
	Oldest  time.Time // the earliest due time among them
}

// Depth counts what is waiting, claimed and dead, by backend and state.
func (o *Outbox) Depth(ctx context.Context) ([]Depth, error) {
	var found []struct {
		Backend string
		State   State
		Count   int
		Oldest  int64
	}
	err := o.reader.WithContext(ctx).Raw(`SELECT backend, state, count(*) AS count, min(due_at) AS oldest
		FROM deliveries WHERE state IN ? GROUP BY backend, state ORDER BY backend, state`,
		[]State{Waiting, Claimed, Dead}).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	list := make([]Depth, 0, len(found))
	for _, f := range found {
		list = append(list, Depth{f.Backend, f.State, f.Count, unstamp(f.Oldest)})
	}
	return list, nil
}
