package datagrepper

import (
	"context"
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
	kept map[string]total // by the selection, in JSON
}

type total struct {
	n     int64
	until time.Time
}

func newTotals(now func() time.Time) *totals {
	return &totals{slow: slowTotal, now: now, kept: map[string]total{}}
}

// count counts what a selection selects, or gives what was counted lately.
func (t *totals) count(ctx context.Context, store *history.Store, sel history.Selection) (int64, error) {
	sel.OldestFirst = false
	id, err := json.Marshal(sel)
	if err != nil {
		return 0, err
	}
	if n, known := t.known(string(id)); known {
		return n, nil
	}
	begun := time.Now()
	n, err := store.CountSelected(ctx, sel)
	if err == nil && time.Since(begun) >= t.slow {
		t.keep(string(id), n)
	}
	return n, err
}

func (t *totals) known(id string) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one, known := t.kept[id]
	return one.n, known && t.now().Before(one.until)
}

func (t *totals) keep(id string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) >= mostTotals {
		clear(t.kept)
	}
	t.kept[id] = total{n, t.now().Add(totalIsGood)}
}
