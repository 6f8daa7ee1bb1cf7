package history

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/notifyd/notifyd/history/retention"
)

// tally.go deletes what a rule has too many bytes of. What each such rule decides of is counted once by the indexes
// that lead to it; then each new message is looked at once, in the order of ids.

// A tally is how many bytes each rule with a bound decides of.
type tally struct {
	mu      sync.Mutex
	rules   *retention.Rules // nil: not counted yet
	bytes   map[int]int64    // by the place of the rule
	through int64            // messages up to this id are counted
	at      time.Time        // when all was counted
}

// remove takes out a message that was deleted.
func (t *tally) remove(rules *retention.Rules, rule int, m agingRow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rule < 0 || t.rules != rules || m.ID > t.through {
		return
	}
	if _, counted := t.bytes[rule]; counted {
		t.bytes[rule] -= m.Size
	}
}

func (t *tally) of(rule int) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bytes[rule]
}

// drop makes the next round count all anew.
func (t *tally) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rules = nil
}

// recount is after which time all is counted anew: other nodes delete too.
const recount = time.Hour

// count brings the tally up to date.
func (k *keeper) count(ctx context.Context) error {
	t := k.tally
	through, err := k.s.Settled(ctx)
	if err != nil {
		return err
	}
	if t.rules == k.keep.Rules && k.s.now().Sub(t.at) < recount {
		return k.countNew(ctx, through)
	}
	t.mu.Lock()
	t.rules, t.through, t.at, t.bytes = k.keep.Rules, through, k.s.now(), map[int]int64{}
	t.mu.Unlock()
	for _, rule := range k.bounded() {
		sum := int64(0)
		err := k.streamsOf(ctx, rule, func(of stream) error {
			return k.eachOf(ctx, of, func(m agingRow) {
				if m.ID <= through && k.which(m) == rule && !k.due(m) {
					sum += m.Size
				}
			})
		})
		if err != nil {
			t.drop()
			return err
		}
		t.mu.Lock()
		t.bytes[rule] += sum
		t.mu.Unlock()
	}
	return nil
}

// countNew adds what came since the last time.
func (k *keeper) countNew(ctx context.Context, through int64) error {
	t := k.tally
	for t.through < through {
		var found []agingRow
		err := k.s.reader.WithContext(ctx).Raw("SELECT id, size, source, kind, topic FROM messages WHERE id > ? AND id <= ?"+
			" ORDER BY id LIMIT ?", t.through, through, walked).Scan(&found).Error
		if err != nil {
			return err
		}
		t.mu.Lock()
		for _, m := range found {
			if rule := k.which(m); rule >= 0 && k.keep.Rules.At(rule).Bytes > 0 {
				t.bytes[rule] += m.Size
			}
			t.through = m.ID
		}
		if len(found) < walked {
			t.through = through
		}
		t.mu.Unlock()
	}
	return nil
}

func (k *keeper) which(m agingRow) int { return k.keep.Rules.Which(m.Source, m.Kind, m.Topic) }

// bounded gives the places of the rules that bound bytes.
func (k *keeper) bounded() []int {
	var rules []int
	for i := range k.keep.Rules.Len() {
		if k.keep.Rules.At(i).Bytes > 0 {
			rules = append(rules, i)
		}
	}
	return rules
}

// eachOf calls do with each message of a stream.
func (k *keeper) eachOf(ctx context.Context, of stream, do func(agingRow)) error {
	for after := (place{}); ; {
		found, err := k.s.next(ctx, of, after, unbounded, walked)
		if err != nil {
			return err
		}
		for _, m := range found {
			do(m)
			after = m.place()
		}
		if len(found) < walked {
			return nil
		}
	}
}

// trim deletes the oldest messages of each rule that has more bytes than it may.
func (k *keeper) trim(ctx context.Context) error {
	rules := k.bounded()
	if len(rules) == 0 {
		return nil
	}
	if err := k.count(ctx); err != nil {
		return err
	}
	for _, rule := range rules {
		if err := k.trimRule(ctx, rule, k.tally.of(rule)-k.keep.Rules.At(rule).Bytes); err != nil {
			return err
		}
	}
	return nil
}

// trimRule deletes the oldest messages of a rule, of so many bytes together.
func (k *keeper) trimRule(ctx context.Context, rule int, bytes int64) error {
	if bytes <= 0 {
		return nil
	}
	var heads heads
	err := k.streamsOf(ctx, rule, func(of stream) error {
		h := &head{of: of, few: 1}
		more, err := k.ahead(ctx, rule, h)
		if more {
			heads = append(heads, h)
		}
		return err
	})
	if err != nil {
		return err
	}
	heap.Init(&heads)
	var doomed []agingRow
	for bytes > 0 && len(heads) > 0 {
		h := heads[0]
		doomed, bytes, h.read = append(doomed, h.read[0]), bytes-h.read[0].Size, h.read[1:]
		more, err := k.ahead(ctx, rule, h)
		switch {
		case err != nil:
			return err
		case more:
			heap.Fix(&heads, 0)
		default:
			heap.Pop(&heads)
		}
		if len(doomed) == pruned || bytes <= 0 || len(heads) == 0 {
			if all, err := k.take(ctx, bySize, doomed); err != nil || !all {
				return err
			}
			doomed = doomed[:0]
		}
	}
	return nil
}

// ahead makes sure that the next message of a stream is read that a rule decides of, and is not too old anyway. It
// reports whether there is one.
func (k *keeper) ahead(ctx context.Context, rule int, h *head) (bool, error) {
	for len(h.read) == 0 && !h.end {
		found, err := k.s.next(ctx, h.of, h.after, unbounded, h.few)
		if err != nil {
			return false, err
		}
		h.end, h.few = len(found) < h.few, min(2*h.few, walked)
		for _, m := range found {
			h.after = m.place()
			if k.which(m) == rule && !k.due(m) {
				h.read = append(h.read, m)
			}
		}
	}
	return len(h.read) > 0, nil
}

// A head is the next messages of a stream, of which few are read at a time, at first.
type head struct {
	of    stream
	after place
	few   int
	read  []agingRow
	end   bool
}

// heads are a heap by the time of the next message.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].read[0].At < h[j].read[0].At }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
