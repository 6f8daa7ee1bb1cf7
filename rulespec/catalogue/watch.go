package catalogue

import (
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
	source := watch.InFolder(site, files, func() (*Catalogue, error) { return Load(site) })
	source.Name = "catalogue"
	source.Figures = func(c *Catalogue) []any { return []any{"applications", len(c.apps), "kinds", len(c.Kinds())} }
	return source
}
