package catalogue

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"
)

// A Watcher keeps the Catalogue of a site's folder and loads it again when a file there has changed.
type Watcher struct {
	site     fs.FS
	interval time.Duration
	log      *slog.Logger
	current  atomic.Pointer[Catalogue]
	broken   atomic.Bool

	// What follows belongs to Run.
	stat    string            // of the folder as last read
	settled bool              // stat was the same at the poll after that read
	hash    [sha256.Size]byte // of the files as last loaded, good or not
	failure string            // the last failure told, "" when all is well
	wrong   error             // what was wrong with those files
}

// Watch loads the embedded catalogue with site over it and gives its Watcher; it fails when there is no first good one.
// Run looks every interval; where site is nil there is nothing to look at, and it only waits.
func Watch(site fs.FS, interval time.Duration, log *slog.Logger) (*Watcher, error) {
	if interval <= 0 {
		return nil, fmt.Errorf("watch catalogue: the interval %v is not positive", interval)
	}
	w := &Watcher{site: site, interval: interval, log: log}
	if err := w.read(); err != nil {
		return nil, err
	}
	return w, nil
}

// Load gives the last good Catalogue, never nil.
func (w *Watcher) Load() *Catalogue { return w.current.Load() }

// Good says whether the catalogue is what the folder says now: false while a broken file keeps the last good one in use.
func (w *Watcher) Good() bool { return !w.broken.Load() }

// Run looks for changes until ctx ends, and then returns nil. A folder that cannot be read or has mistakes leaves the
// Catalogue as it is; each such failure is logged once, and so is its end.
func (w *Watcher) Run(ctx context.Context) error {
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if w.site != nil {
				w.poll()
			}
		}
	}
}

// poll reads the folder when it looks changed, and once more at the poll after that: two writes within one tick of the
// file system's clock have the same time.
func (w *Watcher) poll() {
	stat, err := statOf(w.site)
	if err == nil && stat == w.stat {
		if w.settled {
			return
		}
		w.settled = true
	} else {
		w.settled = false
	}
	if err == nil {
		err = w.read()
	} else {
		w.stat = ""
	}
	w.broken.Store(err != nil)
	switch {
	case err != nil && err.Error() != w.failure:
		w.failure = err.Error()
		w.log.Error("catalogue not reloaded; the last good one stays", "error", err)
	case err == nil && w.failure != "":
		w.failure = ""
		w.log.Info("catalogue readable again")
	}
}

// read loads the catalogue when the bytes of its files have changed. Files with a mistake are compiled once, however
// often they are seen.
func (w *Watcher) read() error {
	if w.site == nil {
		c, err := Load(nil)
		w.current.Store(c)
		return err
	}
	stat, err := statOf(w.site)
	if err != nil {
		return err
	}
	hash, err := hashOf(w.site)
	if err != nil {
		return err
	}
	w.stat = stat
	if hash == w.hash {
		return w.wrong
	}
	w.hash = hash
	next, err := Load(w.site)
	if w.wrong = err; err != nil {
		return err
	}
	if w.current.Swap(next) != nil {
		w.log.Info("catalogue loaded", "applications", len(next.apps), "kinds", len(next.Kinds()))
	}
	return nil
}
