package gaps_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
)

// kept is a message of a publisher that keeps what it sends.
func kept(user string, sequence int64) gaps.Sighting {
	return gaps.Sighting{
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
			finder := gaps.New(10)
			var lost int64
			for _, s := range c.steps {
				lost += missing(finder, kept(s.user, s.sequence))
			}
			if lost != c.missing {
				t.Errorf("%v: found %d missing, want %d", c.steps, lost, c.missing)
			}
		})
	}
}

// TestForgedSequences sends numbers far ahead: as a repeat of what is known (the number is not signed), and unproved.
func TestForgedSequences(t *testing.T) {
	finder := gaps.New(10)
	missing(finder, kept("a", 1))
	repeat, unproved := kept("a", 40), kept("a", 80)
	repeat.Repeat, unproved.Unproved = true, true
	if n := missing(finder, unproved) + missing(finder, repeat); n != 0 {
		t.Errorf("%d missing, want none", n)
	}
}

// TestForgedSequencesFillNothing sends the numbers of a hole: unproved, and as a repeat of what is known. What is
// missing is still missing then, and is asked for.
func TestForgedSequencesFillNothing(t *testing.T) {
	finder := gaps.New(10)
	missing(finder, kept("a", 1))
	if n := missing(finder, kept("a", 5)); n != 3 {
		t.Fatalf("%d missing, want 3", n)
	}
	unproved, repeat := kept("a", 2), kept("a", 3)
	unproved.Unproved, repeat.Repeat = true, true
	finder.Observe(unproved)
	finder.Observe(repeat)
	if n := finder.Open()[0].Missing; n != 3 {
		t.Errorf("%d missing after two forgeries, want 3", n)
	}
	finder.Observe(kept("a", 2))
	finder.Observe(late(repeat))
	if n := finder.Open()[0].Missing; n != 1 {
		t.Errorf("%d missing after one that came live and one that came late, want 1", n)
	}
}

// TestRestore follows a source over a restart: what was lost meanwhile is found as it would have been live.
func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []gaps.Sighting
		missing       int64
	}{
		{"a counter", []gaps.Sighting{git(1), git(2), git(3)}, []gaps.Sighting{git(9), git(10), git(11)}, 5},
		{"a counter far on", []gaps.Sighting{git(3)}, []gaps.Sighting{git(100_004), git(100_005)}, 100_000},
		{"a publisher that restarted too", []gaps.Sighting{git(3)}, []gaps.Sighting{git(1), git(2)}, 0},
		{"two processes", []gaps.Sighting{git(10), git(20)}, []gaps.Sighting{git(21), git(11), git(22)}, 0},
		{"a sequence", []gaps.Sighting{kept("a", 3)}, []gaps.Sighting{kept("a", 9)}, 5},
		{"two sequences", []gaps.Sighting{kept("a", 3), kept("b", 900)}, []gaps.Sighting{kept("b", 902), kept("a", 5)}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			finder, stored := gaps.New(10), map[string]gaps.Position{}
			for _, s := range c.before {
				changed, _ := finder.Observe(s)
				for _, p := range changed {
					stored[p.Publisher] = p
				}
			}
			again := gaps.New(10)
			for _, p := range stored {
				again.Restore([]gaps.Position{p})
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

func late(s gaps.Sighting) gaps.Sighting {
	s.Late = true
	return s
}

// TestLateMessagesFillHoles counts what is still missing, whatever comes again.
func TestLateMessagesFillHoles(t *testing.T) {
	finder := gaps.New(10)
	for _, i := range []int64{3, 9, 10} {
		finder.Observe(git(i))
	}
	for _, i := range []int64{4, 5, 5, 8, 4} {
		if n := missing(finder, late(git(i))); n != 0 {
			t.Fatalf("a late message shows a hole of %d", n)
		}
	}
	open := finder.Open()
	if len(open) != 1 || open[0].Missing != 2 {
		t.Fatalf("open holes %+v, want one with 2 missing", open)
	}
	if h, ok := finder.Close(open[0]); !ok || h.Missing != 2 || len(finder.Open()) != 0 {
		t.Errorf("Close gives %+v, %v", h, ok)
	}
}

// TestLateMessagesBeforeLiveOnes fills a hole before a live message shows it: then there is none.
func TestLateMessagesBeforeLiveOnes(t *testing.T) {
	for name, message := range map[string]func(int64) gaps.Sighting{
		"counter":  git,
		"sequence": func(n int64) gaps.Sighting { return kept("a", n) },
	} {
		t.Run(name, func(t *testing.T) {
			finder := gaps.New(10)
			finder.Observe(message(3))
			finder.Interrupt()
			finder.Add(bus.Hole{Since: now, Sequence: name == "sequence", First: 4})
			for _, i := range []int64{4, 5, 6, 7, 8} {
				finder.Observe(late(message(i)))
			}
			if n := missing(finder, message(9)) + missing(finder, message(10)); n != 0 {
				t.Errorf("%d missing, want none", n)
			}
		})
	}
}

// TestOpenHolesAreBounded loses every other message. The oldest holes become one without bounds.
func TestOpenHolesAreBounded(t *testing.T) {
	finder := gaps.New(10)
	for n := int64(1); n < 4000; n += 2 {
		finder.Add(bus.Hole{First: n, Last: n, Missing: 1, Since: now, Until: now.Add(time.Duration(n))})
	}
	open := finder.Open()
	newest := slices.MaxFunc(open, func(a, b bus.Hole) int { return cmp.Compare(a.Number, b.Number) })
	unbounded := slices.IndexFunc(open, bus.Hole.Unbounded)
	if len(open) > 256 || newest.First != 3999 || unbounded < 0 || !open[unbounded].Since.Equal(now) {
		t.Errorf("%d holes are open, the last at %d, the one without bounds is %d", len(open), newest.First, unbounded)
	}
}

// TestAWidenedHoleStaysOpen: while it was asked for, the connection was lost again.
func TestAWidenedHoleStaysOpen(t *testing.T) {
	finder := gaps.New(10)
	asked := *finder.Add(bus.Hole{Since: now, Until: now.Add(time.Minute)})
	finder.Add(bus.Hole{Since: now.Add(time.Hour), Until: now.Add(2 * time.Hour)})
	if _, ok := finder.Close(asked); ok || len(finder.Open()) != 1 {
		t.Errorf("closed; open are %+v", finder.Open())
	}
	if h, ok := finder.Close(finder.Open()[0]); !ok || !h.Since.Equal(now) {
		t.Errorf("Close = %+v, %v", h, ok)
	}
}

// TestALiveMessageSettles what came before it: the hole of unknown size becomes one with bounds, or none.
func TestALiveMessageSettles(t *testing.T) {
	for next, holes := range map[int64]int{4: 0, 9: 1} {
		finder := gaps.New(10)
		finder.Observe(kept("a", 3))
		finder.Interrupt()
		finder.Add(bus.Hole{Since: now, Sequence: true, First: 4})
		finder.Observe(late(kept("a", 77)))
		if len(finder.Open()) != 2 {
			t.Errorf("a late message has changed %+v", finder.Open())
		}
		finder = gaps.New(10)
		finder.Observe(kept("a", 3))
		finder.Add(bus.Hole{Since: now, Sequence: true, First: 4})
		finder.Observe(kept("a", next))
		if open := finder.Open(); len(open) != holes || slices.ContainsFunc(open, bus.Hole.Unbounded) {
			t.Errorf("after %d: open are %+v", next, open)
		}
	}
}
