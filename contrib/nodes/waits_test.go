package nodes_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// waits looks at what the nodes' sessions of PostgreSQL wait for, until stop is called, which says what they were seen
// at most often: by the event, for a lock with the statement, on average so many sessions at a time (pg_stat_activity).
func (w *world) waits() (stop func() string) {
	ctx, cancel := context.WithCancel(w.t.Context())
	db := w.database()
	seen, looks := map[string]int{}, 0
	var looking sync.WaitGroup
	looking.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if look(ctx, db, seen) == nil {
					looks++
				}
			}
		}
	})
	return func() string {
		cancel()
		looking.Wait()
		db.Close()
		most := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return cmp.Compare(seen[b], seen[a]) })
		var parts []string
		for _, event := range most[:min(8, len(most))] {
			parts = append(parts, fmt.Sprintf("%s %.2f", event, float64(seen[event])/float64(max(looks, 1))))
		}
		return strings.Join(parts, ", ")
	}
}

func look(ctx context.Context, db *sql.DB, seen map[string]int) error {
	rows, err := db.QueryContext(ctx, `SELECT coalesce(wait_event, 'at work') || CASE WHEN wait_event_type = 'Lock'
			THEN ' (' || left(regexp_replace(query, '\s+', ' ', 'g'), 60) || ')' ELSE '' END
		FROM pg_stat_activity WHERE datname = 'notifyd' AND state = 'active' AND pid <> pg_backend_pid()`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var event string
		if err := rows.Scan(&event); err != nil {
			return err
		}
		seen[event]++
	}
	return rows.Err()
}
