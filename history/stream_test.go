package history_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// fillLarge appends n messages of so many bytes.
func fillLarge(t *testing.T, s *history.Store, d *migrations.DB, n, size int) {
	t.Helper()
	text := strings.Repeat("x", size)
	for start := 0; start < n; start += 100 {
		var events []*catalogue.Event
		for i := start; i < start+100; i++ {
			e := event(fmt.Sprintf("2026-%08d", i), i-n, "org.example.prod.app.thing", []string{"user"}, nil)
			e.Payload = fmt.Appendf(nil, `{"msg": "%d %s"}`, i, text)
			events = append(events, e)
		}
		err := d.Writer.Transaction(func(tx *gorm.DB) error {
			_, err := s.Append(tx, events)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLongWindowsStream: a walk through everything takes the memory of a few windows however much passes by, and while
// its messages are handed on, however slowly, it holds no connection and so no snapshot.
func TestLongWindowsStream(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		const messages, size, most = 3000, 8 << 10, 8 << 20
		fillLarge(t, s, d, messages, size)
		pool, err := d.Reader.DB()
		if err != nil {
			t.Fatal(err)
		}
		live := func() int64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before, seen, bytes := live(), 0, 0
		err = s.Walk(t.Context(), history.Selection{Users: anyOf("user"), OldestFirst: true}, func(r history.Record) bool {
			if seen, bytes = seen+1, bytes+len(r.Payload); seen%250 == 0 {
				if grown := live() - before; grown > most {
					t.Errorf("after %d messages of %d bytes %d bytes are held", seen, bytes, grown)
				}
				if n := pool.Stats().InUse; n > 0 {
					t.Errorf("after %d messages %d connections are held", seen, n)
				}
			}
			return true
		})
		if err != nil || seen != messages || bytes < 2*most {
			t.Fatalf("%d messages, %d bytes, %v", seen, bytes, err)
		}
	})
}

// TestAWalkEndsWithItsClient: whoever has asked leaves, and nothing more is read.
func TestAWalkEndsWithItsClient(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fillLarge(t, s, d, 1000, 100)
		ctx, leave := context.WithCancel(t.Context())
		seen := 0
		err := s.Walk(ctx, history.Selection{}, func(history.Record) bool {
			if seen++; seen == 150 {
				leave()
			}
			return true
		})
		if !errors.Is(err, context.Canceled) || seen > 300 {
			t.Errorf("%d messages after the client has left, %v", seen, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		if n, err := s.CountSelected(ctx, history.Selection{}); err == nil {
			t.Errorf("counted %d without time", n)
		}
	})
}
