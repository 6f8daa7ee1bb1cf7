package outbox

import (
	"context"
	"errors"
	"slices"
)

// maxCommit bounds the completions of one transaction.
const maxCommit = 400

// A groupCommit writes the completions of many workers in few transactions: each commit costs a disk flush, and all
// that came meanwhile share the next one (DeWitt et al., "Implementation Techniques for Main Memory Database Systems",
// 1984). Workers do not wait for it.
type groupCommit struct {
	in chan pending
}

// A pending is a completion that is to be written. ended is called once it is, or when there is no time any more.
type pending struct {
	completion completion
	ended      func(committed bool)
}

func newGroupCommit() *groupCommit { return &groupCommit{in: make(chan pending, maxCommit)} }

// write hands over a completion. Every one that is handed over ends.
func (g *groupCommit) write(c completion, ended func(committed bool)) { g.in <- pending{c, ended} }

// run commits what comes until stop is closed. No write may be under way then. failed is told of errors, waits before
// the next try, and says whether there is time for one.
func (g *groupCommit) run(
	stop <-chan struct{}, commit func([]completion) error, failed func(error) (again bool),
) {
	for {
		select {
		case <-stop:
			return
		case first := <-g.in:
			persist(g.more([]pending{first}), commit, failed)
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

// persist commits a batch. While the database cannot be written (a full disk) it tries again: forgetting that a parcel
// was sent would send it twice. Where only some completions cannot be written, the others are.
func persist(batch []pending, commit func([]completion) error, failed func(error) (again bool)) {
	for {
		tries := mostTries
		left, err := persistParts(batch, commit, &tries)
		if err == nil {
			return
		}
		if batch = left; !failed(err) {
			break
		}
	}
	for _, p := range batch {
		p.ended(false)
	}
}

// mostTries bounds the commits that fail before a pause: one completion of maxCommit that cannot be written takes 18.
const mostTries = 32

// persistParts commits a batch, or what it can of its halves, and gives what is left.
func persistParts(batch []pending, commit func([]completion) error, tries *int) (left []pending, err error) {
	completions := make([]completion, len(batch))
	for i, p := range batch {
		completions[i] = p.completion
	}
	if err = commit(completions); err == nil {
		for _, p := range batch {
			p.ended(true)
		}
		return nil, nil
	}
	hangs := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if *tries--; *tries <= 0 || hangs || len(batch) == 1 {
		return batch, err
	}
	half := len(batch) / 2
	first, err := persistParts(batch[:half], commit, tries)
	second, more := persistParts(batch[half:], commit, tries)
	return slices.Concat(first, second), errors.Join(err, more)
}
