package lines

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
)

const (
	// A file that is followed is looked at again after these pauses, the longer the longer nothing has come; a pipe
	// without a writer, too.
	lookMin = 2 * time.Millisecond
	lookMax = 200 * time.Millisecond
	// What cannot be read is tried again after these pauses.
	retryMin = time.Second
	retryMax = time.Minute
)

// An input is one input, while it is read.
type input struct {
	*bus.Meter
	Input
	name    string
	state   *state
	log     *slog.Logger
	trouble trouble
	lines   int64  // that were read
	dropped uint64 // of them
	files   int    // that were begun
}

func newInput(name string, c Input, s *state, log *slog.Logger) *input {
	log = log.With("input", name)
	return &input{Meter: bus.NewMeter(name, c.Path, log), Input: c, name: name, state: s, log: log}
}

// run reads until ctx ends or the input has ended: all that its path names.
func (i *input) run(ctx context.Context, in *bus.Intake) {
	defer i.Ended()
	readings := map[string]*reading{} // by path
	for failed := int64(0); ctx.Err() == nil; {
		before := i.lines
		open, err := i.pass(ctx, in, readings)
		switch {
		case ctx.Err() != nil:
			return
		case !open:
			i.log.Info("read to the end", "path", i.Path)
			return
		case err == nil: // there may be more
			failed = 0
			continue
		case i.lines != before:
			failed = 0
		}
		failed++
		pause := backoff.Delay(retryMin, retryMax, failed, rand.Float64)
		if errors.Is(err, fs.ErrNotExist) && i.Follow {
			pause = lookMax
		}
		backoff.Sleep(ctx, pause)
	}
}

// pass reads each file that has not ended, once. open reports whether there may be more to read; the error is one of
// those that a file could not be read for.
func (i *input) pass(ctx context.Context, in *bus.Intake, readings map[string]*reading) (open bool, err error) {
	paths := []string{i.Path}
	if i.pattern() {
		if paths, _ = filepath.Glob(i.Path); len(paths) == 0 && len(readings) == 0 { // sorted; it was checked
			i.fail("no file matches", i.Path, nil)
		}
	}
	for _, path := range paths {
		r := readings[path]
		if r == nil {
			r = &reading{input: i, path: path}
			readings[path] = r
		}
		if r.ended || ctx.Err() != nil {
			continue
		}
		one := r.read(ctx, in)
		r.connect(false)
		switch {
		case one == nil, errors.Is(one, errSpent):
			r.ended, open = true, open || i.pattern()
		case errors.Is(one, errOther): // it was replaced: nothing is wrong
			open = true
		case ctx.Err() == nil && !errors.Is(one, bus.ErrClosed):
			open, err = true, one
			i.fail("cannot be read; trying again", path, one)
		}
	}
	return open && ctx.Err() == nil, err
}

// fail says what is wrong, where that is new.
func (i *input) fail(what, path string, err error) {
	text := what + ": " + path
	if err != nil {
		text = err.Error()
	}
	if i.trouble.set(text) {
		i.log.Warn(what, "path", path, "error", err)
	}
}

// drop counts a line that is left out, and names some of them: the first, and then ever fewer.
func (i *input) drop(path string, number int64, fault string) {
	if i.dropped++; bits.OnesCount64(i.dropped) == 1 {
		i.log.Warn("line left out", "file", path, "line", number, "fault", fault, "lines", i.dropped)
	}
}
