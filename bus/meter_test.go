package bus_test

import (
	"context"
	"log/slog"
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

// TestDropsAreLoggedOnceAMinute drops once a second for three minutes, for two reasons.
func TestDropsAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := bus.NewMeter("src", "addr", slog.New(slog.NewTextHandler(&log, nil)))
		for range 180 {
			m.Dropped(bus.DroppedFull)
			m.Dropped(bus.DroppedTopic)
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "messages dropped"); n != 6 {
			t.Errorf("%d lines, want 6:\n%s", n, log.String())
		}
	})
}
