// Package directories keeps the directory of a running daemon: it fetches what the sources know, keeps the last good
// value of each, and makes one snapshot of all.
//
//	d, err := directories.Open(directories.Config{File: "directory.yaml", Sources: sources, DB: db, ...})
//	go d.Run(ctx)
//	d.Load().Groups("alice") // never waits
//	d.Confirmed()            // the same without hints: what opens doors
//
// # What holds
//
//   - Load takes no lock and never waits for a source. Sources are fetched in goroutines of their own, each by its own
//     interval, and with a pause that grows while it fails.
//   - The last good value of a source stays until there is a better one, also over restarts: it is in the database.
//   - A value that suddenly holds much less than the last one is refused, and an operator is told: see sane. The
//     operator can say that it is right (notifyd directory accept).
//   - Of several nodes the one with the lease "directory" fetches; the others read what it has stored. So a server is
//     asked once, and the nodes know the same.
//   - The file of the directory is read by each node itself, as it is deployed with the program.
//   - What messages on the bus say of owners and members counts at once, until the source has been asked again: see
//     hints.go.
package directories

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/backoff"
	"github.com/notifyd/notifyd/internal/watch"
)

// A Config is what Directories need.
type Config struct {
	Settings
	Sources map[string]directory.Config // that are fetched by one node for all
	// Local are sources that each node reads for itself, such as from the database; their last value is not stored.
	Local map[string]directory.Config
	DB    *gorm.DB // where the last values are; nil: nowhere, and nothing is fetched
	// Once makes of a loop one that runs on one node at a time.
	Once   func(run func(context.Context) error) func(context.Context) error
	Now    func() time.Time
	Random func() float64 // in [0, 1)
	Log    *slog.Logger
}

// Directories are the sources of one daemon. They are safe for concurrent use.
type Directories struct {
	Config
	snapshot  atomic.Pointer[directory.Snapshot] // with hints; nil while nothing is configured
	confirmed atomic.Pointer[directory.Snapshot] // without them
	file      *watch.Watcher[*directory.Facts]   // its value is nil where there is no file
	sources   []*entry                           // without the file, by precedence

	fetching atomic.Bool // this node fetches for all
	failed   bool        // the last look into the database; belongs to followAlways

	heard  atomic.Bool // hints were stored, and not taken yet
	taking sync.Mutex  // of hints

	mu     sync.Mutex // guards what follows, and the making of snapshots
	policy Settings   // with what a reload has changed
	hints  []hintRow  // by id
	active []int64    // the hints that count in snapshot
}

// fileName is the name of the directory's file among sources.
const fileName = "file"

// Open reads the file, and what is stored of the other sources. It asks no server.
func Open(ctx context.Context, c Config) (*Directories, error) {
	d := &Directories{Config: c, policy: c.Settings}
	var err error
	if d.file, err = watch.New(d.fileOf(c.Settings), c.Check, c.Log); err != nil {
		return nil, fmt.Errorf("read directory: %w", err)
	}
	for name, source := range c.Sources {
		d.sources = append(d.sources, newEntry(name, source, false))
	}
	for name, source := range c.Local {
		d.sources = append(d.sources, newEntry(name, source, true))
	}
	slices.SortFunc(d.sources, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
	if c.DB != nil {
		if err := d.follow(ctx); err != nil {
			return nil, fmt.Errorf("read what is stored of the directory: %w", err)
		}
	}
	d.renew()
	return d, nil
}

// fileOf returns the source of the directory's file. Without a file its value is nil.
func (d *Directories) fileOf(s Settings) watch.Source[*directory.Facts] {
	if s.File != "" {
		return directory.File(s.File, len(d.Sources)+len(d.Local) == 0)
	}
	return watch.Source[*directory.Facts]{
		Name:    "directory",
		Figures: func(*directory.Facts) []any { return []any{"configured", false} },
		Read: func() (watch.Content[*directory.Facts], error) {
			none := func() (*directory.Facts, error) { return nil, nil }
			return watch.Content[*directory.Facts]{Sum: emptySum, Make: none}, nil
		},
	}
}

// Load returns the directory as it is known now, nil while none is configured. A nil Directories has none.
func (d *Directories) Load() *directory.Snapshot {
	if d == nil {
		return nil
	}
	return d.snapshot.Load()
}

// renew makes a new snapshot.
func (d *Directories) renew() {
	d.mu.Lock()
	defer d.mu.Unlock()
	var parts []directory.Part
	if f := d.file.Load(); f != nil {
		parts = append(parts, directory.Part{Name: fileName, Facts: f})
	}
	for _, e := range d.sources {
		if f := e.load().facts; !e.local || f.Counts().Groups > 0 { // one without groups is as if it were not there
			parts = append(parts, directory.Part{Name: e.name, Facts: f})
		}
	}
	if len(parts) == 0 && len(d.policy.Bots) == 0 {
		d.confirmed.Store(nil)
		d.snapshot.Store(nil)
		return
	}
	place := d.policy.place
	slices.SortStableFunc(parts, func(a, b directory.Part) int { return cmp.Compare(place(a.Name), place(b.Name)) })
	d.confirmed.Store(directory.Merge(directory.Policy{Bots: d.policy.Bots}, parts...))
	d.active = nil
	d.overlay()
}

// Reload reads the file again, and takes the settings that may change while the daemon runs. On a mistake everything
// stays.
func (d *Directories) Reload(s Settings, changed bool) error {
	var err error
	if changed {
		err = d.file.Change(d.fileOf(s), s.Check)
	} else {
		err = d.file.Reload()
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.policy.Bots, d.policy.Precedence = s.Bots, s.Precedence
	d.mu.Unlock()
	d.renew()
	return nil
}

// FileSum returns the digest of the directory's file.
func (d *Directories) FileSum() [32]byte { return d.file.Sum() }

// Run keeps the directory up to date until ctx ends.
func (d *Directories) Run(ctx context.Context) error {
	var all sync.WaitGroup
	var errs [3]error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	start := func(i int, run func(context.Context) error) {
		all.Go(func() {
			if errs[i] = run(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	start(0, d.file.Run)
	start(1, d.takeFile)
	for _, e := range d.sources {
		if e.local {
			all.Go(func() { d.keep(ctx, e) })
		}
	}
	if d.DB != nil && len(d.Sources) > 0 {
		start(2, d.Once(d.refresh))
		all.Go(func() { d.followAlways(ctx) })
	}
	<-ctx.Done()
	all.Wait()
	return cmp.Or(errs[0], errs[1], errs[2])
}

// takeFile makes a new snapshot whenever the file has changed.
func (d *Directories) takeFile(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.file.Updates():
			d.renew()
		}
	}
}

// refresh fetches from all sources that are not local, each by itself, until ctx ends.
func (d *Directories) refresh(ctx context.Context) error {
	if err := d.follow(ctx); err != nil { // as the node that fetched before has left it
		d.Log.Warn("cannot read what is stored of the directory; trying again", "error", err)
	}
	if err := d.forget(ctx, slices.Collect(maps.Keys(d.Sources))); err != nil {
		d.Log.Warn("cannot delete what is stored of sources that are no longer configured", "error", err)
	}
	d.fetching.Store(true)
	defer d.fetching.Store(false)
	var all sync.WaitGroup
	for _, e := range d.sources {
		if !e.local {
			all.Go(func() { d.keep(ctx, e) })
		}
	}
	for backoff.Sleep(ctx, hintLasts/24) {
		if err := d.forgetHints(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("cannot delete old hints for the directory; trying again", "error", err)
		}
	}
	all.Wait()
	return nil
}

// waitMost is how long Wait waits.
const waitMost = 30 * time.Second

// Wait waits until each source has a value or has been tried, but not for ever: what is matched before would find
// unknown what is known a moment later.
func (d *Directories) Wait(ctx context.Context) {
	if d == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, waitMost)
	defer cancel()
	for _, e := range d.sources {
		select {
		case <-e.tried:
		case <-ctx.Done():
		}
	}
}
