package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/retention"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/internal/metric"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A metered is a source and a backend that the daemon's code does not know.
type metered struct{ emits func(metric.Emit) }

func (m metered) Run(context.Context, *bus.Intake) error      { return nil }
func (m metered) Send(context.Context, backends.Parcel) error { return nil }
func (m metered) Collect(emit metric.Emit)                    { m.emits(emit) }

// TestAnySourceAndBackendIsMetered exports the figures of a source and a backend that only offer them. Wrong figures
// of one do not affect the others.
func TestAnySourceAndBackendIsMetered(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log := &bytes.Buffer{}
	s.log = slog.New(slog.NewTextHandler(log, nil))
	drops := &metric.Desc{Name: "notifyd_pigeons_lost_total", Help: "Pigeons.", Type: metric.Counter,
		Labels: []string{"loft"}}
	up := &metric.Desc{Name: "notifyd_loft_open", Help: "1 while the loft is open.", Labels: []string{"loft"}}
	wrong := &metric.Desc{Name: "notifyd_wrong", Help: "Wrong.", Labels: []string{"loft"}}
	s.sources["pigeon"] = metered{func(emit metric.Emit) { emit(drops, 3, "north"); emit(wrong, 1) }}
	s.backends["pigeon"] = metered{func(emit metric.Emit) { emit(up, 1, "south") }}
	w := httptest.NewRecorder()
	s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		"# TYPE notifyd_pigeons_lost_total counter", `notifyd_pigeons_lost_total{loft="north"} 3`,
		"# TYPE notifyd_loft_open gauge", `notifyd_loft_open{loft="south"} 1`, "notifyd_build_info{",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics (%d) lacks %s", w.Code, want)
		}
	}
	if !strings.Contains(log.String(), "some metrics are left out") || !strings.Contains(log.String(), "notifyd_wrong") {
		t.Errorf("the log does not name what is left out: %s", log)
	}
}

// TestPrunedIsCountedByRule: what a rule decides of has a series of its own.
func TestPrunedIsCountedByRule(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, err := bus.Decode(bus.Frame{Source: "hub", Topic: "org.example.prod.tea.ready",
		Payload: []byte(`{"topic": "org.example.prod.tea.ready", "msg_id": "2026-1", "msg": {}}`)}, s.env.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = s.db.Writer.Transaction(func(tx *gorm.DB) error {
		_, err := s.history.Append(tx, []*catalogue.Event{s.describer.describe(m)})
		return err
	})
	rules, err2 := retention.New([]retention.Rule{{Kind: "tea.#", Source: "hub", Keep: time.Hour}})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.history.Run(ctx, history.Keep{Bytes: 1, Rules: rules}, time.Hour, s.log) }()
	exectest.Eventually(t, 30*time.Second, "the message is pruned", func() bool { return len(s.history.Pruned()) > 0 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	s.operatorPages().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`notifyd_history_pruned_messages_total{reason="bytes",rule="source=hub kind=tea.#"} 1`,
		`notifyd_history_pruned_bytes_total{reason="bytes",rule="source=hub kind=tea.#"} `,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics (%d) lacks %s", w.Code, want)
		}
	}
}
