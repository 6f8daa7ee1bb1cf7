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

// A book is who wants to hear of what, ready to be asked: the index of all filters that are on, and of those that were hit
// of late what they reach. It follows the store by the log of changes.
type book struct {
	revision  int64
	catalogue *catalogue.Catalogue // that KnowsKind was made of
	kinds     string               // digest of its kinds
	index     *rules.Index
	broken    map[rulespec.FilterID]bool
	known     *prefs.Cache
	skipped   uint64 // searches of the index that the metrics have counted as skipped
}

// The bounds on what a book remembers of filters that were hit.
const (
	maxKnown      = 200_000
	maxKnownBytes = 64 << 20
)

// errBehind says that the log of changes does not reach back to the book's revision.
var errBehind = errors.New("the log of changes does not reach back")

// open makes a book where there is none that fits: when the program starts of the snapshot, and else of all filters in
// the store, page by page, outside of any transaction. A catalogue with other kinds makes another book, as it may break
// filters and mend them.
func (r *router) open(ctx context.Context) error {
	meaning := r.meaning.load()
	if b := r.book; b != nil && b.fits(meaning.loaded) && !b.index.Stale() {
		return nil
	}
	r.book, r.found = nil, nil // two at once would take twice the memory
	var b *book
	if !r.opened {
		b = r.snapshots.restore(ctx, meaning)
	}
	if b == nil {
		var err error
		if b, err = r.loadBook(ctx, meaning); err != nil {
			return err
		}
	}
	b.known = prefs.NewCache(r.subscriptions, maxKnown, maxKnownBytes)
	r.book, r.opened = b, true
	select {
	case r.fresh <- b.index:
	default: // nobody has taken the last one yet: this one stays cold
	}
	return nil
}

// fits says whether the book's filters were compiled for the kinds of message that c has. A catalogue that says other
// things of the same kinds breaks no filter and mends none.
func (b *book) fits(c *catalogue.Catalogue) bool {
	if b.catalogue != c && kindsOfCatalogue(c) == b.kinds {
		b.catalogue = c
	}
	return b.catalogue == c
}

// loadBook makes a book of what is in the store.
func (r *router) loadBook(ctx context.Context, meaning *reading) (*book, error) {
	start := r.now()
	revision, err := r.subscriptions.Revision(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read revision of preferences: %w", err)
	}
	b := &book{
		revision: revision, catalogue: meaning.loaded, kinds: kindsOfCatalogue(meaning.loaded),
		index: rules.NewIndex(rulespec.Env{KnowsKind: meaning.knowsKind}), broken: map[rulespec.FilterID]bool{},
	}
	broken, err := b.index.Load(r.subscriptions.Stream(ctx))
	if err != nil {
		return nil, fmt.Errorf("read all filters: %w", err)
	}
	r.mark(b, broken)
	r.log.Info("read all filters", "filters", b.index.Len(), "broken", len(b.broken), "took", r.now().Sub(start).Round(time.Millisecond))
	return b, nil
}

// replaceAtOnce is how many changed filters are held at a time.
const replaceAtOnce = 4096

// follow takes up what has changed in the store since the book's revision. It asks inside the transaction that will carry
// the deliveries, so a filter switched off takes effect with the next message. errBehind: only another book will do.
func (r *router) follow(ctx context.Context, tx *gorm.DB) error {
	revision, err := r.subscriptions.Revision(ctx, tx)
	if err != nil {
		return fmt.Errorf("read revision of preferences: %w", err)
	}
	b := r.book
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

// replace brings filters up to what they are in tx.
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
	r.book.known.Forget(ids)
	r.apply(r.book, changes)
	return nil
}

// maxBrokenLogged is how many filters that cannot be compiled are spoken of by name at once.
const maxBrokenLogged = 20

// apply puts changes into the index.
func (r *router) apply(b *book, changes []rules.Change) {
	for _, c := range changes {
		delete(b.broken, c.Filter.ID)
	}
	r.mark(b, b.index.Apply(changes...))
}

// mark remembers which filters cannot be compiled.
func (r *router) mark(b *book, broken []rules.Broken) {
	for _, bad := range broken {
		if b.broken[bad.Filter] = true; len(b.broken) <= maxBrokenLogged {
			r.log.Warn("a filter cannot be compiled and matches nothing", "filter", bad.Filter, "error", bad.Err)
		}
	}
}

// asDirectory keeps a nil snapshot a nil interface: no directory is configured.
func asDirectory(s *directory.Snapshot) rulespec.Directory {
	if s == nil {
		return nil
	}
	return s
}
