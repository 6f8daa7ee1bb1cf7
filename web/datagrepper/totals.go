package datagrepper

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/notifyd/notifyd/history"
)

// What takes long to count is kept for a while: whoever reads page after page asks for the same total with each.
const (
	slowTotal   = 100 * time.Millisecond
	totalIsGood = time.Minute
	mostTotals  = 1000
)

// totals are counts that took long.
type totals struct {
	slow time.Duration
	now  func() time.Time
	mu   sync.Mutex
	kept map[selectionSum]total
}

// A selectionSum is the sum of a selection in JSON, which itself may be long.
type selectionSum [sha256.Size]byte

type total struct {
	n     int64
	until time.Time
}

func newTotals(now func() time.Time) *totals {
	return &totals{slow: slowTotal, now: now, kept: map[selectionSum]total{}}
}

// count counts what a selection selects, or gives what was counted lately.
func (t *totals) count(ctx context.Context, store *history.Store, sel history.Selection) (int64, error) {
	sel.OldestFirst = false
	text, err := json.Marshal(sel)
	if err != nil {
		return 0, err
	}
	id := selectionSum(sha256.Sum256(text))
	if n, known := t.known(id); known {
		return n, nil
	}
	begun := time.Now()
	n, err := store.CountSelected(ctx, sel)
	if err == nil && time.Since(begun) >= t.slow {
		t.keep(id, n)
	}
	return n, err
}

func (t *totals) known(id selectionSum) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, known := t.kept[id]
	return one.n, known && t.now().Before(one.until)
}

func (t *totals) keep(id selectionSum, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) >= mostTotals {
		clear(t.kept)
	}
	t.kept[id] = total{n, t.now().Add(totalIsGood)}
}
