package zmq

import (
	"slices"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// TestMetricsKeepTheirNames: dashboards and alerts of operators name them.
func TestMetricsKeepTheirNames(t *testing.T) {
	s, err := New(fast("tcp://127.0.0.1:1"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	e := s.endpoints[0]
	e.meter.Offer(bus.NewIntake(bus.IntakeConfig{}), bus.Frame{Topic: "t"})
	e.meter.Offer(bus.NewIntake(bus.IntakeConfig{}), bus.Frame{Topic: ""})
	if err := metric.Check(s.Collect); err != nil {
		t.Error(err)
	}
	var names []string
	bus.Metered(s).Collect(func(d *metric.Desc, _ float64, labels ...string) {
		names = append(names, d.Name)
		if labels[0] != "e0" || labels[1] != "tcp://127.0.0.1:1" {
			t.Errorf("%s has the labels %q", d.Name, labels)
		}
	})
	slices.Sort(names)
	want := []string{
		"notifyd_source_connected",
		"notifyd_source_last_message_timestamp_seconds",
		"notifyd_source_messages_dropped_total",
		"notifyd_source_messages_received_total",
		"notifyd_source_reconnects_total",
		"notifyd_source_wait_seconds_total",
		"notifyd_source_waiting",
	}
	if !slices.Equal(names, want) {
		t.Errorf("metrics %q, want %q", names, want)
	}
}
