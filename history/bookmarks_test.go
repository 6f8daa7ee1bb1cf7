package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func hold(t *testing.T, s *history.Store, bridge, holder string, until time.Time) (history.Bookmark, bool) {
	t.Helper()
	b, held, err := s.Claim(t.Context(), bridge, holder, until)
	if err != nil {
		t.Fatal(err)
	}
	return b, held
}

func TestBookmarkIsHeldByOne(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		now := noon.Add(time.Hour)
		put(t, s, d, event("2026-1", 1, "org.example.prod.git.push", nil, nil))
		b, held := hold(t, s, "to_amqp.main", "one", now.Add(time.Minute))
		if last, err := s.Settled(t.Context()); !held || b.Lost != 0 || b.Position != last || err != nil || last == 0 {
			t.Fatalf("a new bookmark is %+v, held %v; the last message is %d, %v", b, held, last, err)
		}
		if _, held := hold(t, s, "to_amqp.main", "two", now.Add(time.Minute)); held {
			t.Error("two hold one bookmark")
		}
		if moved, err := s.Move(t.Context(), "to_amqp.main", "two", 7, now); moved || err != nil {
			t.Errorf("another one moves the bookmark: %v, %v", moved, err)
		}
		if moved, err := s.Move(t.Context(), "to_amqp.main", "one", 7, now.Add(time.Minute)); !moved || err != nil {
			t.Errorf("its holder cannot move it: %v, %v", moved, err)
		}
		if err := s.Release(t.Context(), "to_amqp.main", "two"); err != nil {
			t.Fatal(err)
		}
		if _, held := hold(t, s, "to_amqp.main", "two", now.Add(time.Minute)); held {
			t.Error("another one has released the bookmark")
		}
		if err := s.Release(t.Context(), "to_amqp.main", "one"); err != nil {
			t.Fatal(err)
		}
		if b, held := hold(t, s, "to_amqp.main", "two", now.Add(-time.Second)); !held || b.Position != 7 {
			t.Errorf("what was released is %+v, held %v", b, held)
		}
		if _, held := hold(t, s, "to_amqp.main", "one", now.Add(time.Minute)); !held {
			t.Error("a time that is over still counts")
		}
		if moved, err := s.Move(t.Context(), "to_amqp.main", "two", 9, now); moved || err != nil {
			t.Errorf("who has lost the bookmark moves it: %v, %v", moved, err)
		}
	})
}

func TestBookmarkCountsWhatIsDeletedBeforeIt(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		now := noon.Add(time.Hour)
		add := func(from, to int) {
			for i := from; i < to; i++ {
				e := event(fmt.Sprintf("2026-%d", i), i, "org.example.prod.git.push", nil, nil)
				e.Payload = make([]byte, 1000)
				put(t, s, d, e)
			}
		}
		add(0, 3)
		b, _ := hold(t, s, "behind", "one", now.Add(time.Minute))
		add(3, 7)
		hold(t, s, "new", "one", now.Add(time.Minute))
		if _, err := s.Prune(t.Context(), history.Keep{Bytes: 1}); err != nil {
			t.Fatal(err)
		}
		for name, lost := range map[string]int64{"behind": 4, "new": 0} {
			if got, _ := hold(t, s, name, "one", now.Add(time.Minute)); got.Lost != lost {
				t.Errorf("%s: %d are lost, want %d", name, got.Lost, lost)
			}
		}
		if got, _ := hold(t, s, "behind", "one", now.Add(time.Minute)); got.Position != b.Position {
			t.Errorf("the bookmark has moved to %+v", got)
		}
	})
}

func TestHeadingsAreInOrderAndWhole(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		marked := event("2026-2", -900, "org.example.prod.wiki.edit", nil, nil)
		marked.Standing = bus.Standing{Verdict: bus.Unsigned, Marked: true}
		marked.Late = true
		put(t, s, d, event("2026-1", 1, "org.example.prod.git.push", nil, nil))
		put(t, s, d, marked)
		put(t, s, d, event("2026-3", 1, "org.example.prod.git.push", nil, nil))
		all, err := s.Headings(t.Context(), 0, 1<<62, 10)
		if err != nil || len(all) != 3 || all[0].ID >= all[1].ID || all[1].ID >= all[2].ID {
			t.Fatalf("%+v, %v", all, err)
		}
		if h := all[1]; h.Topic != "org.example.prod.wiki.edit" || !h.Marked || !h.Late || h.Refuted || h.Source != "main" ||
			!h.Received.Equal(noon.Add(time.Hour)) || h.Size == 0 {
			t.Errorf("%+v", h)
		}
		some, err := s.Headings(t.Context(), all[0].ID, all[2].ID, 1)
		if err != nil || len(some) != 1 || some[0] != all[1] {
			t.Errorf("%+v, %v", some, err)
		}
		records, err := s.Records(t.Context(), []int64{all[2].ID, all[0].ID, 1 << 60})
		if err != nil || len(records) != 2 || records[0].MsgID != "2026-3" || records[1].MsgID != "2026-1" {
			t.Errorf("%+v, %v", records, err)
		}
	})
}

// TestSettledWaitsForWhoWrites has a transaction with a smaller id commit after one with a larger id.
func TestSettledWaitsForWhoWrites(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		if !d.Postgres {
			t.Skip("SQLite has one writer")
		}
		first, commit, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- d.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
				e := event("2026-1", 1, "org.example.prod.git.push", nil, nil)
				_, err := s.Append(tx, []*catalogue.Event{e})
				close(first)
				<-commit
				return err
			})
		}()
		<-first
		put(t, s, d, event("2026-2", 1, "org.example.prod.git.push", nil, nil))
		all, err := s.Headings(t.Context(), 0, 1<<62, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("before the commit: %+v, %v", all, err)
		}
		settled := make(chan int64, 1)
		go func() {
			last, err := s.Settled(t.Context())
			if err != nil {
				t.Error(err)
			}
			settled <- last
		}()
		select {
		case last := <-settled:
			t.Errorf("settled up to %d although a smaller id is to come", last)
		case <-time.After(100 * time.Millisecond):
		}
		close(commit)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if last := <-settled; last != all[0].ID {
			t.Errorf("settled up to %d, want %d", last, all[0].ID)
		}
	})
}

// TestSettledDoesNotWaitForEver: a transaction that somebody has left open is said, and the bookmark stays ours.
func TestSettledDoesNotWaitForEver(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		if !d.Postgres {
			t.Skip("SQLite has one writer")
		}
		hold(t, s, "to_amqp.main", "one", noon)
		first, left, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- d.Writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
				_, err := s.Append(tx, []*catalogue.Event{event("2026-1", 1, "org.example.prod.git.push", nil, nil)})
				close(first)
				<-left
				return err
			})
		}()
		<-first
		s.SetPatience(50 * time.Millisecond)
		if _, err := s.Settled(t.Context()); err == nil || !strings.Contains(err.Error(), "pg_stat_activity") {
			t.Errorf("Settled = %v", err)
		}
		if _, held := hold(t, s, "to_amqp.main", "one", noon.Add(time.Hour)); !held {
			t.Error("the bookmark is not held any more")
		}
		close(left)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if last, err := s.Settled(t.Context()); last == 0 || err != nil {
			t.Errorf("afterwards Settled = %d, %v", last, err)
		}
	})
}
