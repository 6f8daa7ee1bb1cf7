package main

import (
	"context"
	"fmt"

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

// refresh replaces the book when preferences or the catalogue's kinds have changed since it was made. It asks inside the transaction that will
// carry the deliveries, so a filter switched off takes effect with the next message.
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
	filters := make([]rulespec.Filter, 0, len(subscriptions))
	for _, s := range subscriptions {
		b.subscriptions[s.Filter.ID] = s
		filters = append(filters, s.Filter.Filter)
	}
	var broken []rules.Broken
	b.matcher, broken = rules.CompileIn(rulespec.Env{KnowsKind: meaning.knowsKind}, filters)
	for _, bad := range broken {
		r.log.Warn("a filter cannot be compiled and matches nothing", "filter", bad.Filter, "error", bad.Err)
	}
	r.metrics.filters(len(filters)-len(broken), len(broken))
	r.book = b
	return nil
}

// asDirectory keeps a nil snapshot a nil interface: no directory is configured.
func asDirectory(s *directory.Snapshot) rulespec.Directory {
	if s == nil {
		return nil
	}
	return s
}
