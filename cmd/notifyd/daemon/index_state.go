package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// An indexState is the index of all filters that are on, at one revision of the preferences, with a cache of the
// subscriptions of recently matched filters. The log of changes brings it to the next revision.
type indexState struct {
	revision  int64
	catalogue *catalogue.Catalogue // that KnowsKind was derived from
	kinds     string               // digest of its kinds
	index     *rules.Index
	broken    map[rulespec.FilterID]bool
	known     *prefs.Cache
	skipped   uint64 // searches of the index that the metrics have counted as skipped
}

// The bounds of the cache of subscriptions.
const (
	maxKnown      = 200_000
	maxKnownBytes = 64 << 20
)

// errBehind is the error when the log of changes does not reach back to the revision of the index.
var errBehind = errors.New("the log of changes does not reach back")

// load builds an index if there is none that fits. When the program starts it uses the snapshot. Otherwise it reads
// all filters in the store, page by page, outside of any transaction. A catalogue with other kinds requires another
// index, since it may break filters and mend them.
func (r *router) load(ctx context.Context) error {
	current := r.describer.load()
	if b := r.state; b != nil && b.fits(current.loaded) && !b.index.Stale() {
		return nil
	}
	r.state, r.found = nil, nil // two indexes at once would take twice the memory
	var b *indexState
	if !r.loadedOnce {
		b = r.snapshots.restore(ctx, current)
	}
	if b == nil {
		var err error
		if b, err = r.readAll(ctx, current); err != nil {
			return err
		}
	}
	b.known = prefs.NewCache(r.subscriptions, maxKnown, maxKnownBytes)
	r.state, r.loadedOnce = b, true
	select {
	case r.cold <- b.index:
	default: // an earlier index still waits to be warmed: this one stays cold
	}
	return nil
}

// fits reports whether the filters were compiled for the kinds of message that c has. A catalogue that only changes
// the texts of the same kinds breaks no filter and mends none.
func (b *indexState) fits(c *catalogue.Catalogue) bool {
	if b.catalogue != c && kindsOfCatalogue(c) == b.kinds {
		b.catalogue = c
	}
	return b.catalogue == c
}

// readAll builds an index of all filters in the store.
func (r *router) readAll(ctx context.Context, current *view) (*indexState, error) {
	start := r.now()
	revision, err := r.subscriptions.Revision(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read revision of preferences: %w", err)
	}
	b := &indexState{
		revision: revision, catalogue: current.loaded, kinds: kindsOfCatalogue(current.loaded),
		index: rules.NewIndex(current.env()), broken: map[rulespec.FilterID]bool{},
	}
	broken, err := b.index.Load(r.subscriptions.Stream(ctx))
	if err != nil {
		return nil, fmt.Errorf("read all filters: %w", err)
	}
	r.mark(b, broken)
	r.log.Info("read all filters", "filters", b.index.Len(), "broken", len(b.broken), "took",
		r.now().Sub(start).Round(time.Millisecond))
	return b, nil
}

// replaceAtOnce is the number of changed filters that are held at a time.
const replaceAtOnce = 4096

// sync brings the index up to the store's revision. It reads inside the transaction that will carry the deliveries,
// so a filter switched off takes effect with the next message. After errBehind the caller must build another index.
func (r *router) sync(ctx context.Context, tx *gorm.DB) error {
	revision, err := r.subscriptions.Revision(ctx, tx)
	if err != nil {
		return fmt.Errorf("read revision of preferences: %w", err)
	}
	b := r.state
	if revision != b.revision {
		ids, whole, err := r.subscriptions.Changes(tx, b.revision, revision)
		if err != nil {
			return err
		}
		if !whole {
			return errBehind
		}
		for part := range slices.Chunk(ids, replaceAtOnce) {
			if err := r.replace(tx, part); err != nil {
				return err
			}
		}
		b.revision = revision
	}
	r.metrics.filters(b.index.Len(), len(b.broken))
	return nil
}

// replace updates the filters to their state in tx.
func (r *router) replace(tx *gorm.DB, ids []rulespec.FilterID) error {
	filters, err := r.subscriptions.FiltersOn(tx, ids)
	if err != nil {
		return err
	}
	gone := make(map[rulespec.FilterID]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	changes := make([]rules.Change, 0, len(ids))
	for _, f := range filters {
		delete(gone, f.ID)
		changes = append(changes, rules.Change{Filter: f})
	}
	for id := range gone {
		changes = append(changes, rules.Change{Filter: rulespec.Filter{ID: id}, Gone: true})
	}
	r.state.known.Forget(ids)
	r.apply(r.state, changes)
	return nil
}

// maxBrokenLogged is the number of filters that cannot be compiled which are logged by name at once.
const maxBrokenLogged = 20

// apply puts changes into the index.
func (r *router) apply(b *indexState, changes []rules.Change) {
	for _, c := range changes {
		delete(b.broken, c.Filter.ID)
	}
	r.mark(b, b.index.Apply(changes...))
}

// mark records which filters cannot be compiled.
func (r *router) mark(b *indexState, broken []rules.Broken) {
	for _, bad := range broken {
		if b.broken[bad.Filter] = true; len(b.broken) <= maxBrokenLogged {
			r.log.Warn("a filter cannot be compiled and matches nothing", "filter", bad.Filter, "error", bad.Err)
		}
	}
}

// asDirectory turns a nil snapshot into a nil interface, which means that no directory is configured.
func asDirectory(s *directory.Snapshot) rulespec.Directory {
	if s == nil {
		return nil
	}
	return s
}
