package lines

import (
	"context"
	"log/slog"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/metric"
)

// A Source reads all inputs, each on its own.
type Source struct {
	inputs []*input
	state  *state
	log    *slog.Logger
}

// Run reads until ctx ends or every input has ended.
func (s *Source) Run(ctx context.Context, in *bus.Intake) error {
	var reading, keeping sync.WaitGroup
	for _, i := range s.inputs {
		reading.Go(func() { i.run(ctx, in) })
	}
	ended := make(chan struct{})
	keeping.Go(func() { s.state.keep(ended) })
	reading.Wait()
	close(ended)
	keeping.Wait()
	return nil
}

// Collect implements bus.Metered.
func (s *Source) Collect(emit metric.Emit) {
	for _, i := range s.inputs {
		i.Collect(emit)
	}
}

// Warnings implements bus.Warning: what cannot be read, or stored, at this moment.
func (s *Source) Warnings() []string {
	var all []string
	for _, i := range s.inputs {
		if text := i.trouble.get(); text != "" {
			all = append(all, "bus.lines.inputs."+i.name+": "+text)
		}
	}
	if text := s.state.trouble.get(); text != "" {
		all = append(all, "bus.lines.state: "+text)
	}
	return all
}

// A trouble is what is wrong at the moment, in words; "" for nothing.
type trouble struct {
	mu   sync.Mutex
	text string
}

func (t *trouble) get() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}

// set reports whether the text is another than before.
func (t *trouble) set(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := text != t.text
	t.text = text
	return changed
}
