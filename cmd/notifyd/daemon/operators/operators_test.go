package operators_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	known "github.com/notifyd/notifyd/cmd/notifyd/daemon/operators"
	"github.com/notifyd/notifyd/web/operators"
)

// TestSourcesAreAsStatusShowsThem: connected, silent, not connected; with what is missing.
func TestSourcesAreAsStatusShowsThem(t *testing.T) {
	r := prometheus.NewRegistry()
	gauge := func(name string, v float64, labels ...string) {
		names := []string{"source", "address"}[:len(labels)]
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "notifyd_source_" + name}, names)
		if err := r.Register(g); err != nil {
			g = err.(prometheus.AlreadyRegisteredError).ExistingCollector.(*prometheus.GaugeVec)
		}
		g.WithLabelValues(labels...).Set(v)
	}
	counter := func(name string, v float64, names []string, labels ...string) {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "notifyd_source_" + name}, names)
		r.MustRegister(c)
		c.WithLabelValues(labels...).Add(v)
	}
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	gauge("connected", 1, "zmq.a", "tcp://a")
	gauge("connected", 0, "zmq.b", "tcp://b")
	gauge("last_message_timestamp_seconds", float64(at.Unix()), "zmq.a", "tcp://a")
	counter("missing_total", 7, []string{"source"}, "zmq.a")
	counter("filled_total", 3, []string{"source", "by"}, "zmq.a", "archive")
	got := known.Sources(r)
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	want := operators.Source{Name: "zmq.a", Address: "tcp://a", State: "connected", Last: at, Holes: 4}
	if got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if got[1].State != "not connected" || !got[1].Down() || got[0].Down() || !got[1].Last.IsZero() {
		t.Errorf("got %+v", got[1])
	}
	if none := known.Sources(prometheus.NewRegistry()); len(none) != 0 {
		t.Errorf("without metrics: %+v", none)
	}
}
