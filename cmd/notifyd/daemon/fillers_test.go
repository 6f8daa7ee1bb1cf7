package daemon

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// A changing source has the names that it is told to have.
type changing struct{ meters map[string]*bus.Meter }

func (c *changing) Run(context.Context, *bus.Intake) error { return nil }
func (c *changing) Collect(emit metric.Emit) {
	for _, m := range c.meters {
		m.Collect(emit)
	}
}

func (c *changing) set(names ...string) {
	c.meters = map[string]*bus.Meter{}
	for _, name := range names {
		c.meters[name] = bus.NewMeter(name, "-", slog.New(slog.DiscardHandler))
		c.meters[name].Connected(true)
	}
}

// TestFillersComeAndGo with the sources, those alone that somebody can be asked for. All of them end with ctx.
func TestFillersComeAndGo(t *testing.T) {
	s, err := openTestService(t, filepath.Join(t.TempDir(), "notifyd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source := &changing{}
	s.sources["x"] = source
	s.settings.Backlog.Datagrepper = "http://127.0.0.1:9/datagrepper"
	s.settings.Backlog.Sources = []string{"a", "b", "c"}
	ctx, stop := context.WithCancel(t.Context())
	f := &fillers{service: s, in: bus.NewIntake(bus.IntakeConfig{}), running: map[string]*filling{}}
	var begun []*filling
	for _, step := range []struct{ there, running string }{
		{"a other", "a"}, {"a b other", "a b"}, {"b c", "b c"}, {"", ""}, {"a", "a"},
	} {
		source.set(strings.Fields(step.there)...)
		before := maps.Clone(f.running)
		f.look(ctx)
		if got := strings.Join(slices.Sorted(maps.Keys(f.running)), " "); got != step.running {
			t.Errorf("there are %q: fillers of %q, want %q", step.there, got, step.running)
		}
		for name, one := range f.running {
			if before[name] != one {
				begun = append(begun, one)
			}
		}
	}
	if len(begun) != 4 {
		t.Errorf("%d fillers began, want one for each time that a source came", len(begun))
	}
	stop()
	f.all.Wait()
	for _, one := range begun {
		<-one.ended
	}
}
