package daemon

import (
	"context"

	"github.com/notifyd/notifyd/rulespec"
)

// maxExpensiveLogged is how many filters that are too expensive a line of the log names.
const maxExpensiveLogged = 20

// expensive is the filters found too expensive that the store does not know of yet.
type expensive struct {
	steps    map[rulespec.FilterID]int64
	revision int64 // of preferences when the first of them was found
}

// markExpensive has the store mark the filters found too expensive, which match nothing already, so that their owners
// learn of it. What the store does not take is tried again with the next batch.
func (r *router) markExpensive(ctx context.Context) {
	if skipped := r.state.index.Skipped(); skipped != r.state.skipped {
		r.metrics.skipped.Add(float64(skipped - r.state.skipped))
		r.state.skipped = skipped
	}
	found := r.state.index.TakeExpensive()
	for _, f := range found {
		if len(r.expensive.steps) == 0 {
			r.expensive = expensive{steps: map[rulespec.FilterID]int64{}, revision: r.state.revision}
		}
		r.expensive.steps[f.Filter] = f.Steps
	}
	if len(r.expensive.steps) == 0 {
		return
	}
	if err := r.subscriptions.MarkExpensive(ctx, r.expensive.steps, r.expensive.revision); err != nil {
		r.log.Error("cannot mark filters that are too expensive; trying again", "filters", len(r.expensive.steps), "error",
			err)
		return
	}
	var some []rulespec.FilterID
	for id := range r.expensive.steps {
		if some = append(some, id); len(some) == maxExpensiveLogged {
			break
		}
	}
	r.metrics.expensive.Add(float64(len(r.expensive.steps)))
	r.log.Warn("filters are too expensive and match nothing until their rules change", "filters", len(r.expensive.steps),
		"some", some)
	r.expensive = expensive{}
}

// warmCaches looks up the packages that the directory knows in each new index, beside the router, so that the first
// message about one does not wait for it. It runs until ctx ends.
func (r *router) warmCaches(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case index := <-r.cold:
			if known := r.directory(); known != nil {
				if err := index.Warm(ctx, "package", known.Known()); err != nil {
					return nil // ctx has ended
				}
			}
		}
	}
}
