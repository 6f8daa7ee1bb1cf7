package metric_test

import (
	"math"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/internal/metric"
)

func total() *metric.Desc {
	return &metric.Desc{
		Name: "notifyd_test_frames_total", Help: "Frames.", Type: metric.Counter, Labels: []string{"source"},
	}
}

func TestCheckAcceptsWhatIsWellFormed(t *testing.T) {
	frames, up := total(), &metric.Desc{Name: "notifyd_test_up", Help: "1 while it is up."}
	err := metric.Check(func(emit metric.Emit) {
		emit(frames, 0, "a")
		emit(frames, 7, "b")
		emit(up, metric.Bool(true))
	})
	if err != nil {
		t.Errorf("Check = %v", err)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	desc := func(change func(*metric.Desc)) func(metric.Emit) {
		d := total()
		change(d)
		return func(emit metric.Emit) { emit(d, 1, "a") }
	}
	series := func(value float64, labels ...string) func(metric.Emit) {
		d := total()
		return func(emit metric.Emit) { emit(d, value, labels...) }
	}
	for _, c := range []struct {
		want    string
		collect func(metric.Emit)
	}{
		{"name", desc(func(d *metric.Desc) { d.Name = "frames_total" })},
		{"name", desc(func(d *metric.Desc) { d.Name = "notifyd_Frames_total" })},
		{"ends in _total", desc(func(d *metric.Desc) { d.Name = "notifyd_frames" })},
		{"ends in _total", desc(func(d *metric.Desc) { d.Type = metric.Gauge })},
		{"type", desc(func(d *metric.Desc) { d.Type = 7 })},
		{"no sentence", desc(func(d *metric.Desc) { d.Help = "" })},
		{"label", desc(func(d *metric.Desc) { d.Labels = []string{"Source"} })},
		{"label", desc(func(d *metric.Desc) { d.Labels = []string{"a", "a"} })},
		{"0 values", series(1)},
		{"2 values", series(1, "a", "b")},
		{"value", series(math.NaN(), "a")},
		{"value", series(math.Inf(1), "a")},
		{"counter is -1", series(-1, "a")},
		{"UTF-8", series(1, "\xff")},
		{"comes twice", func(emit metric.Emit) { d := total(); emit(d, 1, "a"); emit(d, 1, "a") }},
		{"two Descs", func(emit metric.Emit) { emit(total(), 1, "a"); emit(total(), 1, "b") }},
	} {
		if err := metric.Check(c.collect); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check = %v, want %q", err, c.want)
		}
	}
}
