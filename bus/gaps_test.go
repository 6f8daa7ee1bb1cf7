package bus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

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
			gaps := bus.NewGaps(10)
			var missing int64
			for _, i := range c.counters {
				missing += gaps.Observe(bus.Envelope{Topic: "org.example.dev.git.receive", Username: "git", Counter: i}, now)
			}
			if missing != c.missing {
				t.Errorf("See(%v) found %d missing, want %d", c.counters, missing, c.missing)
			}
		})
	}
}

func TestGapsKeepPublishersApart(t *testing.T) {
	gaps := bus.NewGaps(10)
	for i := int64(1); i < 100; i++ {
		for n, h := range []bus.Envelope{
			{Topic: "org.example.dev.git.receive", Username: "git"},
			{Topic: "org.example.dev.wiki.edit", Username: "git"},
			{Topic: "org.example.dev.git.receive", Username: "apache"},
			{Topic: "org.example.dev.git.receive", Username: "git", Certificate: "A"},
		} {
			h.Counter = i + 50*int64(n)
			if missing := gaps.Observe(h, now); missing != 0 {
				t.Fatalf("%d missing at %+v", missing, h)
			}
		}
	}
	one := bus.Envelope{Topic: "org.example.dev.git.receive", Username: "git", Certificate: "A", Counter: 252}
	gaps.Observe(one, now)
	one.Counter, one.Topic = 253, "org.example.dev.other.topic"
	if missing := gaps.Observe(one, now); missing != 2 {
		t.Errorf("one certificate with two applications: %d missing, want 2", missing)
	}
}

// TestGapsIsBounded feeds names and counters without end; the test's memory limit is its time: each See must stay
// cheap.
func TestGapsIsBounded(t *testing.T) {
	gaps := bus.NewGaps(3)
	for i := range int64(5000) {
		gaps.Observe(bus.Envelope{Topic: fmt.Sprintf("a.b.c.%d", i), Counter: 5}, now)
		gaps.Observe(bus.Envelope{Topic: "a.b.c.d", Counter: 1 + i*100000}, now.Add(time.Duration(i)))
	}
	// The name that keeps coming is remembered, among all the others.
	last, later := int64(1+4999*100000), now.Add(time.Minute)
	gaps.Observe(bus.Envelope{Topic: "a.b.c.d", Counter: last + 2}, later)
	if missing := gaps.Observe(bus.Envelope{Topic: "a.b.c.d", Counter: last + 3}, later); missing != 1 {
		t.Errorf("%d missing, want 1", missing)
	}
}

func TestPeekEnvelope(t *testing.T) {
	for payload, want := range map[string]bus.Envelope{
		`{"i":3,"msg":{"topic":"no","a":["]\"}",{}]},"topic":"t","username":"u","certificate":"c"}`: {
			Topic: "t", Username: "u", Counter: 3, Certificate: "c",
		},
		` { "x" : "a,b" , "i" : 3.0 , "topic" : null, "username":"u" } `: {Username: "u"},
		`{"i":[1,2],"username":"u"}`:                                     {},
		`{"topic":"t","i":`:                                              {Topic: "t"},
		`[{"i":3}]`:                                                      {},
		`{"a":1]}}}`:                                                     {},
		``:                                                               {},
	} {
		if got := bus.PeekEnvelope([]byte(payload)); got != want {
			t.Errorf("PeekEnvelope(%s) = %+v, want %+v", payload, got, want)
		}
	}
}

func TestGapsFollowTheBridgeAcrossApplications(t *testing.T) {
	gaps := bus.NewGaps(10)
	for i := int64(1); i < 50; i++ {
		app := []string{"git.receive", "wiki.edit", "bodhi.update"}[i%3]
		h := bus.Envelope{Topic: "org.example.dev." + app, Username: "amqp-bridge", Counter: i}
		if missing := gaps.Observe(h, now); missing != 0 {
			t.Fatalf("%d missing at %+v, want none: the bridge counts all applications with one counter", missing, h)
		}
	}
}
