package rules

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A Matcher is an Index and the text of its filters, which it needs to explain itself. It is safe for concurrent use:
// Match takes no lock, and a change is seen as a whole. Compile makes it; the zero Matcher has no filters.
type Matcher struct {
	env   rulespec.Env
	index atomic.Pointer[Index]

	lock    sync.RWMutex // for what is below
	filters map[rulespec.FilterID]rulespec.Filter
	owned   map[string][]rulespec.FilterID // of each owner, ascending
}

// Compile makes a Matcher of filters. Filters that cannot be compiled never match and come back in broken, in the order
// of their ids; so does the second of two with the same id.
func Compile(filters []rulespec.Filter) (m *Matcher, broken []Broken) {
	return CompileIn(rulespec.Env{}, filters)
}

// CompileIn is Compile with the kinds of messages that env knows. The owner is each filter's own.
func CompileIn(env rulespec.Env, filters []rulespec.Filter) (m *Matcher, broken []Broken) {
	filters = slices.Clone(filters)
	slices.SortStableFunc(filters, func(a, b rulespec.Filter) int { return cmp.Compare(a.ID, b.ID) })
	m = &Matcher{
		env:     env,
		filters: make(map[rulespec.FilterID]rulespec.Filter, len(filters)),
		owned:   map[string][]rulespec.FilterID{},
	}
	changes := make([]Change, 0, len(filters))
	for _, f := range filters {
		if _, twice := m.filters[f.ID]; twice {
			broken = append(broken, Broken{f.ID, errors.New("another filter has the same id")})
			continue
		}
		m.keep(f)
		changes = append(changes, Change{Filter: f})
	}
	x := NewIndex(env)
	broken = append(broken, x.Apply(changes...)...)
	m.index.Store(x)
	slices.SortStableFunc(broken, func(a, b Broken) int { return cmp.Compare(a.Filter, b.Filter) })
	return m, broken
}

// Apply makes all changes at once. A filter that cannot be compiled never matches and comes back in broken.
func (m *Matcher) Apply(changes ...Change) (broken []Broken) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.filters == nil {
		m.filters, m.owned = map[rulespec.FilterID]rulespec.Filter{}, map[string][]rulespec.FilterID{}
	}
	for _, c := range changes {
		m.forget(c.Filter.ID)
		if !c.Gone {
			m.keep(c.Filter)
		}
	}
	x := m.index.Load()
	if x == nil || x.Stale() {
		return append(broken, m.rebuild(changes)...)
	}
	return x.Apply(changes...)
}

// Len is how many filters there are, without the broken ones.
func (m *Matcher) Len() int {
	if x := m.index.Load(); x != nil {
		return x.Len()
	}
	return 0
}

// rebuild makes a new index of what is kept; broken are those of changes only.
func (m *Matcher) rebuild(changes []Change) (broken []Broken) {
	all := make([]Change, 0, len(m.filters))
	for _, f := range m.filters {
		all = append(all, Change{Filter: f})
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Compare(a.Filter.ID, b.Filter.ID) })
	x := NewIndex(m.env)
	broken = x.Apply(all...)
	m.index.Store(x)
	return slices.DeleteFunc(broken, func(b Broken) bool {
		return !slices.ContainsFunc(changes, func(c Change) bool { return c.Filter.ID == b.Filter })
	})
}

func (m *Matcher) keep(f rulespec.Filter) {
	m.filters[f.ID] = f
	ids := m.owned[f.Owner]
	at, _ := slices.BinarySearch(ids, f.ID)
	m.owned[f.Owner] = slices.Insert(ids, at, f.ID)
}

func (m *Matcher) forget(id rulespec.FilterID) {
	f, known := m.filters[id]
	if !known {
		return
	}
	delete(m.filters, id)
	ids := m.owned[f.Owner]
	at, _ := slices.BinarySearch(ids, id)
	if ids = slices.Delete(ids, at, at+1); len(ids) == 0 {
		delete(m.owned, f.Owner)
	} else {
		m.owned[f.Owner] = ids
	}
}

// Match gives the ids of the filters that e matches, ascending. dir is the directory as it stood when e came, and may be
// nil: then what asks it cannot be evaluated.
func (m *Matcher) Match(e *catalogue.Event, dir rulespec.Directory) []rulespec.FilterID {
	var r Result
	m.Find(&r, e, dir)
	ids := r.AppendTo(nil)
	slices.Sort(ids)
	return ids
}

// Find puts the filters that e matches into r, by reference.
func (m *Matcher) Find(r *Result, e *catalogue.Event, dir rulespec.Directory) {
	if x := m.index.Load(); x != nil {
		x.Find(r, e, dir)
		return
	}
	r.reset(nil)
}

// TakeExpensive gives the filters found too expensive since the last call: see Index.TakeExpensive.
func (m *Matcher) TakeExpensive() []Expensive {
	if x := m.index.Load(); x != nil {
		return x.TakeExpensive()
	}
	return nil
}
