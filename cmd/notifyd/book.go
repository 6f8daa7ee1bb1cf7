package main

import (
	"context"
	"fmt"
	"reflect"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A book is who wants to hear of what, ready to be asked: the matcher and the subscriptions it was made of belong
// together and are replaced together.
type book struct {
	revision      int64
	catalogue     *catalogue.Catalogue // that KnowsKind was made of
	matcher       *rules.Matcher
	subscriptions map[rulespec.FilterID]prefs.Subscription
}

// refresh replaces the book when preferences or the catalogue's kinds have changed since it was made; the matcher takes
// only the changes when the kinds are the same. It asks inside the transaction that will carry the deliveries, so a filter
// switched off takes effect with the next message.
func (r *router) refresh(ctx context.Context, tx *gorm.DB) error {
	meaning := r.meaning.load()
	revision, err := r.prefs.Revision(ctx, tx)
	if err != nil {
		return fmt.Errorf("read revision of preferences: %w", err)
	}
	if r.book != nil && r.book.revision == revision && r.book.catalogue == meaning.loaded {
		return nil
	}
	subscriptions, err := r.prefs.Subscriptions(ctx)
	if err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	b := &book{revision: revision, catalogue: meaning.loaded, subscriptions: make(map[rulespec.FilterID]prefs.Subscription, len(subscriptions))}
	for _, s := range subscriptions {
		b.subscriptions[s.Filter.ID] = s
	}
	old := r.book
	if old == nil || old.catalogue != meaning.loaded {
		old = &book{}
		old.matcher, _ = rules.CompileIn(rulespec.Env{KnowsKind: meaning.knowsKind}, nil)
	}
	b.matcher = old.matcher
	for _, bad := range b.matcher.Apply(changes(old.subscriptions, subscriptions)...) {
		r.log.Warn("a filter cannot be compiled and matches nothing", "filter", bad.Filter, "error", bad.Err)
	}
	whole := b.matcher.Len()
	r.metrics.filters(whole, len(subscriptions)-whole)
	r.book = b
	return nil
}

// changes gives what makes a matcher of old subscriptions one of new ones: of most people nothing has changed.
func changes(old map[rulespec.FilterID]prefs.Subscription, now []prefs.Subscription) []rules.Change {
	var list []rules.Change
	seen := make(map[rulespec.FilterID]bool, len(now))
	for _, s := range now {
		seen[s.Filter.ID] = true
		if was, known := old[s.Filter.ID]; !known || !reflect.DeepEqual(was.Filter.Filter, s.Filter.Filter) {
			list = append(list, rules.Change{Filter: s.Filter.Filter})
		}
	}
	for id, s := range old {
		if !seen[id] {
			list = append(list, rules.Change{Filter: s.Filter.Filter, Gone: true})
		}
	}
	return list
}

// asDirectory keeps a nil snapshot a nil interface: no directory is configured.
func asDirectory(s *directory.Snapshot) rulespec.Directory {
	if s == nil {
		return nil
	}
	return s
}
