package desktop

import (
	"fmt"
	"testing"
)

// TestStreamsAreShared: few who have all streams lose some to others, the oldest first, and nobody loses the only one.
func TestStreamsAreShared(t *testing.T) {
	p := newPlaces(20)
	var greedy []*place
	for i := range 4 {
		for range perAddress {
			greedy = append(greedy, p.take(fmt.Sprint("greedy-", i)))
		}
		if p.take(fmt.Sprint("greedy-", i)) != nil {
			t.Fatal("one feed has more than its bound")
		}
	}
	for i := range 16 {
		if p.take(fmt.Sprint("modest-", i)) == nil {
			t.Fatalf("number %d gets no stream", i)
		}
	}
	if p.take("late") != nil {
		t.Error("one more gets a stream although all have one")
	}
	for i, at := range greedy {
		lost := false
		select {
		case <-at.lost:
			lost = true
		default:
		}
		if newest := i%perAddress == perAddress-1; lost == newest {
			t.Errorf("stream %d of a greedy feed: lost is %v", i%perAddress, lost)
		}
		p.give(at) // as its handler does, whether or not it lost its place
	}
	if p.all != 16 || len(p.taken) != 16 {
		t.Errorf("%d places are taken by %d", p.all, len(p.taken))
	}
	if p.take("late") == nil {
		t.Error("a place that was given back is not taken")
	}
}
