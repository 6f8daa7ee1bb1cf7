package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/backoff"
)

// A reading reads one path, through all files that it is, one after the other.
type reading struct {
	*input
	path   string
	begun  bool
	ended  bool
	up     bool          // it is connected
	pause  time.Duration // before it is looked at again
	places *tracker      // nil for a pipe
	done   place         // what was committed when this process began
	at     mark          // where to read on
	old    []string      // files that were rotated away, to be read to their end before
}

// errSpent says that a path was read by an earlier run, and is gone now; or that it is nothing to read.
var errSpent = errors.New("nothing to read")

// begin looks where the path is to be read on. It does not open it: a pipe that is opened for a moment ends its writer.
func (r *reading) begin() error {
	if r.path == standardInput {
		r.begun = true
		return nil
	}
	info, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) && !r.Follow && (r.pattern() || r.state.knows(r.name, r.path)) {
		return errSpent
	}
	if err != nil {
		return err
	}
	kind, err := kindOf(info.Mode())
	switch {
	case err != nil && r.pattern():
		r.log.Warn("left out", "path", r.path, "error", err)
		return errSpent
	case err != nil:
		return fmt.Errorf("%s: %w", r.path, err)
	case kind != pipe:
		r.done, r.places = r.state.of(r.name, r.path)
		r.at = r.done.mark
	}
	r.files++
	r.begun = true
	return nil
}

// read reads until the path has ended. errOther says that it is another file now.
func (r *reading) read(ctx context.Context, in *bus.Intake) error {
	if !r.begun {
		if err := r.begin(); err != nil {
			return err
		}
	}
	for len(r.old) > 0 {
		err := r.readOne(ctx, in, r.old[0], false)
		gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOther) // it was deleted meanwhile
		if err != nil && !gone {
			return err
		}
		r.old = r.old[1:]
		r.restart()
	}
	return r.readOne(ctx, in, r.path, r.Follow)
}

// connect notes that frames can come, or not.
func (r *reading) connect(up bool) {
	if r.up != up {
		r.up = up
		r.Connected(up)
	}
}

// restart goes to the beginning of the next file.
func (r *reading) restart() {
	r.at, r.done = mark{}, place{}
	r.files++
}

// readOne reads one file.
func (r *reading) readOne(ctx context.Context, in *bus.Intake, path string, follow bool) error {
	f, err := open(ctx, path)
	if err != nil {
		return err
	}
	defer f.close()
	if f.kind == pipe {
		return r.readPipe(ctx, in, f)
	}
	before, err := f.seek(r.at)
	if errors.Is(err, errOther) {
		return r.lookBeside(ctx, path)
	}
	if err != nil {
		return err
	}
	r.connect(true)
	r.trouble.set("")
	lines := newLineReader(f.in, r.at, before)
	for {
		err := r.handAll(ctx, in, path, lines)
		switch {
		case !errors.Is(err, io.EOF):
			return err
		case !follow || f.kind == compressed:
			return r.last(ctx, in, path, lines)
		}
		replaced := f.replaced(path) // before the end is looked for again: what is written then is for the new file
		if !replaced && !r.wait(ctx) {
			return ctx.Err()
		}
		if replaced {
			return r.next(ctx, in, path, lines)
		}
	}
}

// wait waits before the path is looked at again; false: ctx has ended.
func (r *reading) wait(ctx context.Context) bool {
	r.pause = min(max(2*r.pause, lookMin), lookMax)
	return backoff.Sleep(ctx, r.pause)
}

// next reads the end of a file that was rotated away.
func (r *reading) next(ctx context.Context, in *bus.Intake, path string, lines *lineReader) error {
	err := r.handAll(ctx, in, path, lines)
	if errors.Is(err, io.EOF) {
		err = r.last(ctx, in, path, lines)
	}
	if err != nil {
		return err
	}
	r.log.Info("the file was rotated: reading the next", "path", path)
	r.restart()
	return errOther
}

// lookBeside finds the file that was read before at a path where there is another one now, or which was truncated.
func (r *reading) lookBeside(ctx context.Context, path string) error {
	if r.Follow && path == r.path {
		if r.old = rotated(ctx, path, r.at); len(r.old) > 0 {
			r.log.Info("the file was rotated: reading the rest of the old one first", "path", path, "old", r.old[0])
			return errOther
		}
	}
	r.log.Warn("it is another file than before, or was truncated: what was not read of it before is lost", "path", path,
		"line", r.at.Line)
	r.restart()
	return errOther
}

// handAll hands over all lines until an error; io.EOF is the end for now.
func (r *reading) handAll(ctx context.Context, in *bus.Intake, path string, lines *lineReader) error {
	for ctx.Err() == nil {
		l, err := lines.next()
		if err != nil {
			return err
		}
		if err := r.hand(ctx, in, path, l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// last hands over a line that no line break ends.
func (r *reading) last(ctx context.Context, in *bus.Intake, path string, lines *lineReader) error {
	if l, some := lines.rest(); some {
		return r.hand(ctx, in, path, l)
	}
	return nil
}

// readPipe reads until the writers of a pipe have ended, or ctx.
func (r *reading) readPipe(ctx context.Context, in *bus.Intake, f *file) error {
	lines := newLineReader(f, mark{}, nil)
	r.trouble.set("")
	for written := r.path == standardInput; ; {
		before := lines.read()
		err := r.handAll(ctx, in, r.path, lines)
		if ctx.Err() != nil || !errors.Is(err, io.EOF) {
			return err
		}
		if lines.read() > before {
			written = true
		}
		if err := r.last(ctx, in, r.path, lines); err != nil {
			return err
		}
		r.connect(false)
		switch {
		case written && !r.Follow:
			return nil
		case f.replaced(r.path):
			return errOther
		case !r.wait(ctx):
			return ctx.Err()
		}
	}
}

// hand hands over what a line says.
func (r *reading) hand(ctx context.Context, in *bus.Intake, path string, l line) error {
	r.connect(true)
	r.lines++
	r.pause = 0
	if r.done.has(l.from) {
		r.at = l.end
		r.note(l, 0)
		return nil
	}
	if l.from == 0 && r.Follow && r.places != nil && len(l.text) > 0 && r.places.begin(begins(l.text)) {
		r.state.write() // so that it is found even when it is rotated before anything is committed
	}
	frames, faults := framesOf(l)
	for _, fault := range faults {
		r.drop(path, l.end.Line, fault.text)
		r.Dropped(fault.reason)
	}
	done := r.note(l, len(frames))
	for _, f := range frames {
		f.Late, f.Ack = f.Late || r.Late, done
		if reason := f.OutOfBounds(); reason != "" {
			r.drop(path, l.end.Line, reason)
		}
		if err := r.Forward(ctx, in, f); err != nil {
			return err
		}
	}
	r.at = l.end
	return nil
}

// note notes a line that becomes so many frames.
func (r *reading) note(l line, frames int) (done func()) {
	if r.places == nil {
		return nil
	}
	return r.places.add(r.files, l.from, l.end, frames)
}
