package bus_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// kept is a message of a publisher that keeps what it sends.
func kept(user string, sequence int64) bus.Sighting {
	return bus.Sighting{
		Envelope: bus.Envelope{Topic: "org.example.dev.git.receive", Username: user, Counter: 1, Sequence: sequence},
		ID:       fmt.Sprintf("%s-%d", user, sequence), Received: now, Whole: true,
	}
}

func TestSequences(t *testing.T) {
	type step struct {
		user     string
		sequence int64
	}
	for _, c := range []struct {
		name    string
		steps   []step
		missing int64
	}{
		{"nothing lost", []step{{"a", 1}, {"a", 2}, {"a", 3}}, 0},
		{"certain at once", []step{{"a", 1}, {"a", 5}}, 3},
		{"far, and certain", []step{{"a", 1}, {"a", 100_002}}, 100_000},
		{"one store of two applications", []step{{"a", 1}, {"b", 2}, {"a", 3}, {"b", 4}}, 0},
		{"and it loses", []step{{"a", 1}, {"b", 2}, {"a", 5}}, 2},
		{"a new application after a loss", []step{{"a", 1}, {"b", 4}, {"a", 5}}, 2},
		{"two stores behind a relay", []step{{"a", 7}, {"b", 900}, {"a", 8}, {"b", 901}, {"a", 9}}, 0},
		{"one of them loses", []step{{"a", 7}, {"b", 900}, {"a", 8}, {"b", 903}, {"a", 9}}, 2},
		{"two stores close together", []step{{"a", 7}, {"b", 9}, {"a", 8}, {"b", 10}, {"a", 9}}, 0},
		{"out of order", []step{{"a", 1}, {"a", 2}, {"a", 1}, {"a", 3}}, 0},
		{"a store that was made anew", []step{{"a", 500}, {"a", 501}, {"a", 1}, {"a", 2}, {"a", 3}, {"a", 5}}, 1},
		{"a number that cannot be", []step{{"a", 1}, {"a", 1<<63 - 1}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			gaps := bus.NewGaps(10)
			var lost int64
			for _, s := range c.steps {
				lost += missing(gaps, kept(s.user, s.sequence))
			}
			if lost != c.missing {
				t.Errorf("%v: found %d missing, want %d", c.steps, lost, c.missing)
			}
		})
	}
}

// TestForgedSequences sends numbers far ahead: as a repeat of what is known (the number is not signed), and unproved.
func TestForgedSequences(t *testing.T) {
	gaps := bus.NewGaps(10)
	missing(gaps, kept("a", 1))
	repeat, unproved := kept("a", 40), kept("a", 80)
	repeat.Repeat, unproved.Unproved = true, true
	if n := missing(gaps, unproved) + missing(gaps, repeat); n != 0 {
		t.Errorf("%d missing, want none", n)
	}
}

// TestForgedSequencesFillNothing sends the numbers of a hole: unproved, and as a repeat of what is known. What is
// missing is still missing then, and is asked for.
func TestForgedSequencesFillNothing(t *testing.T) {
	gaps := bus.NewGaps(10)
	missing(gaps, kept("a", 1))
	if n := missing(gaps, kept("a", 5)); n != 3 {
		t.Fatalf("%d missing, want 3", n)
	}
	unproved, repeat := kept("a", 2), kept("a", 3)
	unproved.Unproved, repeat.Repeat = true, true
	gaps.Observe(unproved)
	gaps.Observe(repeat)
	if n := gaps.Open()[0].Missing; n != 3 {
		t.Errorf("%d missing after two forgeries, want 3", n)
	}
	gaps.Observe(kept("a", 2))
	gaps.Observe(late(repeat))
	if n := gaps.Open()[0].Missing; n != 1 {
		t.Errorf("%d missing after one that came live and one that came late, want 1", n)
	}
}

// TestRestore follows a source over a restart: what was lost meanwhile is found as it would have been live.
func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []bus.Sighting
		missing       int64
	}{
		{"a counter", []bus.Sighting{git(1), git(2), git(3)}, []bus.Sighting{git(9), git(10), git(11)}, 5},
		{"a counter far on", []bus.Sighting{git(3)}, []bus.Sighting{git(100_004), git(100_005)}, 100_000},
		{"a publisher that restarted too", []bus.Sighting{git(3)}, []bus.Sighting{git(1), git(2)}, 0},
		{"two processes", []bus.Sighting{git(10), git(20)}, []bus.Sighting{git(21), git(11), git(22)}, 0},
		{"a sequence", []bus.Sighting{kept("a", 3)}, []bus.Sighting{kept("a", 9)}, 5},
		{"two sequences", []bus.Sighting{kept("a", 3), kept("b", 900)}, []bus.Sighting{kept("b", 902), kept("a", 5)}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			gaps, stored := bus.NewGaps(10), map[string]bus.Position{}
			for _, s := range c.before {
				changed, _ := gaps.Observe(s)
				for _, p := range changed {
					stored[p.Publisher] = p
				}
			}
			again := bus.NewGaps(10)
			for _, p := range stored {
				again.Restore([]bus.Position{p})
			}
			var lost int64
			for _, s := range c.after {
				s.Received = now.Add(24 * time.Hour)
				lost += missing(again, s)
			}
			if lost != c.missing {
				t.Errorf("%d missing, want %d", lost, c.missing)
			}
		})
	}
}

func late(s bus.Sighting) bus.Sighting {
	s.Late = true
	return s
}

// TestLateMessagesFillHoles counts what is still missing, whatever comes again.
func TestLateMessagesFillHoles(t *testing.T) {
	gaps := bus.NewGaps(10)
	for _, i := range []int64{3, 9, 10} {
		gaps.Observe(git(i))
	}
	for _, i := range []int64{4, 5, 5, 8, 4} {
		if n := missing(gaps, late(git(i))); n != 0 {
			t.Fatalf("a late message shows a hole of %d", n)
		}
	}
	open := gaps.Open()
	if len(open) != 1 || open[0].Missing != 2 {
		t.Fatalf("open holes %+v, want one with 2 missing", open)
	}
	if h, ok := gaps.Close(open[0]); !ok || h.Missing != 2 || len(gaps.Open()) != 0 {
		t.Errorf("Close gives %+v, %v", h, ok)
	}
}

// TestLateMessagesBeforeLiveOnes fills a hole before a live message shows it: then there is none.
func TestLateMessagesBeforeLiveOnes(t *testing.T) {
	for name, message := range map[string]func(int64) bus.Sighting{
		"counter":  git,
		"sequence": func(n int64) bus.Sighting { return kept("a", n) },
	} {
		t.Run(name, func(t *testing.T) {
			gaps := bus.NewGaps(10)
			gaps.Observe(message(3))
			gaps.Interrupt()
			gaps.Add(bus.Hole{Since: now, Sequence: name == "sequence", First: 4})
			for _, i := range []int64{4, 5, 6, 7, 8} {
				gaps.Observe(late(message(i)))
			}
			if n := missing(gaps, message(9)) + missing(gaps, message(10)); n != 0 {
				t.Errorf("%d missing, want none", n)
			}
		})
	}
}

// TestOpenHolesAreBounded loses every other message. The oldest holes become one without bounds.
func TestOpenHolesAreBounded(t *testing.T) {
	gaps := bus.NewGaps(10)
	for n := int64(1); n < 4000; n += 2 {
		gaps.Add(bus.Hole{First: n, Last: n, Missing: 1, Since: now, Until: now.Add(time.Duration(n))})
	}
	open := gaps.Open()
	newest := slices.MaxFunc(open, func(a, b bus.Hole) int { return cmp.Compare(a.Number, b.Number) })
	unbounded := slices.IndexFunc(open, bus.Hole.Unbounded)
	if len(open) > 256 || newest.First != 3999 || unbounded < 0 || !open[unbounded].Since.Equal(now) {
		t.Errorf("%d holes are open, the last at %d, the one without bounds is %d", len(open), newest.First, unbounded)
	}
}

// TestAWidenedHoleStaysOpen: while it was asked for, the connection was lost again.
func TestAWidenedHoleStaysOpen(t *testing.T) {
	gaps := bus.NewGaps(10)
	asked := *gaps.Add(bus.Hole{Since: now, Until: now.Add(time.Minute)})
	gaps.Add(bus.Hole{Since: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})
	if _, ok := gaps.Close(asked); ok || len(gaps.Open()) != 1 {
		t.Errorf("closed; open are %+v", gaps.Open())
	}
	if h, ok := gaps.Close(gaps.Open()[0]); !ok || !h.Since.Equal(now) {
		t.Errorf("Close = %+v, %v", h, ok)
	}
}

// TestALiveMessageSettles what came before it: the hole of unknown size becomes one with bounds, or none.
func TestALiveMessageSettles(t *testing.T) {
	for next, holes := range map[int64]int{4: 0, 9: 1} {
		gaps := bus.NewGaps(10)
		gaps.Observe(kept("a", 3))
		gaps.Interrupt()
		gaps.Add(bus.Hole{Since: now, Sequence: true, First: 4})
		gaps.Observe(late(kept("a", 77)))
		if len(gaps.Open()) != 2 {
			t.Errorf("a late message has changed %+v", gaps.Open())
		}
		gaps = bus.NewGaps(10)
		gaps.Observe(kept("a", 3))
		gaps.Add(bus.Hole{Since: now, Sequence: true, First: 4})
		gaps.Observe(kept("a", next))
		if open := gaps.Open(); len(open) != holes || slices.ContainsFunc(open, bus.Hole.Unbounded) {
			t.Errorf("after %d: open are %+v", next, open)
		}
	}
}
