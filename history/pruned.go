package history

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history/retention"
)

// Why messages were deleted.
const (
	byAge  = "age"
	bySize = "bytes"
)

// delete deletes messages, with their users and packages, and returns their number. Each part is a
// transaction of its own, so that others can write between two. On PostgreSQL it leaves those that another transaction
// is working on.
func (s *Store) delete(ctx context.Context, keep Keep, why string, doomed []agingRow) (deleted int64, err error) {
	for part := range slices.Chunk(doomed, pruned) {
		ids := make([]int64, len(part))
		for i, m := range part {
			ids[i] = m.ID
		}
		var gone []int64
		err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
			if gone, err = deleteMessages(tx, ids); err != nil {
				return err
			}
			return countLost(tx, gone)
		})
		if err != nil {
			return deleted, err
		}
		slices.Sort(gone)
		for _, m := range part {
			if _, ok := slices.BinarySearch(gone, m.ID); ok {
				s.forget(keep, why, m)
			}
		}
		deleted += int64(len(gone))
	}
	return deleted, nil
}

// forget takes a message that was deleted out of all that is counted.
func (s *Store) forget(keep Keep, why string, m agingRow) {
	rule := keep.Rules.Which(m.Source, m.Kind, m.Topic)
	s.usage.remove(m.Source, m.Size)
	s.tally.remove(keep.Rules, rule, m)
	s.pruned.add(keep.Rules, rule, why, 1, m.Size)
	s.deleted.Add(1)
	s.freed.Add(m.Size)
}

// Pruned is what was deleted of the messages that one rule decides of, for one reason, since the start.
type Pruned struct {
	Rule            string // what the rule fits; "": no rule decides
	Why             string // "age" or "bytes"
	Messages, Bytes int64
}

type prunedCounts struct {
	mu    sync.Mutex
	found map[[2]string]Pruned
}

func (p *prunedCounts) add(rules *retention.Rules, rule int, why string, messages, bytes int64) {
	name := ""
	if rule >= 0 {
		name = rules.At(rule).String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		p.found = map[[2]string]Pruned{}
	}
	n := p.found[[2]string{name, why}]
	p.found[[2]string{name, why}] = Pruned{name, why, n.Messages + messages, n.Bytes + bytes}
}

// Pruned gives what was deleted since the start, by rule and reason.
func (s *Store) Pruned() []Pruned { return s.pruned.sorted() }

func (p *prunedCounts) sorted() []Pruned {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.found), func(a, b Pruned) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Why, b.Why))
	})
}

// A foresight goes through what a round would delete, and only counts.
type foresight struct {
	*keeper
	counts  prunedCounts
	usage   usage              // as it would be
	trimmed map[int64]struct{} // by a rule's bytes
	dropped int64              // messages with a smaller id go with their partitions
}

// Foresee says what a round of Run with this Keep would delete now, by rule and reason. It deletes nothing.
func (s *Store) Foresee(ctx context.Context, keep Keep) ([]Pruned, error) {
	if err := s.usage.read(func() (map[string]int64, error) { return s.sums(ctx) }); err != nil {
		return nil, fmt.Errorf("read size of history: %w", err)
	}
	f := &foresight{keeper: newKeeper(s, keep, &tally{}), trimmed: map[int64]struct{}{}}
	f.usage.source = s.BySource()
	for _, n := range f.usage.source {
		f.usage.total += n
	}
	f.remove, f.slack = f.note, 0 // see stays
	var err error
	if f.dropped, err = s.wouldDrop(ctx, keep); err != nil {
		return nil, fmt.Errorf("foresee what is pruned: %w", err)
	}
	for _, step := range []func(context.Context) error{f.expire, f.trim, f.shrink} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("foresee what is pruned: %w", err)
		}
	}
	return f.counts.sorted(), nil
}

// stays reports whether a message is too old, but goes with its partition at a later time.
func (f *foresight) stays(m agingRow) bool {
	late := f.keep.Age + f.s.slack(f.keep)
	return m.ID >= f.dropped && f.ageOf(m) == f.keep.Age && m.ReceivedAt >= f.s.now().Add(-late).UnixMicro()
}

// note is the remove of a foresight.
func (f *foresight) note(_ context.Context, why string, doomed []agingRow) (int64, error) {
	for _, m := range doomed {
		if why == byAge && f.stays(m) {
			continue
		}
		f.counts.add(f.keep.Rules, f.which(m), why, 1, m.Size)
		f.usage.remove(m.Source, m.Size)
		if why == bySize {
			f.trimmed[m.ID] = struct{}{}
		}
	}
	return int64(len(doomed)), nil
}

// shrink counts what goes by the bounds that hold for all.
func (f *foresight) shrink(ctx context.Context) error {
	after, spare := map[string]place{}, map[string]bool{}
	for source := range f.usage.source {
		spare[source] = f.keep.spares()
	}
	for {
		over, found := f.usage.excess(f.keep)
		if !found {
			return nil
		}
		rows, err := f.s.next(ctx, stream{"source", over.source}, after[over.source], unbounded, walked)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if over.bytes <= 0 {
				break
			}
			after[over.source] = m.place()
			_, gone := f.trimmed[m.ID]
			if gone || f.due(m) || spare[over.source] && f.ageOf(m) > f.keep.age(-1) {
				continue
			}
			over.bytes -= m.Size
			if _, err := f.note(ctx, bySize, []agingRow{m}); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			if !spare[over.source] {
				return nil
			}
			spare[over.source], after[over.source] = false, place{}
		}
	}
}
