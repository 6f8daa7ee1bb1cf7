package daemon

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/pace"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/nodes"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestWhatIsASignOfLife: a service lives by what it says now, and not by what strangers, archives or we say of it.
func TestWhatIsASignOfLife(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		r, _, _, _ := aRouter(t, d)
		r.follow(t, d)
		r.paces = pace.NewWatch(pace.Config{})
		of := func(service string) bus.Frame {
			f := push("2026-"+service, "bash")
			f.Topic = strings.Replace(f.Topic, ".git.", "."+service+".", 1)
			f.Payload = []byte(strings.Replace(string(f.Payload), ".git.", "."+service+".", 1))
			return f
		}
		forged, late, own := of("forged"), of("late"), of("own")
		forged.Payload = []byte(strings.Replace(string(forged.Payload), "{", `{"signature":"x","certificate":"x",`, 1))
		late.Late, own.Own = true, true
		r.describe([]bus.Frame{of("git"), forged, late, own, {Source: "hub", Topic: "org.example.test._heartbeat",
			Payload: []byte(`{"topic":"org.example.test._heartbeat","msg":{}}`)}})
		states, _ := r.paces.(*pace.Watch).States()
		var heard []string
		for _, s := range states {
			heard = append(heard, s.Subject.String())
		}
		if got := strings.Join(heard, ", "); got != "endpoint hub, endpoint test, service git of org.example.test" {
			t.Errorf("heard %s", got)
		}
	})
}

// A spent is a source with a Meter alone.
type spent struct{ *bus.Meter }

func (spent) Run(context.Context, *bus.Intake) error { return nil }

// TestSpentInputIsNoEndpoint: a file that was read to its end has not lost its connection.
func TestSpentInputIsNoEndpoint(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	read, lost := bus.NewMeter("read", "", quiet), bus.NewMeter("lost", "", quiet)
	read.Ended()
	all := map[string]bus.Source{"a": spent{read}, "b": spent{lost}}
	s := &Service{sources: all, listening: &nodes.Sources{All: all}}
	if got := s.endpoints(); !maps.Equal(got, map[string]bool{"lost": false}) {
		t.Errorf("endpoints %v", got)
	}
	if got := strings.Join(sourceNames(s.sources), " "); got != "lost read" {
		t.Errorf("names %s", got)
	}
}
