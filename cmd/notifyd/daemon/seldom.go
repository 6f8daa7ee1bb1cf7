package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A seldom logs warnings about frames, of which strangers can make as many as they like: at most one line a minute for
// each source and reason, with the number of frames since the last. What came after a line is said when its minute is
// over, so that the lines add up to all frames when a burst has ended, too. The metrics count each at once.
type seldom struct {
	now func() time.Time
	log *slog.Logger

	mu   sync.Mutex
	held map[string]*heldLine // by source and reason
}

// A heldLine is the last warning of a source for a reason.
type heldLine struct {
	what   string
	more   []any
	at     time.Time // when a line was logged
	frames int       // since then
}

// seldomLogged is the time between two lines about one source for one reason.
const seldomLogged = time.Minute

func newSeldom(now func() time.Time, log *slog.Logger) *seldom {
	return &seldom{now: now, log: log, held: map[string]*heldLine{}}
}

// say logs a warning about a frame of a source, or holds it back.
func (s *seldom) say(source, reason, what string, more ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := source + " " + reason
	held := s.held[key]
	if held == nil {
		held = &heldLine{}
		s.held[key] = held
	}
	held.what, held.more = what, append([]any{"source", source}, more...)
	held.frames++
	s.sayHeld(held, false)
}

// sayHeld logs what is held back, where its minute is over, or now.
func (s *seldom) sayHeld(held *heldLine, now bool) {
	if held.frames == 0 || !now && s.now().Sub(held.at) < seldomLogged {
		return
	}
	s.log.Warn(held.what, append(held.more, "frames", held.frames)...)
	held.at, held.frames, held.more = s.now(), 0, nil
}

func (s *seldom) sayAll(now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, held := range s.held {
		s.sayHeld(held, now)
	}
}

// run logs what is held back when its minute is over, until ctx ends; then all of it.
func (s *seldom) run(ctx context.Context) error {
	tick := time.NewTicker(seldomLogged / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.sayAll(true)
			return nil
		case <-tick.C:
			s.sayAll(false)
		}
	}
}
