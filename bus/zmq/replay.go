package zmq

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// newReplays makes the clients that ask publishers for what was missed.
func newReplays(c Config, now func() time.Time, log *slog.Logger) (map[string]bus.Archive, error) {
	replays := map[string]bus.Archive{}
	for _, name := range slices.Sorted(maps.Keys(c.Replay.Endpoints)) {
		if c.Endpoints[name] == nil && !c.Finds() { // a name that is found may be away at the moment
			return nil, fmt.Errorf("replay.endpoints: %s: no such name in endpoints", name)
		}
		a, err := parseAddress(c.Replay.Endpoints[name])
		if err != nil {
			return nil, fmt.Errorf("replay.endpoints: %s: %w", name, err)
		}
		replays[name] = &replayClient{addr: a, timeout: c.Replay.Timeout, now: now, log: log.With("endpoint", name)}
	}
	if c.Replay.Listen != "" {
		if _, err := parseAddress(c.Replay.Listen); err != nil {
			return nil, fmt.Errorf("replay.listen: %w", err)
		}
	}
	return replays, nil
}

// Archives gives the publishers' own stores: a Source is bus.Archived.
func (s *Source) Archives() map[string]bus.Archive { return s.replays }

// Wants reports whether an endpoint subscribes to a topic: a Source is bus.Selective.
func (s *Source) Wants(source, topic string) bool {
	return slices.ContainsFunc(s.current(), func(e *endpoint) bool { return e.name == source && e.wants(topic) })
}
