package irc

import (
	"errors"

	"github.com/ergochat/irc-go/ircmsg"
)

// maxBatches, maxBatched and maxBatchedBytes bound what the library gathers in open batches.
const (
	maxBatches      = 8
	maxBatched      = 500
	maxBatchedBytes = 1 << 20
)

var (
	errBatches = errors.New("the server opened more batches than it has answers to give")
	errBatched = errors.New("the server puts more into a batch than any answer has")
)

// batches keeps the book of open batches by their names, as the library does: a batch that is closed by another name is
// open still.
type batches struct {
	open  map[string]bool
	lines int // in batches, since none was open
	bytes int
}

func (b *batches) count(m ircmsg.Message, size int) error {
	if m.HasTag("batch") {
		b.lines++
		b.bytes += size
	}
	if m.Command == "BATCH" && len(m.Params) > 0 && len(m.Params[0]) > 1 {
		switch name := m.Params[0][1:]; m.Params[0][0] {
		case '+':
			b.open[name] = true
		case '-':
			delete(b.open, name)
		}
	}
	if len(b.open) == 0 {
		b.lines, b.bytes = 0, 0
	}
	switch {
	case len(b.open) > maxBatches:
		return errBatches
	case b.lines > maxBatched, b.bytes > maxBatchedBytes:
		return errBatched
	}
	return nil
}
