package nodes

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A subscriber notes what it gets.
type subscriber []string

func (s *subscriber) RepeatOnly() {}

func (s *subscriber) Repeat(f bus.Frame) { *s = append(*s, string(f.Payload[:8])) }

// TestFeedOfAShorterHistory: a standby that lacked the last messages is promoted. Subscribers get what comes then.
func TestFeedOfAShorterHistory(t *testing.T) {
	d := migratest.Open(t, migratest.Postgres(t))
	log := slog.New(slog.DiscardHandler)
	store := history.NewStore(d.Writer, d.Reader, time.Now)
	set, err := catalogue.Watch(nil, time.Minute, log)
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int) {
		t.Helper()
		f := bus.Frame{Source: "hub", Topic: "org.example.test.x", Payload: fmt.Appendf(nil,
			`{"i": %d, "topic":"org.example.test.x","msg_id":"m%d","timestamp":1795262400,"msg":{}}`, n, n)}
		m, err := bus.Decode(f, noon)
		if err == nil {
			err = d.Writer.Transaction(func(tx *gorm.DB) error {
				_, err := store.Append(tx, []*catalogue.Event{set.Load().Describe(m)})
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var got subscriber
	f := NewFeed(Feed{History: store, Log: log, Own: func(string) bool { return false },
		Repeat: func(string, bool) []bus.Repeater { return []bus.Repeater{&got} }})
	step := func() {
		t.Helper()
		if err := f.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		put(n)
	}
	step()
	for _, undo := range []string{
		"DELETE FROM messages WHERE id > 1", "DELETE FROM message_facts WHERE message_id > 1",
		"DELETE FROM message_ids WHERE id > 1", "SELECT setval('messages_id_seq', 1)",
	} {
		if err := d.Writer.Exec(undo).Error; err != nil {
			t.Fatal(err)
		}
	}
	step()
	put(4)
	step()
	if want := []string{`{"i": 0,`, `{"i": 1,`, `{"i": 2,`, `{"i": 4,`}; !slices.Equal(got, want) {
		t.Errorf("a subscriber gets %q, want %q", []string(got), want)
	}
}
