package history

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history/readers"
)

// A sharing is a Store as a bus.Keeper, which gives the messages of some sources alone.
type sharing struct {
	*Store
	among func() readers.Sources
}

// Keeper gives messages of some sources to whoever has missed them.
func (s *Store) Keeper(among func() readers.Sources) bus.Keeper { return sharing{s, among} }

// Kept implements bus.Keeper.
func (k sharing) Kept(ctx context.Context, q bus.KeptQuery, limit int, bytes int64) ([]bus.Kept, error) {
	return k.keptAmong(ctx, q, k.among(), limit, bytes)
}

// Kept gives messages to whoever has missed them, by their ids in this history: a Store is a bus.Keeper. A message that
// the policy has marked, since nobody has proved it, is not given: who trusts us would trust it.
//
// Each kind of condition has an index of its own, and is asked for by itself. So an answer costs as much as it holds.
func (s *Store) Kept(ctx context.Context, q bus.KeptQuery, limit int, bytes int64) ([]bus.Kept, error) {
	return s.keptAmong(ctx, q, readers.Sources{}, limit, bytes)
}

func (s *Store) keptAmong(
	ctx context.Context, q bus.KeptQuery, among readers.Sources, limit int, bytes int64,
) ([]bus.Kept, error) {
	var kept []bus.Kept
	err := s.reader.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		ids, err := keptIDs(tx, q, among, limit)
		if err != nil {
			return err
		}
		if ids, err = within(tx, ids, bytes); err != nil {
			return err
		}
		records, err := load(tx, ids)
		for _, r := range records {
			kept = append(kept, bus.Kept{Number: r.ID, ID: r.MsgID, Time: r.Time, Payload: r.Payload})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read kept messages: %w", err)
	}
	return kept, nil
}

// keptIDs gives the first ids that q selects, ascending.
func keptIDs(tx *gorm.DB, q bus.KeptQuery, among readers.Sources, limit int) ([]int64, error) {
	var all []int64
	seen, sources := seen(among)
	ask := func(asked bool, order, condition string, values ...any) error {
		if !asked {
			return nil
		}
		var ids []int64
		err := tx.Raw("SELECT id FROM messages WHERE NOT marked AND "+condition+seen+" ORDER BY "+order+" LIMIT ?",
			append(append(values, sources...), limit)...).Scan(&ids).Error
		all = append(all, ids...)
		return err
	}
	var keys, common []string
	for _, id := range q.IDs {
		keys = append(keys, key(id))
		if id := bus.CommonID(id); id != "" {
			common = append(common, id)
		}
	}
	for _, err := range []error{
		ask(q.Last > 0, "id", "id BETWEEN ? AND ?", q.First, q.Last),
		ask(len(q.Numbers) > 0, "id", "id IN ?", q.Numbers),
		ask(len(keys) > 0, "id", idIn(tx), keys),
		ask(len(common) > 0, "id", commonIn(tx), common),
		ask(!q.Until.IsZero(), "sent_at, id", "sent_at BETWEEN ? AND ?", micro(q.Since), micro(q.Until)),
	} {
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), limit)], nil
}

func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// within cuts ids off where the bytes of their messages are used up.
func within(tx *gorm.DB, ids []int64, bytes int64) ([]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var sizes []struct{ ID, Size int64 }
	if err := tx.Raw("SELECT id, size FROM messages WHERE id IN ? ORDER BY id", ids).Scan(&sizes).Error; err != nil {
		return nil, err
	}
	var fit []int64
	for _, m := range sizes {
		if bytes <= 0 {
			break
		}
		fit, bytes = append(fit, m.ID), bytes-m.Size
	}
	return fit, nil
}

// Seen returns those of ids, on the bus, whose messages are among the sources. A message that is not there any more is
// not: nobody can tell.
func (s *Store) Seen(tx *gorm.DB, ids []string, among readers.Sources) (map[string]bool, error) {
	seen := map[string]bool{}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = key(id)
	}
	var rows []messageRow
	if err := tx.Select("msg_id", "source").Where(idIn(tx), keys).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read whose messages they are: %w", err)
	}
	sources := map[string]string{}
	for _, r := range rows {
		sources[r.MsgID] = r.Source
	}
	for i, id := range ids {
		source, there := sources[keys[i]]
		seen[id] = there && among.Has(source)
	}
	return seen, nil
}
