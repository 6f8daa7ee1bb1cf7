package holes

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
	"github.com/notifyd/notifyd/history"
)

// restore.go takes up where sources stood: at a start, and when a node begins with a source that another one had.

// Restore reads where the sources stood when somebody listened to them last, of those that ours picks. Whatever was
// sent since then may be missing: that is a hole, where something can fill it. It is stored before the first message
// moves the source on. A source that is not there yet has its hole when it comes, by its first message
// (bus.Frame.Resumed) or by Reconnected. What was known of these sources before is forgotten: another node may have
// listened in between.
func (h *Tracker) Restore(ctx context.Context, db *gorm.DB, ours func(source string) bool, there []string) error {
	places, err := h.Store.Places(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(ours)
	var opened []history.Place
	for _, p := range places {
		if !ours(p.Source) {
			continue
		}
		s := h.of(p.Source)
		s.gaps.Restore(p.Positions)
		for _, hole := range p.Holes {
			s.gaps.Add(hole)
			s.stored[hole.Number] = rowOf(hole)
		}
		hole := s.interruption(h.Now())
		if hole == nil || !h.Fillable(p.Source) || !slices.Contains(there, p.Source) {
			continue
		}
		h.Log.Info("messages may be missing", "source", p.Source, "since", hole.Since)
		s.saving = history.Place{Source: p.Source, Holes: []bus.Hole{*s.gaps.Add(*hole)}}
		opened = append(opened, s.saving)
		s.noteStored()
	}
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return h.Store.SavePlaces(tx, opened) })
}

// Leave forgets the sources that ours picks: another node listens to them now, and fills their holes. The rows stay,
// also where messages follow that were received before and could not be stored.
func (h *Tracker) Leave(ours func(source string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(ours)
	for name, s := range h.sources {
		s.away = s.away || ours(name)
	}
}

// forget forgets sources. Their fillers stay, and find no hole. The caller holds mu.
func (h *Tracker) forget(ours func(source string) bool) {
	for name, s := range h.sources {
		if ours(name) {
			s.gaps, s.saving, s.away = gaps.New(maxPublishers), history.Place{}, false
			clear(s.moved)
			clear(s.stored)
		}
	}
}
