package outbox

import "context"

// maxCommit bounds the completions of one transaction.
const maxCommit = 64

// A groupCommit writes the completions of many workers in few transactions: each commit costs a disk flush, and all
// that came meanwhile share the next one (DeWitt et al., "Implementation Techniques for Main Memory Database Systems",
// 1984).
type groupCommit struct {
	in chan pending
}

// A pending is a completion whose worker waits for the commit.
type pending struct {
	completion completion
	committed  chan<- error // buffered
}

func newGroupCommit() *groupCommit { return &groupCommit{in: make(chan pending)} }

// write waits until the completion is in the database.
func (g *groupCommit) write(ctx context.Context, c completion) error {
	committed := make(chan error, 1)
	select {
	case g.in <- pending{c, committed}:
		return <-committed // run answers everything that it took
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run commits what comes until stop is closed. No write may be waiting then.
func (g *groupCommit) run(ctx context.Context, stop <-chan struct{}, commit func(context.Context, []completion) error) {
	for {
		select {
		case <-stop:
			return
		case first := <-g.in:
			batch := g.more([]pending{first})
			completions := make([]completion, len(batch))
			for i, p := range batch {
				completions[i] = p.completion
			}
			err := commit(ctx, completions)
			for _, p := range batch {
				p.committed <- err
			}
		}
	}
}

// more adds what is already there.
func (g *groupCommit) more(batch []pending) []pending {
	for len(batch) < maxCommit {
		select {
		case next := <-g.in:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}
