package directory

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
)

// A Watcher keeps the Snapshot of a file and reads the file again when it has changed.
type Watcher = watch.Watcher[*Snapshot]

// Watch reads file and returns its Watcher. It fails when the file has no good value at first. Run checks the
// file every interval.
func Watch(file string, interval time.Duration, log *slog.Logger) (*Watcher, error) {
	w, err := watch.New(File(file), interval, log)
	if err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	return w, nil
}

// File returns the source from which a Watcher reads file. Pass it to Watcher.Change to move to another file.
func File(file string) watch.Source[*Snapshot] {
	return watch.Source[*Snapshot]{
		Name: "directory",
		File: file,
		Look: func() ([]fs.FileInfo, error) {
			stat, err := os.Stat(file)
			return []fs.FileInfo{stat}, err
		},
		Read: func() (watch.Content[*Snapshot], error) {
			text, err := readBounded(file)
			return watch.Content[*Snapshot]{
				Sum:  sha256.Sum256(text),
				Make: func() (*Snapshot, error) { return parseFile(file, text) },
			}, err
		},
		Figures: func(s *Snapshot) []any { return []any{"groups", len(s.members), "packages", len(s.owners)} },
	}
}

// ReadFile reads the directory's file once.
func ReadFile(file string) (*Snapshot, error) {
	text, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	return parseFile(file, text)
}

func parseFile(file string, text []byte) (*Snapshot, error) {
	s, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// readBounded reads a regular file; one that is longer than MaxFile is read to one byte more.
func readBounded(file string) ([]byte, error) {
	stat, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return text, nil
}
