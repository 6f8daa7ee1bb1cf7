// Package watch keeps a value that is made from files up to date while the files change.
//
// A daemon reads its directory and its catalogue from files that people and programs replace at any time: by an editor,
// by a deployment, by a script that runs every night. The daemon must neither miss a change nor take half of one, and a
// mistake in a file must not take away what worked until then.
//
// # How it works
//
// A [Source] can look at its files, which is cheap (names, sizes, times), and read them, which is not. A [Watcher]
// looks every interval.
//
//   - Files that look changed are first left to settle: they are read when they look the same twice, a moment apart.
//     Files that never stop changing are read in the end all the same.
//   - They are read once more at the look after that, because two writes within one tick of a file system's clock leave
//     the same time. Nothing is made of bytes that are the same as before.
//   - What was read becomes the value when it has no mistake. Otherwise the last good value stays, and the mistake is
//     logged once, not at every look; so is its end.
//
// # What holds
//
//   - There is always a value: New fails where there is no first one.
//   - Load and Err take no lock and never wait for a file. Values are handed out as they are, so they must not change.
//   - Reload and Change read at once, without waiting for files to settle. The caller asked for it and gets the mistake
//     as an error; the watcher does not log it too.
//   - Run is the only goroutine. It ends with its context.
//
// An example, a file of numbers:
//
//	source := watch.Source[[]int]{
//		Name: "numbers",
//		Look: func() ([]fs.FileInfo, error) { info, err := os.Stat(file); return []fs.FileInfo{info}, err },
//		Read: func() (watch.Content[[]int], error) {
//			text, err := os.ReadFile(file)
//			parse := func() ([]int, error) { return numbersOf(text) }
//			return watch.Content[[]int]{Sum: sha256.Sum256(text), Make: parse}, err
//		},
//	}
//	w, err := watch.New(source, time.Minute, log)
//	...
//	go w.Run(ctx)
//	use(w.Load())
package watch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Source is where a value comes from.
type Source[T any] struct {
	Name string // what logs call the value, such as "directory"
	File string // the file or folder, for logs; may be ""
	// Look gives the files as they look from outside, always in the same order. Nil: there is nothing to watch.
	Look func() ([]fs.FileInfo, error)
	// Read reads the files, within bounds.
	Read func() (Content[T], error)
	// Figures says how large a value is, for logs, as pairs of name and number. It may be nil.
	Figures func(T) []any
}

// Content is what the files of a Source hold.
type Content[T any] struct {
	Sum  [sha256.Size]byte // of the bytes
	Make func() (T, error) // makes the value of them
}

// A Watcher keeps the value of a Source. It is safe for concurrent use.
type Watcher[T any] struct {
	log     *slog.Logger
	value   atomic.Pointer[T]
	failure atomic.Pointer[error] // of the last look or reading
	changed chan struct{}         // wakes Run when the interval is another
	updates chan struct{}         // see Updates

	mu       sync.Mutex
	source   Source[T]
	interval time.Duration
	state
}

// state is what a Watcher knows of its files.
type state struct {
	seen      []fs.FileInfo     // at the last look
	looks     int               // in a row that found files changed
	read      []fs.FileInfo     // as they looked when they were read
	confirmed bool              // they were read once more after that
	sum       [sha256.Size]byte // of the bytes, good or not
	wrong     error             // what is wrong with those bytes
}

// New reads the source and gives its Watcher. It fails where there is no first good value.
func New[T any](source Source[T], interval time.Duration, log *slog.Logger) (*Watcher[T], error) {
	w := &Watcher[T]{log: log, changed: make(chan struct{}, 1), updates: make(chan struct{}, 1)}
	if err := w.Change(source, interval); err != nil {
		return nil, err
	}
	return w, nil
}

// Load gives the last good value.
func (w *Watcher[T]) Load() T { return *w.value.Load() }

// Sum gives the digest of the bytes that were read last, good or not.
func (w *Watcher[T]) Sum() [sha256.Size]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}

// Updates gets something whenever there is a new value, the first included. Values that come while nobody receives
// from it are one.
func (w *Watcher[T]) Updates() <-chan struct{} { return w.updates }

// Err says why the value is not what the files say now. It is nil when it is.
func (w *Watcher[T]) Err() error {
	if failure := w.failure.Load(); failure != nil {
		return *failure
	}
	return nil
}

// Reload reads the files now. On a mistake it gives the error, and the value stays.
func (w *Watcher[T]) Reload() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.looks, w.read, w.confirmed = nil, 0, nil, false
	err := w.take()
	w.failure.Store(&err)
	return err
}

// Change reads another source now and watches that one from then on, every interval. On a mistake it gives the error,
// and source, interval and value stay as they were.
func (w *Watcher[T]) Change(source Source[T], interval time.Duration) error {
	if interval <= 0 {
		return fmt.Errorf("watch %s: the interval %v is not positive", source.Name, interval)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	before, beforeState := w.source, w.state
	w.source, w.state = source, state{}
	if err := w.take(); err != nil {
		w.source, w.state = before, beforeState
		return err
	}
	w.failure.Store(nil)
	w.interval = interval
	select {
	case w.changed <- struct{}{}:
	default: // Run has not seen the last one yet
	}
	return nil
}

// Run looks for changes until ctx ends, and then returns nil.
func (w *Watcher[T]) Run(ctx context.Context) error {
	timer := time.NewTimer(w.pause())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.changed:
			timer.Reset(w.pause())
		case <-timer.C:
			timer.Reset(w.poll())
		}
	}
}

func (w *Watcher[T]) pause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.interval
}
