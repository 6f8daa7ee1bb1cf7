package say

import (
	"context"
	"time"

	"github.com/notifyd/notifyd/internal/backoff"
)

// silences_nodes.go is about several nodes, of which one at a time looks for silences.

// settling is how long nodes have to say which endpoints they run. Before that one that nobody has named yet would be
// forgotten.
const settling = time.Minute

// gather gives the endpoints; nil: they are not known yet.
func (s *Silences) gather(ctx context.Context) (map[string]bool, error) {
	if s.Gather == nil {
		return s.Endpoints(), nil
	}
	endpoints, err := s.Gather(ctx, s.HeardAll)
	if s.Now().Sub(s.began) < settling {
		endpoints = nil
	}
	return endpoints, err
}

// Term is Run for a node that has the lease of it, and goes on with what another one knew.
func (s *Silences) Term(ctx context.Context) error {
	for s.Gather != nil {
		err := s.Restore(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		s.Log.Error("cannot read the paces of services; trying again", "error", err)
		backoff.Sleep(ctx, time.Second)
	}
	return s.Run(ctx)
}

// Follow keeps what is known for people up to date where another node looks for silences, until ctx ends. here reports
// whether this node does.
func (s *Silences) Follow(ctx context.Context, here func() bool) error {
	tick := time.NewTicker(watched)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if here() {
			continue
		}
		if err := s.Restore(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("cannot read which services are silent; trying again", "error", err)
		}
	}
}
