package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/wholefile"
)

const (
	// overlap is how far before the first message that may not be done with an archive is asked: clocks differ, and
	// messages come late.
	overlap = 10 * time.Minute
	// maxDone bounds the ids that are remembered. Of what is forgotten early a command may be run again.
	maxDone = 20_000
	// maxState bounds the file.
	maxState = 16 << 20
)

// A State remembers which messages were taken and which are done with, in a file unless its name is "". It is safe for
// concurrent use.
type State struct {
	file    string
	mu      sync.Mutex
	began   time.Time            // the first start: nothing is wanted from before
	passed  time.Time            // what was received before it was taken
	pending map[string]time.Time // taken and not done with, by reception
	done    []handled            // in the order in which they were done with
	known   map[string]bool      // all of pending and done
}

// handled is a message that is done with.
type handled struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // its reception
}

// stored is the file.
type stored struct {
	Began time.Time `json:"began"`
	Since time.Time `json:"since"` // what was received before is done with, but for overlap
	Done  []handled `json:"done"`
}

// OpenState reads the file. One that does not exist yet is a beginning at now.
func OpenState(file string, now time.Time) (*State, error) {
	s := &State{file: file, began: now, passed: now, pending: map[string]time.Time{}, known: map[string]bool{}}
	if file == "" {
		return s, nil
	}
	text, err := watch.ReadFile(file, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.Save()
	}
	var read stored
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err == nil && read.Since.IsZero() {
		err = errors.New("it does not say since when")
	}
	if err != nil {
		return nil, fmt.Errorf("read state %s: %w; without the file it begins anew", file, err)
	}
	s.began, s.passed, s.done = read.Began, read.Since, read.Done
	for _, h := range s.done {
		s.known[h.ID] = true
	}
	return s, nil
}

// Since is the time from which on an archive may have messages that are not done with.
func (s *State) Since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := s.since().Add(-overlap); since.After(s.began) {
		return since
	}
	return s.began
}

// since is the reception of the first message that may not be done with.
func (s *State) since() time.Time {
	since := s.passed
	for _, at := range s.pending {
		if at.Before(since) {
			since = at
		}
	}
	return since
}

// Known reports whether a message was taken before.
func (s *State) Known(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

// Take notes that a message was taken that was received at that time. It is false for one that was taken before.
func (s *State) Take(id string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[id] {
		return false
	}
	s.known[id] = true
	s.pending[id] = at
	return true
}

// Passed notes that whatever was received before a time was taken, if it was wanted.
func (s *State) Passed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.passed) {
		s.passed = at
	}
}

// Done notes that messages are done with.
func (s *State) Done(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if at, ok := s.pending[id]; ok {
			delete(s.pending, id)
			s.done = append(s.done, handled{id, at})
		}
	}
	oldest := s.since().Add(-overlap)
	if len(s.done) == 0 || len(s.done) < maxDone+maxDone/10 && !s.done[0].At.Before(oldest) {
		return // not every time: it reads the whole list
	}
	s.done = slices.DeleteFunc(s.done, func(h handled) bool {
		if h.At.Before(oldest) {
			delete(s.known, h.ID)
			return true
		}
		return false
	})
	if over := len(s.done) - maxDone; over > 0 {
		for _, h := range s.done[:over] {
			delete(s.known, h.ID)
		}
		s.done = slices.Delete(s.done, 0, over)
	}
}

// Save writes the file: beside the old one, then in its place, so that it is whole at any moment.
func (s *State) Save() error {
	if s.file == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock() // also so that an older state never replaces a newer one
	text, err := json.Marshal(stored{s.began, s.since(), append([]handled{}, s.done...)})
	if err == nil {
		err = wholefile.Replace(s.file, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
