package directories

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/backoff"
)

// An entry is a source, and what is known of it.
type entry struct {
	directory.Config
	name  string
	local bool
	wake  chan struct{} // has room for one: fetch now
	again chan struct{} // has room for one: see when it is due
	tried chan struct{} // closed when it has a value, or was tried

	mu    sync.Mutex
	known known
	stale bool // it is known to have changed: fetch soon
}

// known is what a source said, and when. It is what a row of the table holds.
type known struct {
	facts   *directory.Facts // the last good; nil: none yet
	digest  string           // of facts
	fetched time.Time        // when the fetch began that gave facts, or found them unchanged
	tried   time.Time        // when the last fetch ended
	failed  int64            // fetches in a row
	problem string           // of the last one
	accept  bool             // the next one is taken even if it holds much less
	// unstored says that the database did not take facts.
	unstored bool
}

func newEntry(name string, config directory.Config, local bool) *entry {
	return &entry{Config: config, name: name, local: local, wake: make(chan struct{}, 1),
		again: make(chan struct{}, 1), tried: make(chan struct{})}
}

func (e *entry) load() known {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.known
}

// set puts what is known in place of what was.
func (e *entry) set(k known) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stale = e.stale && !k.tried.After(e.known.tried)
	e.known = k
}

// recheck makes the source be fetched soon, but not more often than it can bear.
func (e *entry) recheck() {
	e.mu.Lock()
	e.stale = true
	e.mu.Unlock()
	select {
	case e.again <- struct{}{}:
	default:
	}
}

// settle says that the source has a value, or was tried. Call it when the snapshot has the value.
func (e *entry) settle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known.facts == nil && e.known.tried.IsZero() {
		return
	}
	select {
	case <-e.tried:
	default:
		close(e.tried)
	}
}

// soon makes the source be fetched at once.
func (e *entry) soon() {
	select {
	case e.wake <- struct{}{}:
	default: // it will be
	}
}

// fewest is the least time between two fetches of a source that is known to have changed.
const fewest = 5 * time.Minute

// firstRetry is the pause after a first failure.
const firstRetry = time.Minute

// due returns how long to wait before the next fetch: the interval, spread a little so that many sites do not ask at
// one moment, or a growing pause while it fails.
func (e *entry) due(now time.Time, random func() float64) time.Duration {
	k := e.load()
	if k.tried.IsZero() {
		return 0
	}
	pause := e.Every - time.Duration(random()*float64(e.Every)/10)
	e.mu.Lock()
	if e.stale {
		pause = min(pause, max(fewest, e.Every/12))
	}
	e.mu.Unlock()
	if k.failed > 0 {
		pause = backoff.Delay(min(firstRetry, e.Every), e.Every, k.failed, random)
	}
	return min(max(k.tried.Add(pause).Sub(now), 0), e.Every) // a clock that was wrong does not stop it
}

// keep fetches from a source whenever it is due, until ctx ends.
func (d *Directories) keep(ctx context.Context, e *entry) {
	for {
		timer := time.NewTimer(e.due(d.Now(), d.Random))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.again:
			timer.Stop()
			continue
		case <-e.wake:
			timer.Stop()
		case <-timer.C:
		}
		d.fetch(ctx, e)
	}
}

// fetch asks a source once, and keeps what it says.
func (d *Directories) fetch(ctx context.Context, e *entry) {
	before := e.load()
	next := before
	next.fetched = d.Now()
	limit, cancel := context.WithTimeout(ctx, e.Within)
	facts, err := fetchSafely(limit, e.Source, before.facts)
	cancel()
	if ctx.Err() != nil {
		return // it was stopped, and says nothing of the source
	}
	if err == nil && facts != before.facts && !before.accept && !e.local {
		err = sane(before.facts, facts, e.Shrink)
	}
	if err == nil && same(before.facts, facts) {
		facts = before.facts // a source that cannot say so itself
	}
	next.tried = d.Now()
	if err != nil {
		next.fetched, next.problem = before.fetched, err.Error()
		next.failed++
		d.tell(e.name, before, next)
		d.keepStored(ctx, e, before, next)
		e.settle()
		return
	}
	next.facts, next.failed, next.problem, next.accept = facts, 0, "", false
	d.tell(e.name, before, next)
	d.keepStored(ctx, e, before, next)
	if next.facts != before.facts {
		d.renew()
	} else { // that it still says so may confirm hints
		d.mu.Lock()
		d.overlay()
		d.mu.Unlock()
	}
	e.settle()
}

// same reports whether two values of a source say the same.
func same(a, b *directory.Facts) bool {
	if a == nil || b == nil || a == b || a.Counts() != b.Counts() {
		return a == b
	}
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// tell logs a first failure, another problem than before, and the end of it.
func (d *Directories) tell(name string, before, next known) {
	switch {
	case next.problem != "" && next.problem != before.problem:
		d.Log.Error("a source of the directory cannot be used; what it said last stays", "source", name,
			"error", next.problem, "last_good", next.fetched)
	case next.problem == "" && before.problem != "":
		d.Log.Info("a source of the directory can be used again", "source", name)
	}
	if next.problem == "" && next.facts != before.facts {
		d.Log.Info("directory fetched", append([]any{"source", name}, figures(next.facts)...)...)
	}
}

// figures are what the log says of facts: how much of each part that the source speaks of, and its notes.
func figures(f *directory.Facts) (all []any) {
	c := f.Counts()
	for _, part := range []struct {
		name string
		n    int
	}{{"people", c.People}, {"groups", c.Groups}, {"packages", c.Packages}, {"accounts", c.Accounts}} {
		if part.n >= 0 {
			all = append(all, part.name, part.n)
		}
	}
	if len(f.Notes) > 0 {
		all = append(all, "notes", f.Notes)
	}
	return all
}

// fetchSafely calls Fetch. A panic of a source is a failure of that source.
func fetchSafely(ctx context.Context, s directory.Source, last *directory.Facts) (f *directory.Facts, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("bug: %v\n%s", r, debug.Stack())
		}
	}()
	f, err = s.Fetch(ctx, last)
	if err == nil && f == nil {
		return nil, fmt.Errorf("bug: a source returned nothing")
	}
	return f, err
}
