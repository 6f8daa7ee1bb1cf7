package history_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A flood appends messages of one size, a few in each transaction.
type flood struct {
	t      *testing.T
	s      *history.Store
	d      *migrations.DB
	number int
	noise  bool // the messages cannot be compressed
}

// more appends n messages of a source, and gives the size of the history after the commit.
func (f *flood) more(source string, n, size int) history.Size {
	f.t.Helper()
	var events []*catalogue.Event
	for range n {
		f.number++
		e := event(fmt.Sprintf("%s-%06d", source, f.number), f.number, "org.example.prod.git.receive", []string{"alice"}, nil)
		e.Source, e.Payload = source, make([]byte, size)
		if f.noise {
			rand.NewChaCha8([32]byte{byte(f.number)}).Read(e.Payload) // never fails
		}
		events = append(events, e)
	}
	var outcomes []history.Outcome
	err := f.d.Writer.Transaction(func(tx *gorm.DB) (err error) {
		outcomes, err = f.s.Append(tx, events)
		return err
	})
	if err == nil {
		_, err = f.s.Committed(f.t.Context(), outcomes)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	now, err := f.s.Size(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return now
}

// of counts the messages of a source.
func (f *flood) of(source string) (n int64) {
	f.t.Helper()
	err := f.d.Reader.Raw("SELECT count(*) FROM messages WHERE source = ?", source).Scan(&n).Error
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// bound sets bounds that only Committed holds.
func (f *flood) bound(keep history.Keep) {
	f.t.Helper()
	if err := f.s.Hold(f.t.Context(), keep); err != nil {
		f.t.Fatal(err)
	}
}

// TestBoundHoldsAtEveryCommit floods a history from one source beside another that sends little.
func TestBoundHoldsAtEveryCommit(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		f := &flood{t: t, s: s, d: d}
		keep := history.Keep{Bytes: 2 << 20}
		f.bound(keep)
		f.more("honest", 100, 1000)
		for i := range 40 {
			if now := f.more("flood", 3, 100<<10); now.Bytes > keep.Bytes {
				t.Fatalf("after %d commits %d bytes are kept, more than %d", i+1, now.Bytes, keep.Bytes)
			}
			f.more("honest", 2, 1000)
		}
		if n := f.of("honest"); n != 180 {
			t.Errorf("%d of 180 honest messages are kept", n)
		}
		if n := f.of("flood"); n < 15 {
			t.Errorf("%d messages of the flood are kept, in %d bytes", n, keep.Bytes)
		}
	})
}

// TestEqualShares fills a history by one source before another begins: they share it in the end.
func TestEqualShares(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		f := &flood{t: t, s: s, d: d}
		keep := history.Keep{Bytes: 2 << 20}
		f.bound(keep)
		for range 6 {
			f.more("old", 300, 1000)
		}
		for range 30 {
			if now := f.more("new", 2, 100<<10); now.Bytes > keep.Bytes {
				t.Fatalf("%d bytes are kept, more than %d", now.Bytes, keep.Bytes)
			}
		}
		by := s.BySource()
		if half := keep.Bytes / 2; by["old"] < half-200<<10 || by["new"] < half-200<<10 {
			t.Errorf("%v are kept of %d bytes", by, keep.Bytes)
		}
		if n := f.of("old") * 1350; n < by["old"]/2 || n > 2*by["old"] {
			t.Errorf("%d messages are counted as %d bytes", f.of("old"), by["old"])
		}
	})
}

func TestBoundOfOneSource(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		f := &flood{t: t, s: s, d: d}
		f.bound(history.Keep{Bytes: 100 << 20, SourceBytes: 1 << 20})
		for range 20 {
			f.more("a", 1, 100<<10)
			f.more("b", 1, 10<<10)
		}
		if a, b := f.of("a"), f.of("b"); a != 10 || b != 20 {
			t.Errorf("%d and %d messages are kept, want 10 and 20", a, b)
		}
	})
}

// TestFailedTransactionCountsNothing appends in transactions that are rolled back.
func TestFailedTransactionCountsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		f := &flood{t: t, s: s, d: d}
		f.bound(history.Keep{Bytes: 1 << 20})
		f.more("a", 100, 1000)
		e := event("big", 1, "a.b", nil, nil)
		e.Payload = make([]byte, 800<<10)
		for range 5 {
			failed := errors.New("as a test")
			err := d.Writer.Transaction(func(tx *gorm.DB) error {
				_, err := s.Append(tx, []*catalogue.Event{e})
				return errors.Join(err, failed)
			})
			if !errors.Is(err, failed) {
				t.Fatal(err)
			}
		}
		f.more("a", 1, 1000)
		if n := f.of("a"); n != 101 {
			t.Errorf("%d of 101 messages are kept", n)
		}
	})
}

// TestSmallerBoundIsRunsWork sets a bound far below what is kept: one commit deletes little of it.
func TestSmallerBoundIsRunsWork(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		f := &flood{t: t, s: s, d: d}
		for range 10 {
			f.more("a", 300, 1000)
		}
		f.bound(history.Keep{Bytes: 1 << 20})
		f.more("a", 1, 1000)
		if n := f.of("a"); n < 2500 || n == 3001 {
			t.Errorf("%d of 3001 messages are kept", n)
		}
		if _, err := s.Prune(t.Context(), history.Keep{Bytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		if now, err := s.Size(t.Context()); err != nil || now.Bytes > 1<<20 {
			t.Errorf("%d bytes are kept, %v", now.Bytes, err)
		}
	})
}

// TestFileStaysWithinTheBound floods an SQLite file with much more than it may hold.
func TestFileStaysWithinTheBound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "n.db")
	d := migratest.Open(t, file)
	s := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
	f := &flood{t: t, s: s, d: d}
	const keep, batch = 8 << 20, 2 << 20
	f.bound(history.Keep{Bytes: keep})
	for range 60 { // 120 MB
		f.more("flood", 2, batch/2)
		size, wal := fileSize(t, file), fileSize(t, file+"-wal")
		if size > keep+2*batch || wal > 32<<20+4*batch {
			t.Fatalf("the file has %d bytes and its log %d, for %d and a batch of %d", size, wal, keep, batch)
		}
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestNodesHoldTheBoundTogether lets two nodes append at the same time, each of which counts only its own. Each counts
// anew as it goes.
func TestNodesHoldTheBoundTogether(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		const keep = 4 << 20
		other := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
		ctx, stop := context.WithCancel(t.Context())
		var running, flooding sync.WaitGroup
		for node, at := range []*history.Store{s, other} {
			running.Go(func() {
				log := slog.New(slog.DiscardHandler)
				if err := at.Run(ctx, history.Keep{Bytes: keep}, time.Hour, log); err != nil {
					t.Error(err)
				}
			})
			f := &flood{t: t, s: at, d: d, number: node * 1000}
			flooding.Go(func() {
				for range 60 {
					f.more(fmt.Sprint("node", node), 2, 50<<10)
				}
			})
		}
		flooding.Wait()
		exectest.Eventually(t, 10*time.Second, "the bound holds", func() bool {
			now, err := s.Size(ctx)
			return err == nil && now.Bytes <= keep && now.Bytes > keep/2
		})
		stop()
		running.Wait()
	})
}

// TestSpaceIsUsedAgain floods a small history with what cannot be compressed, and looks how large its table becomes.
func TestSpaceIsUsedAgain(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	s := history.NewStore(d.Writer, d.Reader, time.Now)
	keep := history.Keep{Bytes: 4 << 20}
	if err := s.Hold(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	f := &flood{t: t, s: s, d: d, noise: true}
	for range 60 {
		f.more("main", 2, 1<<20)
		if err := s.Reclaim(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
	}
	var size int64
	err := d.Reader.Raw("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('messages')").Scan(&size).Error
	if err != nil {
		t.Fatal(err)
	}
	if size < 4<<20 || size > 48<<20 {
		t.Errorf("the table has %d MB after 120 MB, of which 4 are kept", size>>20)
	}
}
