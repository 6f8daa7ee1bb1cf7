package outbox

import (
	"context"
)

// maxCommit bounds the outcomes of one transaction.
const maxCommit = 64

// results gathers outcomes of many workers into few transactions: a commit costs a disk flush.
type results struct {
	in chan result
}

type result struct {
	outcome outcome
	done    chan<- error // buffered
}

func newResults() *results { return &results{in: make(chan result)} }

// record waits until the outcome is in the database.
func (r *results) record(ctx context.Context, out outcome) error {
	done := make(chan error, 1)
	select {
	case r.in <- result{out, done}:
		return <-done // run answers everything that it took
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run commits what comes until stop is closed; all who record have then returned.
func (r *results) run(ctx context.Context, stop <-chan struct{}, settle func(context.Context, []outcome) error) {
	for {
		select {
		case <-stop:
			return
		case first := <-r.in:
			batch := r.more([]result{first})
			outcomes := make([]outcome, len(batch))
			for i, b := range batch {
				outcomes[i] = b.outcome
			}
			err := settle(ctx, outcomes)
			for _, b := range batch {
				b.done <- err
			}
		}
	}
}

// more adds what is already there.
func (r *results) more(batch []result) []result {
	for len(batch) < maxCommit {
		select {
		case next := <-r.in:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}
