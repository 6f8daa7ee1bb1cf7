package lines

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/internal/wholefile"
)

const (
	maxState = 16 << 20 // bytes of the file
	// keptAfter is how long after a change the file is written.
	keptAfter = 20 * time.Millisecond
	// triedAfter is the pause where it could not be written.
	triedAfter = 5 * time.Second
)

// A state is the file that keeps the places of all inputs. It is safe for concurrent use.
type state struct {
	path    string
	log     *slog.Logger
	trouble trouble
	wake    chan struct{} // has room for one: something has changed

	writing sync.Mutex // held while the file is written

	mu     sync.Mutex
	files  map[string]map[string]place    // by input and path, as they were read
	follow map[string]map[string]*tracker // the same, of what is being read
	ended  bool                           // keep has returned
	later  *time.Timer                    // writes the file then
}

// stored is the file.
type stored struct {
	Inputs map[string]map[string]place `json:"inputs"`
}

// openState reads the file. One that does not exist is a beginning.
func openState(path string, log *slog.Logger) (*state, error) {
	s := &state{
		path: path, log: log, wake: make(chan struct{}, 1), files: map[string]map[string]place{},
		follow: map[string]map[string]*tracker{},
	}
	text, err := watch.ReadFile(path, maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var read stored
	if err := json.Unmarshal(text, &read); err != nil || read.Inputs == nil {
		return nil, fmt.Errorf("%s does not say what was read; without the file all inputs are read from the beginning", path)
	}
	s.files = read.Inputs
	return s, nil
}

// of gives where a file of an input is to be read on, and what follows that.
func (s *state) of(input, path string) (p place, t *tracker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t = s.follow[input][path]; t != nil {
		p, _ = t.at()
		return p, t
	}
	p = s.files[input][path]
	t = &tracker{place: p.mark, changed: s.changed}
	if s.follow[input] == nil {
		s.follow[input] = map[string]*tracker{}
	}
	s.follow[input][path] = t
	return p, t
}

// knows reports whether a file of an input was read before.
func (s *state) knows(input, path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.files[input][path]
	return known || s.follow[input][path] != nil
}

// changed has the file written soon. Once keep has ended nobody waits for that: then it is written here, at once when
// everything is done with, as at an orderly stop.
func (s *state) changed() {
	s.mu.Lock()
	now := s.ended && s.settled()
	switch {
	case now && s.later != nil:
		s.later.Stop()
		s.later = nil
	case now:
	case !s.ended:
		select {
		case s.wake <- struct{}{}:
		default:
		}
	case s.later == nil:
		s.later = time.AfterFunc(keptAfter, func() {
			s.mu.Lock()
			s.later = nil
			s.mu.Unlock()
			s.write()
		})
	}
	s.mu.Unlock()
	if now {
		s.write()
	}
}

// settled reports whether all that was handed over is done with. The caller holds mu.
func (s *state) settled() bool {
	for _, files := range s.follow {
		for _, t := range files {
			if _, all := t.at(); !all {
				return false
			}
		}
	}
	return true
}

// keep writes the file after every change, until ended is closed, and then once more.
func (s *state) keep(ended <-chan struct{}) {
	s.mu.Lock()
	s.ended = false // it may have been kept before
	s.mu.Unlock()
	var due <-chan time.Time // when it is written; nil: not before something changes
	wake := s.wake
	for open := true; open; {
		select {
		case <-wake:
			wake, due = nil, time.After(keptAfter) // one commit of the router has many acknowledgements
		case <-due:
			wake, due = s.wake, nil
			if !s.write() {
				due = time.After(triedAfter)
			}
		case <-ended:
			open = false
		}
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.write()
}

// write writes the file. Where it cannot, what was read since is read again after a restart.
func (s *state) write() bool {
	s.writing.Lock() // before mu, so that no older state takes the place of a newer one
	defer s.writing.Unlock()
	text := s.text()
	if text == nil {
		return true
	}
	err := wholefile.Replace(s.path, text)
	switch {
	case err == nil:
		s.trouble.set("")
	case s.trouble.set(err.Error()):
		s.log.Error("how far was read cannot be stored; a restart would read it again", "error", err)
	}
	return err == nil
}

// text is what the file should be now; nil where only pipes are read.
func (s *state) text() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stored{Inputs: map[string]map[string]place{}}
	for input, files := range s.files {
		now.Inputs[input] = maps.Clone(files)
	}
	for input, files := range s.follow {
		if now.Inputs[input] == nil {
			now.Inputs[input] = map[string]place{}
		}
		for path, t := range files {
			now.Inputs[input][path], _ = t.at()
		}
	}
	if len(now.Inputs) == 0 {
		return nil
	}
	text, _ := json.Marshal(now) // numbers and names: it cannot fail
	return append(text, '\n')
}
