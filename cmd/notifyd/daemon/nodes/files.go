package nodes

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

// Files compares what the nodes read from files of their own: directory, catalogue and parts of the configuration. Each
// node reads its own, since a site deploys them like the program, and a node goes on with its last good ones whatever
// becomes of others. But nodes that read different ones match differently, or delete what others keep; so each says
// what it has, and when another has something else.
type Files struct {
	Node string
	DB   *gorm.DB
	Sums func() map[string]string // of what this node reads, by name; "" for no file
	Log  *slog.Logger

	mu     sync.Mutex
	differ []string
}

// Run looks until ctx ends; then this node says nothing any more.
func (f *Files) Run(ctx context.Context) error {
	tick := time.NewTicker(saidEvery)
	defer tick.Stop()
	var before []string // what the last look found: files are not replaced everywhere at one moment
	for failed := false; ; {
		found, err := f.look(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			f.Log.Warn("cannot compare the files of the nodes; trying again", "error", err)
		}
		if failed = err != nil; !failed {
			f.note(slices.DeleteFunc(slices.Clone(found), func(d string) bool { return !slices.Contains(before, d) }))
			before = found
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := tell(f.DB.WithContext(last), f.Node, fileFact, nil); err != nil {
				f.Log.Debug("the files of this node are compared for a while yet", "error", err)
			}
			return nil
		case <-tick.C:
		}
	}
}

// look says what this node reads, and gives in words what another node reads that is not the same.
func (f *Files) look(ctx context.Context) ([]string, error) {
	mine := f.Sums()
	err := f.DB.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return tell(tx, f.Node, fileFact, mine) })
	if err != nil {
		return nil, err
	}
	all, err := facts(ctx, f.DB, fileFact)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, other := range all {
		if own, both := mine[other.Name]; both && own != other.Value && other.Age < fresh {
			found = append(found, fmt.Sprintf("the nodes do not read the same %s, and so do not work alike: "+
				"here it is %s, at %s %s", other.Name, digest(own), other.Node, digest(other.Value)))
		}
	}
	return found, nil
}

func digest(sum string) string { return cmp.Or(sum[:min(12, len(sum))], "none") }

// note logs what is new.
func (f *Files) note(differ []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range differ {
		if !slices.Contains(f.differ, d) {
			f.Log.Warn(d)
		}
	}
	if len(differ) == 0 && len(f.differ) > 0 {
		f.Log.Info("the nodes read the same files again")
	}
	f.differ = differ
}

// Warnings gives what differs. A nil Files has none.
func (f *Files) Warnings() []string {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.differ)
}
