package directory

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A Watcher keeps the Snapshot of a file and reads the file again when it has changed.
type Watcher struct {
	file     string
	interval time.Duration
	log      *slog.Logger
	current  atomic.Pointer[Snapshot]

	// What follows belongs to Run.
	stat    os.FileInfo       // of the file as last read
	settled bool              // stat was the same at the poll after that read
	hash    [sha256.Size]byte // of the text as last parsed, good or not
	wrong   error             // what was wrong with that text
	failure string            // the last failure told, "" when all is well
}

// Watch reads file and gives its Watcher; it fails when there is no first good value. Run looks every interval.
func Watch(file string, interval time.Duration, log *slog.Logger) (*Watcher, error) {
	if interval <= 0 {
		return nil, fmt.Errorf("watch directory: the interval %v is not positive", interval)
	}
	w := &Watcher{file: file, interval: interval, log: log}
	if err := w.read(); err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	return w, nil
}

// ReadFile reads the directory's file once.
func ReadFile(file string) (*Snapshot, error) {
	text, _, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	s, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// Load gives the last good Snapshot, never nil.
func (w *Watcher) Load() *Snapshot { return w.current.Load() }

// Run looks for changes until ctx ends, and then returns nil. A file that cannot be read or parsed leaves the Snapshot
// as it is; each such failure is logged once, and so is its end.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.poll()
		}
	}
}

// poll reads the file when it looks changed. A file is read once more after it was seen to change: two writes within
// the clock tick of a file system have the same time.
func (w *Watcher) poll() {
	stat, err := os.Stat(w.file)
	if err == nil && w.failure == "" && sameState(stat, w.stat) {
		if w.settled {
			return
		}
		w.settled = true
	} else {
		w.settled = false
	}
	if err == nil {
		err = w.read()
	}
	switch {
	case err != nil && err.Error() != w.failure:
		w.failure = err.Error()
		w.log.Error("directory not reloaded; the last good one stays", "file", w.file, "error", err)
	case err == nil && w.failure != "":
		w.failure = ""
		w.log.Info("directory readable again", "file", w.file)
	}
}

// sameState says whether a file looks the same. The time and size tell most changes, the identity tells a file that was
// moved into place.
func sameState(a, b os.FileInfo) bool {
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

// read takes the file's content when its bytes have changed. A text with a mistake is parsed once, however often it is
// seen.
func (w *Watcher) read() error {
	text, stat, err := readBounded(w.file)
	if err != nil {
		return err
	}
	w.stat = stat
	hash := sha256.Sum256(text)
	if hash == w.hash {
		return w.wrong
	}
	w.hash = hash
	next, err := Parse(text)
	if err != nil {
		w.wrong = fmt.Errorf("%s: %w", w.file, err)
		return w.wrong
	}
	w.wrong = nil
	w.current.Store(next)
	w.log.Info("directory loaded", "file", w.file, "groups", len(next.members), "packages", len(next.owners))
	return nil
}

// readBounded reads a regular file of at most MaxFile bytes.
func readBounded(file string) ([]byte, os.FileInfo, error) {
	stat, err := os.Stat(file)
	if err != nil {
		return nil, nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is no regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if stat, err = f.Stat(); err != nil {
		return nil, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", file, err)
	}
	return text, stat, nil
}
