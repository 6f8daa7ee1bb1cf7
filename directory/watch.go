package directory

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/notifyd/notifyd/internal/watch"
)

// File returns the source from which a watcher reads the directory's file. If the file is alone, packages may name only
// groups that it has; else other sources may know them.
func File(file string, alone bool) watch.Source[*Facts] {
	return watch.Source[*Facts]{
		Name: "directory",
		File: file,
		Look: func() ([]fs.FileInfo, error) {
			stat, err := os.Stat(file)
			return []fs.FileInfo{stat}, err
		},
		Read: func() (watch.Content[*Facts], error) {
			text, err := readBounded(file)
			return watch.Content[*Facts]{
				Sum:  sha256.Sum256(text),
				Make: func() (*Facts, error) { return parseFile(file, text, alone) },
			}, err
		},
		Figures: func(f *Facts) []any { return []any{"groups", len(f.Groups), "packages", len(f.Packages)} },
	}
}

// ReadFile reads the directory's file once, and makes a Snapshot of it alone.
func ReadFile(file string) (*Snapshot, error) {
	f, err := ReadFacts(file, true)
	if err != nil {
		return nil, err
	}
	return Merge(Policy{}, Part{Facts: f}), nil
}

// ReadFacts reads the directory's file once; see File.
func ReadFacts(file string, alone bool) (*Facts, error) {
	text, err := readBounded(file)
	if err != nil {
		return nil, err
	}
	return parseFile(file, text, alone)
}

func parseFile(file string, text []byte, alone bool) (*Facts, error) {
	f, err := parse(text, alone)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
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
