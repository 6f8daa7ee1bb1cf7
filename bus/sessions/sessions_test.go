package sessions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
	"github.com/notifyd/notifyd/internal/metric"
)

var kind = sessions.NewKind("test", "does anybody speak?")

var errBroken = errors.New("broken")

func failure(reason string) error { return sessions.Fail(reason, errBroken) }

func TestFail(t *testing.T) {
	err := fmt.Errorf("session: %w", failure("dial"))
	f := (sessions.Failure)(nil)
	if !errors.As(err, &f) || f.Reason() != "dial" || !errors.Is(err, errBroken) || err.Error() != "session: broken" {
		t.Errorf("%v (%v)", err, f)
	}
}

// TestEachReasonOnce goes through sessions that end in turn, and looks at what was logged and counted. A silence is
// over with a message, and with nothing else.
func TestEachReasonOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		meter := bus.NewMeter("hub", "h:1", log)
		l := sessions.New(kind, "hub", sessions.Config{RetryMin: time.Second, RetryMax: 4 * time.Second}, meter, log)
		figure := func(name string) (sum float64) {
			l.Collect(func(d *metric.Desc, v float64, _ ...string) {
				if d.Name == "notifyd_test_"+name {
					sum += v
				}
			})
			return sum
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		silent := failure(sessions.Silent)
		steps := []func() error{
			func() error { return failure("dial") },
			func() error { return failure("dial") },
			func() error { l.Begun("from", "h"); l.Heard(false); return errors.New("gone") },
			func() error { l.Begun("from", "h"); return silent },
			func() error { l.Begun("from", "h"); return silent },
			func() error { return failure("dial") },
			func() error {
				l.Begun("from", "h")
				if figure("silent") != 1 {
					t.Error("the silence is over, and nothing has come")
				}
				l.Heard(true)
				cancel()
				return ctx.Err()
			},
		}
		n := 0
		l.Run(ctx, func(context.Context) error { n++; return steps[n-1]() })
		for want, times := range map[string]int{
			"reason=dial": 2, "reason=lost": 1, "msg=consuming": 3, "does anybody speak? making": 1, "level=WARN": 4,
		} {
			if got := strings.Count(text.String(), want); got != times {
				t.Errorf("the log says %q %d times, want %d:\n%s", want, got, times, &text)
			}
		}
		if n != len(steps) || figure("failures_total") != 6 || figure("silent") != 0 || figure("redelivered_total") != 1 {
			t.Errorf("%d sessions, %v failures, silent %v", n, figure("failures_total"), figure("silent"))
		}
	})
}

// TestPauseGrowsUntilASessionLasts looks at the pauses between sessions.
func TestPauseGrowsUntilASessionLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		l := sessions.New(kind, "hub", sessions.Config{RetryMin: time.Second, RetryMax: time.Minute},
			bus.NewMeter("hub", "h:1", log), log)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var pauses []time.Duration
		ended := time.Now()
		l.Run(ctx, func(context.Context) error {
			pauses = append(pauses, time.Since(ended))
			switch len(pauses) {
			case 8: // lasts
				<-time.After(2 * time.Minute)
			case 9:
				cancel()
			}
			ended = time.Now()
			return failure("lost")
		})
		if long, short := pauses[7], pauses[8]; long < 30*time.Second || long > time.Minute || short > time.Second {
			t.Errorf("the pauses are %v", pauses)
		}
	})
}
