package nodes

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/internal/text"
)

// Ears note what this node hears of services and endpoints, for the node that looks for silences. Each node hears only
// a part of what a broker shares out among them; a silence is one of all. Every few seconds the counts are added to a
// table, from which that node takes them. They are safe for concurrent use.
type Ears struct {
	Node string
	DB   *gorm.DB
	// Endpoints gives the endpoints that this node runs, and whether each is connected.
	Endpoints func() map[string]bool
	Now       func() time.Time
	Log       *slog.Logger

	mu     sync.Mutex
	counts map[pace.Subject]count
	told   map[string]bool // the endpoints as they were told last
	toldAt time.Time
}

// A count is what was heard since the last flush.
type count struct {
	messages int64
	last     time.Time
}

const (
	flushed    = 5 * time.Second
	mostHeard  = 2 * pace.MaxServices // subjects in memory, and taken by one statement
	mostLetter = 200                  // bytes of a name; package pace leaves longer ones out
)

// Heard notes a message of a subject. Of a subject for which there is no room nothing is noted.
func (e *Ears) Heard(of pace.Subject, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, known := e.counts[of]
	if !known && (len(e.counts) >= mostHeard || len(of.Name) > mostLetter || len(of.Under) > mostLetter) {
		return
	}
	if e.counts == nil {
		e.counts = map[pace.Subject]count{}
	}
	e.counts[of] = count{c.messages + 1, at}
}

// Run tells the others what was heard, until ctx ends; then once more, and that this node has no endpoints any more.
func (e *Ears) Run(ctx context.Context) error {
	tick := time.NewTicker(flushed)
	defer tick.Stop()
	for failed := false; ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := e.flush(last, nil); err != nil {
				e.Log.Warn("what was heard in the last seconds is not counted", "error", err)
			}
			return nil
		case <-tick.C:
		}
		err := e.flush(ctx, e.Endpoints())
		if err != nil && !failed && ctx.Err() == nil {
			e.Log.Error("cannot tell other nodes what was heard; trying again", "error", err)
		}
		failed = err != nil
	}
}

// flush adds the counts to the table. Where that fails they are kept.
func (e *Ears) flush(ctx context.Context, endpoints map[string]bool) error {
	e.mu.Lock()
	counts := e.counts
	e.counts = nil
	e.mu.Unlock()
	at := e.Now()
	speak := !maps.Equal(endpoints, e.told) || at.Sub(e.toldAt) >= saidEvery
	err := e.DB.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := addHeard(tx, counts); err != nil || !speak {
			return err
		}
		states := map[string]string{}
		for name, up := range endpoints {
			states[name] = map[bool]string{true: "up", false: "down"}[up]
		}
		return tell(tx, e.Node, endpointFact, states)
	})
	if err != nil {
		e.keep(counts)
		return err
	}
	if speak {
		e.told, e.toldAt = endpoints, at
	}
	return nil
}

// keep takes counts back that could not be stored.
func (e *Ears) keep(counts map[pace.Subject]count) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = counts
		return
	}
	for of, c := range counts {
		if now, known := e.counts[of]; known {
			e.counts[of] = count{c.messages + now.messages, now.last}
		} else if len(e.counts) < mostHeard {
			e.counts[of] = c
		}
	}
}

func addHeard(tx *gorm.DB, counts map[pace.Subject]count) error {
	var rows []heardRow
	for of, c := range counts {
		rows = append(rows, heardRow{
			of.What, text.Storable(of.Under), text.Storable(of.Name), c.messages, c.last.UnixMicro(),
		})
	}
	if len(rows) == 0 {
		return nil
	}
	key := func(r heardRow) []string { return []string{r.What, r.Under, r.Name} }
	// in one order on all nodes, so that they cannot deadlock
	slices.SortFunc(rows, func(a, b heardRow) int { return slices.Compare(key(a), key(b)) })
	rows = slices.CompactFunc(rows, func(a, b heardRow) bool { return slices.Equal(key(a), key(b)) })
	more := clause.OnConflict{
		Columns: []clause.Column{{Name: "what"}, {Name: "under"}, {Name: "name"}},
		DoUpdates: clause.Assignments(map[string]any{
			"messages": gorm.Expr("heard.messages + excluded.messages"),
			"heard_at": gorm.Expr("greatest(heard.heard_at, excluded.heard_at)"),
		}),
	}
	return tx.Clauses(more).CreateInBatches(rows, 200).Error
}

// take hands a part of the table to heard, and deletes it there. It gives how many rows that was: mostHeard at most.
func (e *Ears) take(ctx context.Context, heard func(of pace.Subject, at time.Time, messages int)) (int, error) {
	var rows []heardRow
	err := e.DB.WithContext(ctx).Raw(`DELETE FROM heard WHERE (what, under, name) IN (SELECT what, under, name FROM heard
		ORDER BY what, under, name LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING *`, mostHeard).Scan(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("take what nodes have heard: %w", err)
	}
	for _, r := range rows {
		at := time.UnixMicro(min(r.HeardAt, e.Now().UnixMicro())).UTC() // clocks of nodes differ
		heard(pace.Subject{What: r.What, Under: r.Under, Name: r.Name}, at, int(r.Messages))
	}
	return len(rows), nil
}

// Gather takes what all nodes have heard, and hands it to heard. It gives the endpoints that some node runs, and
// whether one of them is connected to it. It is called by the node with the lease alone.
func (e *Ears) Gather(ctx context.Context, heard func(of pace.Subject, at time.Time, messages int)) (
	endpoints map[string]bool, err error) {
	for took := mostHeard; took == mostHeard; { // a stranger may make up more than that at a time
		if took, err = e.take(ctx, heard); err != nil {
			return nil, err
		}
	}
	all, err := facts(ctx, e.DB, endpointFact)
	if err != nil {
		return nil, err
	}
	endpoints = map[string]bool{}
	for _, f := range all {
		endpoints[f.Name] = endpoints[f.Name] || f.Value == "up" && f.Age < fresh
	}
	return endpoints, nil
}
