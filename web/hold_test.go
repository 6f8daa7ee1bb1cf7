package web

import (
	"testing"
	"time"
)

// TestHoldIsKept: what the editor shows of how long what has begun is held, it reads again.
func TestHoldIsKept(t *testing.T) {
	for _, d := range []time.Duration{0, time.Minute, 10 * time.Minute, 90 * time.Second, 24 * time.Hour} {
		if got := readHold(holdText(d)); got != d {
			t.Errorf("%s is shown as %q and read as %s", d, holdText(d), got)
		}
	}
	for _, typed := range []string{"-5", "x", "1e9", "99999999999999999999", "-5m"} {
		if got := readHold(typed); got != -1 {
			t.Errorf("%q is read as %s", typed, got)
		}
	}
}
