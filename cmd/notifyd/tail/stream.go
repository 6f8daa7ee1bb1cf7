package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/cmd/notifyd/archive"
)

// A Stream shows messages, each once: those that an archive has since a time, and then what comes.
//
// No message is lost between the two. What comes is received from the beginning, and waits until the archive is read.
// What was sent before the subscription stood, and is in the archive only later, is found when the archive is asked
// again, from some time before it was asked last; and so is what a lost connection has cost. What is found twice is
// known by its id and content.
type Stream struct {
	Source  bus.Source
	Archive archive.Archive // nil: only what comes is shown
	Since   time.Time
	Keep    func(*bus.Message) bool  // judges a message, and reports whether it is shown
	Show    func(*bus.Message) error // ErrEnough ends the stream without an error
	Now     func() time.Time
	Log     *slog.Logger

	known *bus.DedupWindow
}

// ErrEnough is the error of Show when no more is wanted.
var ErrEnough = errors.New("enough")

// errShow is wrapped by every error of Show.
var errShow = errors.New("write message")

const (
	// knownIDs is how many messages are remembered without an archive, and knownOfBoth with one: those of lookBack and the
	// longest pause, at 1600 a second.
	knownIDs    = 10_000
	knownOfBoth = 200_000
	// lookBack is how far before the last time an archive is asked again. What it took longer to store is not shown.
	lookBack = time.Minute
)

// looks are the pauses before the archive is asked again; then it is the last of them.
var looks = []time.Duration{3 * time.Second, 10 * time.Second, time.Minute}

// Run shows messages until ctx ends, or enough are shown. A Show that waits makes the publishers wait.
func (s *Stream) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := bus.NewIntake(bus.IntakeConfig{})
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- s.Source.Run(ctx, in)
	}()
	err := s.run(ctx, in)
	cancel()
	if errors.Is(err, ErrEnough) {
		err = nil
	}
	return errors.Join(err, <-ended)
}

func (s *Stream) run(ctx context.Context, in *bus.Intake) error {
	if s.Archive == nil {
		s.known = bus.NewDedupWindow(knownIDs)
		return s.follow(ctx, in)
	}
	s.known = bus.NewDedupWindow(knownOfBoth)
	since := s.Since
	for n := 0; ctx.Err() == nil; n++ {
		began := s.Now()
		err := s.Archive.Each(ctx, since, began, s.late, s.showLate)
		switch {
		case err == nil:
			if back := began.Add(-lookBack); back.After(since) {
				since = back
			}
		case ctx.Err() != nil:
			return nil
		case n == 0 || errors.Is(err, errShow):
			return err
		default:
			s.Log.Error("what was missed cannot be asked for; trying again", "error", err)
		}
		next, stop := context.WithTimeout(ctx, looks[min(n, len(looks)-1)])
		err = s.follow(next, in)
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// late is Keep for a message of the archive.
func (s *Stream) late(m *bus.Message) bool {
	m.Late = true
	return s.Keep(m)
}

func (s *Stream) showLate(m *bus.Message) error {
	if !s.late(m) {
		return nil
	}
	return s.show(m)
}

func (s *Stream) show(m *bus.Message) error {
	if s.known.See(m) == bus.Repeat {
		return nil
	}
	if err := s.Show(m); err != nil {
		return fmt.Errorf("%w: %w", errShow, err)
	}
	return nil
}

// follow shows what comes until ctx ends.
func (s *Stream) follow(ctx context.Context, in *bus.Intake) error {
	for batch, open := in.Next(ctx); open; batch, open = in.Next(ctx) {
		for _, f := range batch {
			m, err := bus.Decode(f, s.Now())
			f.Done()
			if err != nil {
				s.Log.Warn("message dropped", "error", Visible(err.Error()))
				continue
			}
			if !s.Keep(m) {
				continue
			}
			if err := s.show(m); err != nil {
				return err
			}
		}
	}
	return nil
}
