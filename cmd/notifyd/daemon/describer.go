package daemon

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// LoadCatalogue loads what the daemon would use, for a command: the catalogue with the accounts of the directory, and
// the directory. The directory is nil where none is configured.
func (s Settings) LoadCatalogue() (*catalogue.Catalogue, rulespec.Directory, error) {
	log := slog.New(slog.DiscardHandler)
	entries, err := catalogue.Watch(folder(s.Catalogue.Folder), s.Catalogue.Check, log)
	if err != nil {
		return nil, nil, fmt.Errorf("load catalogue: %w", err)
	}
	snapshot, err := s.Directory.Alone()
	if err != nil {
		return nil, nil, fmt.Errorf("load directory: %w", err)
	}
	return entries.Load().WithAccounts(snapshot.Accounts()), asDirectory(snapshot), nil
}

// A describer turns messages into events, with the current catalogue and the accounts of the directory. It is safe
// for concurrent use and takes no lock.
type describer struct {
	watcher   *catalogue.Watcher
	directory func() *directory.Snapshot
	current   atomic.Pointer[view]
}

// A view is the catalogue and the directory that a describer uses at one moment.
type view struct {
	*catalogue.Catalogue                      // with the accounts
	loaded               *catalogue.Catalogue // without them; a new one means that kinds may have been added or removed
	snapshot             *directory.Snapshot
	knowsKind            func(string) bool
	kindName             func(string) string
	appName              func(string) string
}

// load returns the current view. It makes a new one when the catalogue or the directory was replaced.
func (m *describer) load() *view {
	loaded, snapshot := m.watcher.Load(), m.directory()
	old := m.current.Load()
	if old != nil && old.loaded == loaded && old.snapshot == snapshot {
		return old
	}
	r := &view{Catalogue: loaded.WithAccounts(snapshot.Accounts()), loaded: loaded, snapshot: snapshot}
	if old != nil && old.loaded == loaded {
		r.knowsKind, r.kindName, r.appName = old.knowsKind, old.kindName, old.appName
	} else {
		r.knowsKind, r.kindName, r.appName = loaded.KnownKinds(), loaded.KindNames(), loaded.AppNames()
	}
	m.current.Store(r)
	return r
}

// The pages call these methods. Each call uses the catalogue and the directory of that moment.

func (m *describer) describe(message *bus.Message) *catalogue.Event {
	return m.load().Describe(message)
}
func (m *describer) kinds() []catalogue.MessageKind { return m.load().Kinds() }
func (m *describer) knowsKind(name string) bool     { return m.load().knowsKind(name) }
func (m *describer) objectsOf(address string) []string {
	return m.load().ObjectsOf(address)
}
func (m *describer) kindName(kind string) string { return m.load().kindName(kind) }
func (m *describer) appName(app string) string   { return m.load().appName(app) }

// env returns what filters are checked with.
func (m *describer) env() rulespec.Env {
	return rulespec.Env{KnowsKind: m.knowsKind, ObjectsOf: m.objectsOf}
}

// env returns what the index compiles filters with, as long as this catalogue is there.
func (v *view) env() rulespec.Env {
	return rulespec.Env{KnowsKind: v.knowsKind, ObjectsOf: v.loaded.ObjectsOf}
}

// sentence returns a filter in words. It uses the catalogue's names for kinds of message.
func (m *describer) sentence(f rulespec.Filter) string {
	return rulespec.Sentence(rulespec.Env{KindName: m.load().kindName}, f)
}
