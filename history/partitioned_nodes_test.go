package history_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
)

// TestLongReaderHoldsNobodyUp reads in a transaction that stays open while a partition is to be dropped: appends and
// other readers go on, and the partition goes when the reader has ended.
func TestLongReaderHoldsNobodyUp(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		put(t, s, d, some("old", 10)...)
		if err := s.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(31 * day)
		put(t, s, d, some("new", 10)...)
		reader := d.Writer.WithContext(t.Context()).Begin()
		var n int
		if err := reader.Raw("SELECT count(*) FROM messages").Scan(&n).Error; err != nil || n != 20 {
			t.Fatal(n, err)
		}
		pruned := make(chan error, 1)
		go func() {
			_, err := s.Prune(t.Context(), history.Keep{Age: 30 * day})
			pruned <- err
		}()
		waits := func() (n int) {
			err := d.Reader.Raw("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'messages'::regclass").Scan(&n).Error
			if err != nil {
				t.Error(err)
			}
			return n
		}
		exectest.Eventually(t, 20*time.Second, "the drop waits", func() bool { return waits() > 0 })
		for i := range 20 {
			put(t, s, d, some(fmt.Sprint("beside-", i), 2)...)
			if _, err := s.Search(t.Context(), history.Query{User: "alice", Limit: 5}); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case err := <-pruned:
			t.Fatalf("it ended before the reader: %v", err)
		default:
		}
		if err := reader.Rollback().Error; err != nil {
			t.Fatal(err)
		}
		if err := <-pruned; err != nil {
			t.Fatal(err)
		}
		if all := parts(t, d, "messages"); slices.Contains(all, "messages_0") || rows(t, d, "messages") != 50 {
			t.Errorf("%d messages in %v", rows(t, d, "messages"), all)
		}
	})
}

// TestDropBesideAppendsAndReaders lets three nodes append the same messages, two begin and drop partitions, and readers
// read, all at once. Each message that is not too old is kept once and was new once, and whoever reads finds a message
// whole.
func TestDropBesideAppendsAndReaders(t *testing.T) {
	onPostgres(t, func(t *testing.T, _ *history.Store, d *migrations.DB, _ *time.Time) {
		var hours atomic.Int64 // that have gone by
		now := func() time.Time { return noon.Add(time.Duration(hours.Load()) * time.Hour) }
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		fresh := map[string]int{}
		var writing, beside sync.WaitGroup
		for node := range 3 {
			s := history.NewStore(d.Writer, d.Reader, now)
			writing.Go(func() {
				for n := range 60 {
					var outcomes []history.Outcome
					err := d.Writer.Transaction(func(tx *gorm.DB) (err error) {
						outcomes, err = s.Append(tx, some(fmt.Sprint("m-", (n*7+node*3)%60), 10))
						return err
					})
					if err != nil {
						t.Errorf("node %d: %v", node, err)
					}
					mu.Lock()
					for _, o := range outcomes {
						if o.New() {
							fresh[o.Event.ID]++
						}
					}
					mu.Unlock()
					hours.Add(1)
				}
			})
		}
		for range 2 {
			s := history.NewStore(d.Writer, d.Reader, now)
			beside.Go(func() {
				for ctx.Err() == nil {
					if _, err := s.Prune(t.Context(), history.Keep{Age: 48 * time.Hour}); err != nil {
						t.Errorf("prune: %v", err)
					}
				}
			})
			beside.Go(func() {
				for ctx.Err() == nil {
					found, err := s.Select(t.Context(), history.Selection{}, 0, 200)
					if err != nil {
						t.Errorf("select: %v", err)
					}
					if _, err := s.CountSelected(t.Context(), history.Selection{Users: anyOf("alice")}); err != nil {
						t.Errorf("count: %v", err)
					}
					for _, f := range found {
						if f.MsgID == "" {
							t.Error("a message without an id")
						}
					}
				}
			})
		}
		writing.Wait()
		stop()
		beside.Wait()
		var kept []string
		if err := d.Reader.Raw("SELECT msg_id FROM messages").Scan(&kept).Error; err != nil {
			t.Fatal(err)
		}
		slices.Sort(kept)
		if once := slices.Compact(slices.Clone(kept)); len(once) != len(kept) || len(kept) == 0 || len(fresh) != 600 {
			t.Errorf("%d messages with %d ids, of %d", len(kept), len(once), len(fresh))
		}
		if n := rows(t, d, "message_users"); n != len(kept) {
			t.Errorf("%d users of %d messages", n, len(kept))
		}
	})
}

// TestPartitionsByChance plays appends, copies, the passing of time and rounds of two nodes in any order, beside a
// model of what is kept: when each id was received.
func TestPartitionsByChance(t *testing.T) {
	const keep = 4 * day
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		nodes := []*history.Store{s, history.NewStore(d.Writer, d.Reader, func() time.Time { return *clock })}
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			received := map[string]time.Time{}
			pick := func() *history.Store { return nodes[rapid.IntRange(0, 1).Draw(r, "node")] }
			r.Repeat(map[string]func(*rapid.T){
				"append": func(r *rapid.T) {
					at, id := pick(), fmt.Sprintf("%d-%d", round, rapid.IntRange(0, 9).Draw(r, "id"))
					fresh := put(t, at, d, event(id, 1, "org.example.prod.git.receive", []string{"alice"}, nil))[0]
					was, known := received[id]
					age := clock.Sub(was)
					switch {
					case known && fresh && age <= keep:
						r.Fatalf("%s is new after %v", id, age)
					case (!known || age > keep+2*day) && !fresh:
						r.Fatalf("%s is known after %v", id, age)
					}
					if fresh {
						received[id] = *clock
					}
				},
				"pass": func(r *rapid.T) {
					*clock = clock.Add(time.Duration(rapid.IntRange(1, 30).Draw(r, "hours")) * time.Hour)
				},
				"turn":  func(r *rapid.T) { _ = pick().Turn(t.Context()) },
				"prune": func(r *rapid.T) { prunedWell(r, pick(), keep) },
				"": func(r *rapid.T) {
					prunedWell(r, nodes[0], keep)
					for id, when := range received {
						_, err := s.Get(t.Context(), id, readers.Sources{})
						if age := clock.Sub(when); err != nil && age <= keep || err == nil && age > keep+2*day {
							r.Fatalf("%s of age %v: %v", id, age, err)
						}
					}
				},
			})
		})
	})
}

func prunedWell(r *rapid.T, s *history.Store, keep time.Duration) {
	if _, err := s.Prune(r.Context(), history.Keep{Age: keep}); err != nil {
		r.Fatal(err)
	}
}
