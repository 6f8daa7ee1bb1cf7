package daemon

import (
	"context"

	"github.com/notifyd/notifyd/rulespec"
)

// maxExpensiveLogged is the number of too expensive filters that a line of the log names.
const maxExpensiveLogged = 20

// expensive holds the filters that were found too expensive and are not yet marked in the store.
type expensive struct {
	steps    map[rulespec.FilterID]int64
	revision int64 // of preferences when the first of them was found
}

// markExpensive marks in the store the filters that were found too expensive, so that their owners learn of it. The
// index already ignores them. If the store fails, the next batch tries again.
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

// warmCaches looks up, in each new index, every package that the directory knows. It runs beside the router, so that
// the first message about a package does not wait for the look-up. It runs until ctx ends.
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
