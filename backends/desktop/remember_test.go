package desktop

import "testing"

// A notification server that was started anew counts from 1 again: a number then stands for the younger bubble, for as
// long as any other.
func TestRememberNumbersUsedAgain(t *testing.T) {
	s := &session{links: map[uint32]string{}}
	s.remember(1, "https://example.org/old")
	for id := range uint32(maxLinks - 1) {
		s.remember(id+2, "https://example.org/")
	}
	s.remember(1, "https://example.org/new")
	s.remember(1000, "https://example.org/")
	if got := s.link(1); got != "https://example.org/new" {
		t.Errorf("the link of the younger bubble is %q", got)
	}
	if len(s.links) > maxLinks || len(s.recent) > maxLinks {
		t.Errorf("%d links, %d numbers", len(s.links), len(s.recent))
	}
}
