package irc

import (
	"testing"
	"time"
)

// TestNewTargets: the key says auto, any or a number and a time, and nothing else.
func TestNewTargets(t *testing.T) {
	for text, want := range map[string]openingLimit{"": {}, "auto": {}, "any": {most: -1},
		"10 every 1m": {10, time.Minute}, "1 every 15s": {1, 15 * time.Second}} {
		if got, err := parseOpenings(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"10", "-1", "0 every 1m", "10 every", "10 every 1ms", "10 every 2h", "x every 1m", "1001 every 1m",
		"auto every 1m"} {
		if got, err := parseOpenings(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
