package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSeldomAddsUp: a burst is two lines, which add up to it, and a line is logged at the end too.
func TestSeldomAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newSeldom(time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		said := func() string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return log.String()
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		for range 10 {
			s.say("hub", "invalid", "dropped", "verdict", "invalid")
		}
		if got := said(); strings.Count(got, "dropped") != 1 || !strings.Contains(got, "frames=1\n") {
			t.Errorf("at once:\n%s", got)
		}
		time.Sleep(2 * seldomLogged)
		synctest.Wait()
		if got := said(); strings.Count(got, "dropped") != 2 || !strings.Contains(got, "frames=9\n") {
			t.Errorf("after two minutes:\n%s", got)
		}
		for range 3 {
			s.say("hub", "invalid", "dropped", "verdict", "invalid")
		}
		s.say("relay", "invalid", "dropped", "verdict", "invalid")
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := said(); strings.Count(got, "dropped") != 5 || !strings.Contains(got, "frames=2\n") {
			t.Errorf("at the end:\n%s", got)
		}
	})
}
