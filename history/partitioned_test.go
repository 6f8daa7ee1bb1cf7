package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/retention"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// onPostgres runs a test that needs partitions. The clock is that of the store; it may be moved while nothing runs.
func onPostgres(t *testing.T, f func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time)) {
	t.Helper()
	d := migratest.Open(t, migratest.Postgres(t))
	clock := noon
	f(t, history.NewStore(d.Writer, d.Reader, func() time.Time { return clock }), d, &clock)
}

// some makes n events with ids of a prefix.
func some(prefix string, n int) (events []*catalogue.Event) {
	for i := range n {
		events = append(events, event(fmt.Sprintf("%s-%d", prefix, i), i, "org.example.prod.git.receive", []string{"alice"},
			[]string{"bash"}))
	}
	return events
}

// rows counts those of a table.
func rows(t *testing.T, d *migrations.DB, table string) (n int) {
	t.Helper()
	if err := d.Reader.Raw("SELECT count(*) FROM " + table).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// parts gives the names of the partitions of a table, in order.
func parts(t *testing.T, d *migrations.DB, table string) (names []string) {
	t.Helper()
	err := d.Reader.Raw("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ?::regclass"+
		" ORDER BY length(inhrelid::regclass::text), 1", table).Scan(&names).Error
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var tables = []string{"messages", "message_facts", "message_users", "message_packages"}

// TestAgeGoesByPartitions lets four months go by, with a few messages a day. All are kept for as long as they are to
// be, and none for much longer.
func TestAgeGoesByPartitions(t *testing.T) {
	const days = 120
	for _, c := range []struct {
		keep, most time.Duration
		parts      int
	}{
		{30 * day, 34 * day, 13}, {2 * day, 3*day + 6*time.Hour, 5}, {47 * time.Hour, 47 * time.Hour, 2},
		{90 * day, 102 * day, 13},
	} {
		t.Run(c.keep.String(), func(t *testing.T) {
			onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
				for n := range days {
					*clock = clock.Add(day)
					put(t, s, d, some(fmt.Sprint("day-", n), 3)...)
					if _, err := s.Prune(t.Context(), history.Keep{Age: c.keep}); err != nil {
						t.Fatal(err)
					}
					want := 3 * min(n+1, int(c.keep/day)+1)
					kept, most := rows(t, d, "messages"), 3*(int(c.most/day)+2)
					if kept < want || kept > most || len(parts(t, d, "messages")) > c.parts {
						t.Fatalf("day %d: %d messages are kept, want %d to %d, in %v", n, kept, want, most, parts(t, d, "messages"))
					}
				}
				for _, table := range append(tables, "message_ids") {
					if n := rows(t, d, table); n != rows(t, d, "messages") {
						t.Errorf("%d rows of %s, of %d messages", n, table, rows(t, d, "messages"))
					}
				}
				if got := put(t, s, d, some("day-0", 3)...); slices.Contains(got, false) {
					t.Errorf("what has gone and comes again is new: %v", got)
				}
				if got := put(t, s, d, some(fmt.Sprint("day-", days-1), 3)...); slices.Contains(got, true) {
					t.Errorf("what is kept is new: %v", got)
				}
			})
		})
	}
}

// TestWidePartition: what is older than a partition may be goes row by row, out of a partition from before this
// version.
func TestWidePartition(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		for n := range 100 {
			*clock = clock.Add(day)
			put(t, s, d, some(fmt.Sprint("day-", n), 3)...)
		}
		if n, err := s.Prune(t.Context(), history.Keep{Age: 30 * day}); err != nil || n != 3*66 {
			t.Errorf("%d messages are gone, %v", n, err)
		}
		for _, table := range append(tables, "message_ids") {
			if n := rows(t, d, table); n != 3*34 {
				t.Errorf("%d rows of %s", n, table)
			}
		}
	})
}

// TestNoPartitionAhead appends on several nodes at once where nobody has made a partition.
func TestNoPartitionAhead(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		put(t, s, d, some("a", 5)...)
		if err := d.Writer.Exec("SELECT setval('messages_id_seq', 799999990)").Error; err != nil {
			t.Fatal(err)
		}
		var nodes sync.WaitGroup
		for node := range 6 {
			nodes.Go(func() {
				at := history.NewStore(d.Writer, d.Reader, func() time.Time { return *clock })
				for n := range 5 {
					err := d.Writer.Transaction(func(tx *gorm.DB) error {
						_, err := at.Append(tx, some(fmt.Sprint(node, n), 7))
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		nodes.Wait()
		if n, all := rows(t, d, "messages"), parts(t, d, "messages"); n != 5+6*5*7 ||
			!slices.Equal(all, []string{"messages_0", "messages_7", "messages_8"}) {
			t.Errorf("%d messages in %v", n, all)
		}
	})
}

// TestPartitionOfAFailedTransaction: a partition that a transaction makes goes with it, and the next one makes it anew.
func TestPartitionOfAFailedTransaction(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, _ *time.Time) {
		if err := d.Writer.Exec("SELECT setval('messages_id_seq', 500000000)").Error; err != nil {
			t.Fatal(err)
		}
		_ = d.Writer.Transaction(func(tx *gorm.DB) error {
			for n := range 2 {
				if _, err := s.Append(tx, some(fmt.Sprint(n), 3)); err != nil {
					t.Fatal(err)
				}
			}
			return context.Canceled
		})
		append3 := func() error {
			return d.Writer.Transaction(func(tx *gorm.DB) error {
				_, err := s.Append(tx, some("x", 3))
				return err
			})
		}
		if append3() != nil { // it believes in the partition
			if err := append3(); err != nil {
				t.Errorf("the second try: %v", err)
			}
		}
		if n := rows(t, d, "messages"); n != 3 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestBeginThatFailed: the next id is set to a partition whose transaction then failed, as in a failover: a sequence
// does not go back. The next round makes it, and that after it.
func TestBeginThatFailed(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, _ *time.Time) {
		put(t, s, d, some("a", 3)...)
		if err := d.Writer.Exec("SELECT setval('messages_id_seq', 200000000, false)").Error; err != nil {
			t.Fatal(err)
		}
		if _, err := s.Prune(t.Context(), history.Keep{Age: 30 * day}); err != nil {
			t.Fatal(err)
		}
		want := []string{"messages_0", "messages_2", "messages_3"}
		if all := parts(t, d, "messages"); !slices.Equal(all, want) {
			t.Errorf("%v, want %v", all, want)
		}
		if got := put(t, s, d, some("b", 3)...); slices.Contains(got, false) || rows(t, d, "messages") != 6 {
			t.Errorf("new %v, %d messages", got, rows(t, d, "messages"))
		}
	})
}

// TestDropCountsWhatABridgeLoses drops a partition that one bridge has handed on, one in part, and one not at all.
func TestDropCountsWhatABridgeLoses(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		put(t, s, d, some("old", 10)...)
		err := d.Writer.Exec("INSERT INTO bookmarks (bridge, position, lost, holder, held_until) SELECT 'all', max(id), 0, '', 0" +
			" FROM messages UNION SELECT 'some', min(id) + 3, 1, '', 0 FROM messages UNION SELECT 'none', 0, 0, '', 0").Error
		if err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(4 * day)
		if _, err := s.Prune(t.Context(), history.Keep{Age: 30 * day}); err != nil {
			t.Fatal(err)
		}
		put(t, s, d, some("new", 4)...)
		*clock = clock.Add(28 * day)
		if n, err := s.Prune(t.Context(), history.Keep{Age: 30 * day}); err != nil || n != 10 {
			t.Fatalf("%d messages are gone, %v", n, err)
		}
		var lost []int64
		if err := d.Reader.Raw("SELECT lost FROM bookmarks ORDER BY bridge").Scan(&lost).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(lost, []int64{0, 10, 7}) {
			t.Errorf("all, none, some have lost %v", lost)
		}
		if by := s.BySource()["main"]; by == 0 || by > 4*500 {
			t.Errorf("%d bytes are counted of 4 messages", by)
		}
	})
}

// TestAnotherNodeHasDropped: a node that counts what another has dropped counts anew before it deletes for the bytes.
func TestAnotherNodeHasDropped(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		f := &flood{t: t, s: s, d: d}
		f.more("main", 100, 10_000)
		if err := s.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(29 * day)
		f.more("main", 20, 10_000)
		keep := history.Keep{Age: 30 * day, Bytes: 1_300_000}
		if _, err := s.Prune(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		if err := s.Hold(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(2 * day)
		other := history.NewStore(d.Writer, d.Reader, func() time.Time { return *clock })
		if n, err := other.Prune(t.Context(), keep); err != nil || n != 100 {
			t.Fatalf("%d messages are gone, %v", n, err)
		}
		f.more("main", 20, 10_000)
		if n := rows(t, d, "messages"); n != 40 {
			t.Errorf("%d messages are kept of 40", n)
		}
	})
}

// TestBytesOfARuleBesideADrop: what is too old, and waits for its partition to go, counts neither for a rule that
// bounds bytes nor, when it goes, against what else the rule decides of.
func TestBytesOfARuleBesideADrop(t *testing.T) {
	onPostgres(t, func(t *testing.T, s *history.Store, d *migrations.DB, clock *time.Time) {
		keep := history.Keep{Age: 30 * day, Rules: rulesOf(t, retention.Rule{Source: "main", Bytes: 1 << 20})}
		prune := func(want string) {
			t.Helper()
			if _, err := s.Prune(t.Context(), keep); err != nil {
				t.Fatal(err)
			}
			if all := parts(t, d, "messages"); !strings.HasPrefix(fmt.Sprint(all), "["+want) {
				t.Fatalf("%v, want %s first", all, want)
			}
		}
		f := &flood{t: t, s: s, d: d}
		f.more("main", 100, 10_000)
		*clock = clock.Add(day)
		f.more("main", 1, 10_000)
		if err := s.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		*clock = clock.Add(30*day - time.Minute)
		prune("messages_0")
		f.more("main", 150, 10_000)
		*clock = clock.Add(2 * time.Minute)
		prune("messages_1")
		if n := rows(t, d, "messages"); n < 90 || n > 103 {
			t.Errorf("%d messages of 10 kB are kept of a rule that keeps 1 MB", n)
		}
	})
}
