package gaps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/gaps"
)

var now = time.Date(2026, 11, 21, 3, 0, 0, 500, time.UTC)

// git is a message of one publisher, with the counter given.
func git(counter int64) gaps.Sighting {
	return gaps.Sighting{
		Envelope: bus.Envelope{Topic: "org.example.dev.git.receive", Username: "git", Counter: counter},
		ID:       fmt.Sprintf("git-%d", counter), Received: now, Whole: true,
	}
}

// missing gives how many messages a sighting shows to be missing.
func missing(g *gaps.Finder, s gaps.Sighting) int64 {
	_, hole := g.Observe(s)
	if hole == nil {
		return 0
	}
	return hole.Missing
}

func TestGaps(t *testing.T) {
	for _, c := range []struct {
		name     string
		counters []int64
		missing  int64
	}{
		{"nothing lost", []int64{1, 2, 3, 4, 5}, 0},
		{"begun in the middle", []int64{500, 501, 502}, 0},
		{"two lost", []int64{1, 2, 5, 6, 7}, 2},
		{"two lost, not yet sure", []int64{1, 2, 5}, 0},
		{"lost again and again", []int64{1, 3, 5, 7, 8}, 3},
		{"restart", []int64{699, 700, 1, 2, 3}, 0},
		{"restart and a loss after it", []int64{699, 700, 1, 2, 4, 5}, 1},
		{"PHP counts nothing", []int64{1, 1, 1, 1, 1}, 0},
		{"AMQP stores zeroes", []int64{0, 0, 7, 0, 8}, 0},
		{"negative", []int64{-5, -3}, 0},
		{"two processes far apart", []int64{10, 5000, 11, 5001, 12, 5002}, 0},
		{"two processes close together", []int64{10, 20, 11, 21, 12, 22, 13}, 0},
		{"two processes in step", []int64{1, 1, 2, 2, 3, 3}, 0},
		{"two processes, one loses", []int64{10, 5000, 11, 5001, 14, 5002, 15}, 2},
		{"a repeat", []int64{4, 5, 5, 6}, 0},
		{"far over the window", []int64{1, 2, 100000, 100001}, 0},
		{"the end of int64", []int64{1<<63 - 2, 1<<63 - 1, 1<<63 - 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			finder := gaps.New(10)
			var lost int64
			for _, i := range c.counters {
				lost += missing(finder, git(i))
			}
			if lost != c.missing {
				t.Errorf("%v: found %d missing, want %d", c.counters, lost, c.missing)
			}
		})
	}
}

// TestHoleSaysWhereAndWhen looks at the hole that the second message after a loss shows.
func TestHoleSaysWhereAndWhen(t *testing.T) {
	finder := gaps.New(10)
	at := func(i int64, second int) gaps.Sighting {
		s := git(i)
		s.Received = now.Add(time.Duration(second) * time.Second)
		return s
	}
	for _, s := range []gaps.Sighting{at(3, 1), at(9, 20)} {
		if n := missing(finder, s); n != 0 {
			t.Fatalf("%d missing at %d, before that is sure", n, s.Counter)
		}
	}
	_, hole := finder.Observe(at(10, 30))
	if hole == nil || hole.First != 4 || hole.Last != 8 || hole.Missing != 5 || hole.Sequence ||
		!hole.Since.Equal(now.Add(time.Second)) || !hole.Until.Equal(now.Add(20*time.Second)) {
		t.Errorf("hole %+v, want 4 to 8 since the first second, until the twentieth", hole)
	}
}

func TestGapsKeepPublishersApart(t *testing.T) {
	finder := gaps.New(10)
	seen := func(e bus.Envelope) gaps.Sighting { return gaps.Sighting{Envelope: e, Received: now, Whole: true} }
	for i := int64(1); i < 100; i++ {
		for n, e := range []bus.Envelope{
			{Topic: "org.example.dev.git.receive", Username: "git"},
			{Topic: "org.example.dev.wiki.edit", Username: "git"},
			{Topic: "org.example.dev.git.receive", Username: "apache"},
			{Topic: "org.example.dev.git.receive", Username: "git", Certificate: "A"},
		} {
			e.Counter = i + 50*int64(n)
			if n := missing(finder, seen(e)); n != 0 {
				t.Fatalf("%d missing at %+v", n, e)
			}
		}
	}
	one := bus.Envelope{Topic: "org.example.dev.git.receive", Username: "git", Certificate: "A", Counter: 252}
	finder.Observe(seen(one))
	one.Counter, one.Topic = 253, "org.example.dev.other.topic"
	if n := missing(finder, seen(one)); n != 2 {
		t.Errorf("one certificate with two applications: %d missing, want 2", n)
	}
}

// TestGapsIsBounded feeds names and counters without end; the test's memory limit is its time: each sighting must stay
// cheap. A name that is forgotten is said, so that it can be deleted where it is stored.
func TestGapsIsBounded(t *testing.T) {
	finder := gaps.New(3)
	stored := map[string]bool{}
	observe := func(s gaps.Sighting) int64 {
		changed, hole := finder.Observe(s)
		for _, p := range changed {
			if p.ID == "" {
				delete(stored, p.Publisher)
			} else {
				stored[p.Publisher] = true
			}
		}
		if hole == nil {
			return 0
		}
		return hole.Missing
	}
	for i := range int64(5000) {
		other, same := git(5), git(1+i*100000)
		other.Topic = fmt.Sprintf("a.b.c.%d", i)
		same.Received = now.Add(time.Duration(i))
		observe(other)
		observe(same)
	}
	if len(stored) > 4 { // three names, and the source as a whole
		t.Errorf("%d names are stored, want 4 at most", len(stored))
	}
	// The name that keeps coming is remembered, among all the others.
	last := git(1 + 4999*100000)
	for _, step := range []struct{ more, want int64 }{{2, 0}, {1, 1}} {
		last.Counter += step.more
		last.Received = now.Add(time.Minute)
		if n := observe(last); n != step.want {
			t.Errorf("%d missing at %d, want %d", n, last.Counter, step.want)
		}
	}
}

func TestGapsFollowTheBridgeAcrossApplications(t *testing.T) {
	finder := gaps.New(10)
	for i := int64(1); i < 50; i++ {
		s := git(i)
		s.Topic, s.Username = "org.example.dev."+[]string{"git.receive", "wiki.edit", "bodhi.update"}[i%3], "amqp-bridge"
		if n := missing(finder, s); n != 0 {
			t.Fatalf("%d missing at %d, want none: the bridge counts all applications with one counter", n, i)
		}
	}
}

// TestOnlyNewAndProvedShowHoles repeats and forges: nothing of that makes a hole, and nothing hides one that follows.
func TestOnlyNewAndProvedShowHoles(t *testing.T) {
	finder := gaps.New(10)
	missing(finder, git(1))
	missing(finder, git(2))
	for _, i := range []int64{30, 31, 32, 60, 61} {
		forged := git(i)
		forged.Unproved = true
		old := git(2)
		old.Repeat = true
		if missing(finder, forged) != 0 || missing(finder, old) != 0 {
			t.Fatalf("a forged counter of %d shows a hole", i)
		}
	}
	if n := missing(finder, git(5)) + missing(finder, git(6)); n != 2 {
		t.Errorf("%d missing between 2 and 5, want 2", n)
	}
}

// TestRepeatsAdvance follows two relays of one bus: what the other was quicker to bring is not missing.
func TestRepeatsAdvance(t *testing.T) {
	finder := gaps.New(10)
	missing(finder, git(1))
	for _, i := range []int64{2, 3, 5, 6} { // and 4 the other alone
		s := git(i)
		s.Repeat = true
		if n := missing(finder, s); n != 0 {
			t.Fatalf("%d missing at a repeat", n)
		}
	}
	if n := missing(finder, git(7)) + missing(finder, git(8)); n != 0 {
		t.Errorf("%d missing, want none", n)
	}
}

func TestNothingIsMissingWhereTopicsWereNotSubscribedTo(t *testing.T) {
	finder := gaps.New(10)
	for i := int64(1); i < 100; i += 7 {
		s := git(i)
		s.Whole = false
		if n := missing(finder, s); n != 0 {
			t.Fatalf("%d missing", n)
		}
	}
	if last, _ := finder.Last(); !last.Equal(now) {
		t.Errorf("last heard %v, want %v", last, now)
	}
}
