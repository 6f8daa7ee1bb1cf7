package daemon

import (
	"sync/atomic"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A meaning is the catalogue as the daemon uses it: the site's folder as it stands, with the directory's accounts. It is
// safe for concurrent use and takes no lock.
type meaning struct {
	watcher   *catalogue.Watcher
	directory func() *directory.Snapshot
	current   atomic.Pointer[reading]
}

// A reading is a meaning at one moment.
type reading struct {
	*catalogue.Catalogue                      // with the accounts
	loaded               *catalogue.Catalogue // without: another one means that kinds may have come or gone
	snapshot             *directory.Snapshot
	knowsKind            func(string) bool
	kindName             func(string) string
}

// load gives the meaning as it stands, made anew when the catalogue or the directory was loaded anew.
func (m *meaning) load() *reading {
	loaded, snapshot := m.watcher.Load(), m.directory()
	old := m.current.Load()
	if old != nil && old.loaded == loaded && old.snapshot == snapshot {
		return old
	}
	r := &reading{Catalogue: loaded.WithAccounts(snapshot.Accounts()), loaded: loaded, snapshot: snapshot}
	if old != nil && old.loaded == loaded {
		r.knowsKind, r.kindName = old.knowsKind, old.kindName
	} else {
		r.knowsKind, r.kindName = loaded.KnownKinds(), loaded.KindNames()
	}
	m.current.Store(r)
	return r
}

// The parts of a meaning that the pages ask for, each time as they stand then.

func (m *meaning) describe(message *bus.Message) *catalogue.Event { return m.load().Describe(message) }
func (m *meaning) kinds() []catalogue.MessageKind                 { return m.load().Kinds() }
func (m *meaning) knowsKind(name string) bool                     { return m.load().knowsKind(name) }
func (m *meaning) kindName(kind string) string                    { return m.load().kindName(kind) }

// sentence gives a filter in words that people read: kinds of message by the names that the catalogue has for them.
func (m *meaning) sentence(f rulespec.Filter) string {
	return rulespec.Sentence(rulespec.Env{KindName: m.load().kindName}, f)
}
