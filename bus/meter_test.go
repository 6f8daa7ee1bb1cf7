package bus_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// collected gives the values that a Metered offers, by name and label values.
func collected(t *testing.T, m bus.Metered) map[string]float64 {
	t.Helper()
	if err := metric.Check(m.Collect); err != nil {
		t.Error(err)
	}
	values := map[string]float64{}
	m.Collect(func(d *metric.Desc, value float64, labels ...string) {
		values[strings.TrimPrefix(d.Name, "notifyd_source_")+" "+strings.Join(labels, " ")] = value
	})
	return values
}

func TestMeterCounts(t *testing.T) {
	m := bus.NewMeter("src", "addr", slog.New(slog.DiscardHandler))
	if got := collected(t, m); got["connected src addr"] != 0 || len(got) != 5 {
		t.Errorf("at the start: %v", got)
	}
	m.Connected(true)
	m.Connected(false)
	m.Connected(true)
	done := 0
	in := bus.NewIntake(bus.IntakeConfig{})
	for _, f := range []bus.Frame{
		{Topic: "org.example.a", Payload: []byte("{}")},
		{Topic: "", Payload: []byte("{}")},
		{Topic: "org.example.b", Payload: make([]byte, bus.MaxPayload+1)},
	} {
		f.Ack = func() { done++ }
		if err := m.Forward(t.Context(), in, f); err != nil {
			t.Errorf("Forward(%s) = %v", f.Topic, err)
		}
	}
	got := collected(t, m)
	for series, want := range map[string]float64{
		"connected src addr": 1, "reconnects_total src addr": 1, "messages_received_total src addr": 1,
		"messages_dropped_total src addr bad_topic": 1, "messages_dropped_total src addr too_large": 1,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
	if last := got["last_message_timestamp_seconds src addr"]; time.Since(time.UnixMilli(int64(last*1000))) > time.Minute {
		t.Errorf("the last message was at %v", last)
	}
	if f := next(t, in); f.Source != "src" || f.Topic != "org.example.a" || done != 2 {
		t.Errorf("%d frames done with, want the two that were dropped; forwarded %+v", done, f)
	}
}

// TestForwardWaits forwards two frames to an Intake with room for one, twice: once the wait ends with room, once with
// its context.
func TestForwardWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bus.NewMeter("src", "addr", slog.New(slog.DiscardHandler))
		in := bus.NewIntake(bus.IntakeConfig{Frames: 1})
		ctx, cancel := context.WithCancel(t.Context())
		f := bus.Frame{Topic: "t", Ack: func() { t.Error("a frame that nobody took was acknowledged") }}
		ended := make(chan error)
		for i, free := range []func(){func() { next(t, in) }, cancel} {
			if err := m.Forward(ctx, in, f); i == 0 && err != nil {
				t.Fatal(err)
			}
			go func() { ended <- m.Forward(ctx, in, f) }()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if got := collected(t, m); got["waiting src addr"] != 1 || got["wait_seconds_total src addr"] != float64(3+3*i) {
				t.Errorf("while it waits: %v", got)
			}
			free()
			if err := <-ended; err != ctx.Err() {
				t.Errorf("Forward = %v, want %v", err, ctx.Err())
			}
			if got := collected(t, m); got["waiting src addr"] != 0 || got["wait_seconds_total src addr"] != float64(3+3*i) {
				t.Errorf("after it has waited: %v", got)
			}
			if i == 0 {
				next(t, in)
			}
		}
	})
}

// TestOfferDrops offers two frames to an Intake with room for one.
func TestOfferDrops(t *testing.T) {
	m := bus.NewMeter("src", "addr", slog.New(slog.DiscardHandler))
	in := bus.NewIntake(bus.IntakeConfig{Frames: 1})
	done := 0
	f := bus.Frame{Topic: "t", Ack: func() { done++ }}
	if !m.Offer(in, f) || m.Offer(in, f) || done != 1 {
		t.Errorf("%d frames are done with, want the second", done)
	}
	if got := m.Traffic(); got.Received != 2 || got.Dropped[bus.DroppedFull] != 1 {
		t.Errorf("traffic %+v", got)
	}
}

// totals gives the totals of the lines about drops of one reason.
func totals(log, reason string) (all []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "messages dropped") && strings.Contains(line, "reason="+reason+" ") {
			_, total, _ := strings.Cut(strings.TrimSpace(line), "total=")
			all = append(all, total)
		}
	}
	return all
}

// TestTotalsOfDropsAreTrue drops frames in patterns: few lines are logged, and the last one gives the total soon after
// the last drop.
func TestTotalsOfDropsAreTrue(t *testing.T) {
	for _, c := range []struct {
		name   string
		drops  int
		pause  time.Duration // after each drop
		within time.Duration // of the last line after the last drop
		want   []string
	}{
		{"one", 1, 0, 0, []string{"1"}},
		{"a burst", 20_000, 0, 5 * time.Second, []string{"1", "20000"}},
		{"for minutes", 150, 999 * time.Millisecond, 5 * time.Second, []string{"1", "62", "123", "150"}},
		{"now and then", 12, 9 * time.Second, time.Minute, []string{"1", "2", "7", "8", "12"}},
		{"seldom", 3, time.Hour, 0, []string{"1", "2", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				m := bus.NewMeter("src", "addr", slog.New(slog.NewTextHandler(&log, nil)))
				for range c.drops {
					m.Dropped(bus.DroppedFull)
					time.Sleep(c.pause)
				}
				time.Sleep(c.within)
				synctest.Wait()
				if got := totals(log.String(), bus.DroppedFull); !slices.Equal(got, c.want) {
					t.Errorf("totals %v, want %v", got, c.want)
				}
				lines := log.Len()
				m.Ended()
				time.Sleep(time.Hour)
				if log.Len() != lines {
					t.Errorf("more is logged at the end:\n%s", log.String())
				}
			})
		})
	}
}

// TestTotalsOfDropsAreToldAtTheEnd ends in a burst of two reasons. Nothing is left behind: the bubble would say so.
func TestTotalsOfDropsAreToldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := bus.NewMeter("src", "addr", slog.New(slog.NewTextHandler(&log, nil)))
		m.Connected(true)
		for range 3 {
			m.Dropped(bus.DroppedFull)
			m.Dropped(bus.DroppedTopic)
		}
		m.Ended()
		for _, reason := range []string{bus.DroppedFull, bus.DroppedTopic} {
			if got := totals(log.String(), reason); !slices.Equal(got, []string{"1", "3"}) {
				t.Errorf("%s: totals %v", reason, got)
			}
		}
		if m.Traffic().Connected {
			t.Error("it is connected after its end")
		}
		lines := log.Len()
		time.Sleep(time.Hour)
		if log.Len() != lines {
			t.Error("it logs after its end")
		}
	})
}
