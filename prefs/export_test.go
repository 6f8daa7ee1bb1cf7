package prefs

import (
	"context"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/rulespec"
)

// Prune is one round of Run.
func (s *Store) Prune(ctx context.Context) error { return s.prune(ctx) }

// Write runs f in a transaction.
func (s *Store) Write(ctx context.Context, f func(tx *gorm.DB) error) error {
	return s.core.write(ctx, "test", f)
}

// Load reads the same subscriptions as a Cache, without a Cache.
func (s *Subscriptions) Load(tx *gorm.DB, ids []rulespec.FilterID) ([]*Subscription, error) {
	return s.load(tx, ids)
}
