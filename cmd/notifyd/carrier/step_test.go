package carrier

import (
	"bytes"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/bus"
)

// TestPageIsBounded: what is in memory at a time is bounded in bytes, and one message that is larger comes alone.
func TestPageIsBounded(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		c := x.carrier(to, bus.Choice{}, "one")
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		large := func(size int) func(m *bus.Message) {
			return func(m *bus.Message) { m.Payload = append(m.Payload, bytes.Repeat([]byte(" "), size)...) }
		}
		x.put(large(mostBytes/3), names(0, 5)...)
		x.put(large(mostBytes+1), names(5, 6)...)
		x.put(nil, names(6, 7)...)
		var pages []int
		for more, before := true, 0; more; before = len(to.got) {
			var err error
			if more, err = c.step(t.Context()); err != nil {
				t.Fatal(err)
			}
			pages = append(pages, len(to.got)-before)
		}
		if want := []int{2, 2, 1, 1, 1, 0}; !slices.Equal(pages, want) {
			t.Errorf("pages of %d messages, want %d", pages, want)
		}
	})
}

// TestStopsWhenAnotherWorks: who was away for longer than the lease finds that another process has the bookmark.
func TestStopsWhenAnotherWorks(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		to := &far{}
		c := x.carrier(to, bus.Choice{}, "one")
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		taken := x.db.Writer.Exec("UPDATE bookmarks SET holder = 'two', held_until = held_until + 3600000000")
		if taken.Error != nil {
			t.Fatal(taken.Error)
		}
		for _, ids := range [][]string{names(0, 3), names(3, 5)} {
			x.put(nil, ids...)
			if _, err := c.step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := to.ids(); !slices.Equal(got, names(0, 3)) || value(c, "notifyd_bridge_standby", "") != 1 {
			t.Errorf("%v came, standby %v", got, value(c, "notifyd_bridge_standby", ""))
		}
	})
}
