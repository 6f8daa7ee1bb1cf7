package catalogue

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
)

// A Watcher keeps the Catalogue of a site's folder and loads it again when a file there has changed.
type Watcher = watch.Watcher[*Catalogue]

// Watch loads the embedded catalogue with site over it and gives its Watcher; it fails when there is no first good one.
// Run looks every interval; where site is nil there is nothing to look at, and it only waits.
func Watch(site fs.FS, interval time.Duration, log *slog.Logger) (*Watcher, error) {
	return watch.New(Source(site), interval, log)
}

// Source is a site's folder as a Watcher reads it; Watcher.Change takes one to go over to another folder. Nil is none.
func Source(site fs.FS) watch.Source[*Catalogue] {
	source := watch.Source[*Catalogue]{
		Name: "catalogue",
		Read: func() (watch.Content[*Catalogue], error) {
			sum, err := sumOf(site)
			return watch.Content[*Catalogue]{Sum: sum, Make: func() (*Catalogue, error) { return Load(site) }}, err
		},
		Figures: func(c *Catalogue) []any { return []any{"applications", len(c.apps), "kinds", len(c.Kinds())} },
	}
	if site != nil {
		source.Look = func() ([]fs.FileInfo, error) { return infos(site) }
	}
	return source
}

// infos gives how the files of a catalogue look from outside.
func infos(site fs.FS) ([]fs.FileInfo, error) {
	files, err := catalogueFiles(site)
	if err != nil {
		return nil, err
	}
	var out []fs.FileInfo
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed just now; the next look sees it
		}
		if err != nil {
			return nil, fmt.Errorf("look at catalogue file: %w", err)
		}
		out = append(out, info)
	}
	return out, nil
}

// sumOf gives the sum of the names and bytes of a site's files.
func sumOf(site fs.FS) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if site != nil {
		files, err := catalogueFiles(site)
		if err != nil {
			return sum, err
		}
		for _, f := range files {
			data, err := readFile(site, f.Name())
			if err != nil {
				return sum, err
			}
			fmt.Fprintf(h, "%q %d\n", f.Name(), len(data))
			h.Write(data)
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
