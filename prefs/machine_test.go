package prefs_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/rulespec"
)

// TestStateMachine compares the store with a model of which filter must reach which destination, through random
// changes by two users.
func TestStateMachine(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		runs := 0
		rapid.Check(t, func(r *rapid.T) {
			runs++
			m := &machine{s: s, d: d, c: c, ctx: t.Context(), destinations: map[uint]*modelDestination{},
				filters: map[rulespec.FilterID]*modelFilter{}}
			for _, name := range []string{"alice", "bob"} {
				u, err := register(m.ctx, s, fmt.Sprintf("%s-%d", name, runs), "")
				m.must(r, err)
				m.users = append(m.users, u)
				m.empty(r, u.ID)
			}
			r.Repeat(map[string]func(*rapid.T){
				"": m.check, "add": m.add, "confirm": m.confirm, "switch": m.switchDestination, "disable": m.disable,
				"drop": m.drop,
				"save": m.save, "on": m.on, "once": m.once, "fire": m.fire, "delete": m.deleteFilter, "stop": m.stop,
			})
			for _, u := range m.users {
				m.must(r, s.Accounts.Delete(m.ctx, u.ID))
			}
		})
	})
}

type modelDestination struct {
	user                    uint
	address                 string
	confirmed, on, disabled bool
}

type modelFilter struct {
	user    uint
	on      bool
	oneShot bool
	chosen  map[uint]bool // nil: all
}

type machine struct {
	s            *prefs.Store
	d            *migrations.DB
	c            *clock
	ctx          context.Context
	users        []prefs.User
	destinations map[uint]*modelDestination
	filters      map[rulespec.FilterID]*modelFilter
	revision     int64
	follower     follower
}

// empty deletes the filters and the destination that a new user begins with.
func (m *machine) empty(r *rapid.T, userID uint) {
	filters, err := m.s.Filters.List(m.ctx, userID)
	m.must(r, err)
	for _, f := range filters {
		m.must(r, m.s.Filters.Delete(m.ctx, userID, f.ID))
	}
	destinations, err := m.s.Destinations.List(m.ctx, userID)
	m.must(r, err)
	for _, d := range destinations {
		m.must(r, m.s.Destinations.Delete(m.ctx, userID, d.ID))
	}
}

func (m *machine) must(r *rapid.T, err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (m *machine) user(r *rapid.T) uint { return rapid.SampledFrom(m.users).Draw(r, "user").ID }

func (m *machine) destination(r *rapid.T) (uint, *modelDestination) {
	if len(m.destinations) == 0 {
		r.Skip()
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.destinations))).Draw(r, "destination")
	return id, m.destinations[id]
}

func (m *machine) filter(r *rapid.T) (rulespec.FilterID, *modelFilter) {
	if len(m.filters) == 0 {
		r.Skip()
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.filters))).Draw(r, "filter")
	return id, m.filters[id]
}

func (m *machine) add(r *rapid.T) {
	user, address := m.user(r), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "address")
	d, err := m.s.Destinations.Add(m.ctx, user, "irc", address)
	m.must(r, err)
	if m.destinations[d.ID] == nil {
		m.destinations[d.ID] = &modelDestination{user: user, address: address, on: true}
	}
}

func (m *machine) confirm(r *rapid.T) {
	id, d := m.destination(r)
	m.c.pass(25 * 3600e9) // this test is not about the limit of codes
	code, err := m.s.Destinations.NewCode(m.ctx, d.user, id)
	m.must(r, err)
	claimed := false
	for other, o := range m.destinations {
		claimed = claimed || other != id && o.confirmed && o.address == d.address
	}
	err = m.s.Destinations.Confirm(m.ctx, d.user, id, code)
	if claimed {
		if err != prefs.ErrClaimed {
			r.Fatalf("Confirm = %v, want ErrClaimed", err)
		}
		return
	}
	m.must(r, err)
	d.confirmed, d.disabled = true, false
}

func (m *machine) switchDestination(r *rapid.T) {
	id, d := m.destination(r)
	on := rapid.Bool().Draw(r, "on")
	m.must(r, m.s.Destinations.SetOn(m.ctx, d.user, id, on))
	d.on, d.disabled = on, d.disabled && !on
}

func (m *machine) disable(r *rapid.T) {
	id, d := m.destination(r)
	m.must(r, m.s.Destinations.Disable(m.ctx, id, "refused"))
	d.disabled = true
}

func (m *machine) drop(r *rapid.T) {
	id, d := m.destination(r)
	m.must(r, m.s.Destinations.Delete(m.ctx, d.user, id))
	delete(m.destinations, id)
	for _, f := range m.filters {
		delete(f.chosen, id)
		if f.user == d.user && f.chosen != nil && len(f.chosen) == 0 {
			f.on = false
		}
	}
}

func (m *machine) save(r *rapid.T) {
	user := m.user(r)
	f := packageFilter("f", "bash")
	f.On, f.OneShot = rapid.Bool().Draw(r, "on"), rapid.Bool().Draw(r, "one-shot")
	model := &modelFilter{user: user, on: f.On, oneShot: f.OneShot}
	for _, id := range slices.Sorted(maps.Keys(m.destinations)) {
		if m.destinations[id].user == user && rapid.Bool().Draw(r, "chosen") {
			f.Destinations = append(f.Destinations, id)
			if model.chosen == nil {
				model.chosen = map[uint]bool{}
			}
			model.chosen[id] = true
		}
	}
	if old := m.own(user); len(old) > 0 && rapid.Bool().Draw(r, "change") {
		f.ID = rapid.SampledFrom(old).Draw(r, "old")
	}
	saved, err := m.s.Filters.Save(m.ctx, user, f)
	m.must(r, err)
	m.filters[saved.ID] = model
}

func (m *machine) own(user uint) (ids []rulespec.FilterID) {
	for id, f := range m.filters {
		if f.user == user {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (m *machine) on(r *rapid.T) {
	id, f := m.filter(r)
	f.on = rapid.Bool().Draw(r, "on")
	m.must(r, m.s.Filters.SetOn(m.ctx, f.user, id, f.on))
}

func (m *machine) once(r *rapid.T) {
	id, f := m.filter(r)
	if f.chosen != nil && len(f.chosen) == 0 {
		r.Skip() // saving it again would let it reach all destinations
	}
	f.oneShot = rapid.Bool().Draw(r, "one-shot")
	m.must(r, setOneShot(m.ctx, m.s, f.user, id, f.oneShot))
}

// fire delivers for all filters at once.
func (m *machine) fire(r *rapid.T) {
	var want []rulespec.FilterID
	ids := slices.Sorted(maps.Keys(m.filters))
	for _, id := range ids {
		if f := m.filters[id]; f.on && f.oneShot {
			want = append(want, id)
			f.on = false
		}
	}
	var got []rulespec.FilterID
	m.must(r, m.d.Writer.Transaction(func(tx *gorm.DB) (err error) {
		got, err = m.s.Subscriptions.SwitchOffOneShots(tx, ids)
		return err
	}))
	if !slices.Equal(got, want) {
		r.Fatalf("switched off %v, want %v", got, want)
	}
}

func (m *machine) deleteFilter(r *rapid.T) {
	id, f := m.filter(r)
	m.must(r, m.s.Filters.Delete(m.ctx, f.user, id))
	delete(m.filters, id)
}

func (m *machine) stop(r *rapid.T) {
	id, f := m.filter(r)
	to, d := m.destination(r)
	_, err := m.s.Unsubscriber.Unsubscribe(m.ctx, links.Target{Filter: id, Destination: to})
	if d.user != f.user {
		if err != prefs.ErrNotFound {
			r.Fatalf("Stop = %v, want ErrNotFound", err)
		}
		return
	}
	m.must(r, err)
	if f.chosen == nil {
		f.chosen = map[uint]bool{}
		for other, o := range m.destinations {
			if o.user == f.user && o.confirmed {
				f.chosen[other] = true
			}
		}
	}
	delete(f.chosen, to)
	if len(f.chosen) == 0 {
		f.on = false
	}
}

// check compares which filter reaches which destination.
func (m *machine) check(r *rapid.T) {
	want := make(map[rulespec.FilterID][]uint)
	for id, f := range m.filters {
		for to, d := range m.destinations {
			if f.on && d.user == f.user && d.confirmed && d.on && !d.disabled && (f.chosen == nil || f.chosen[to]) {
				want[id] = append(want[id], to)
			}
		}
		slices.Sort(want[id])
		if len(want[id]) == 0 {
			delete(want, id)
		}
	}
	subs, err := everything(m.ctx, m.s, m.d)
	m.must(r, err)
	got := make(map[rulespec.FilterID][]uint)
	for _, sub := range subs {
		if !slices.ContainsFunc(m.users, func(u prefs.User) bool { return u.ID == sub.User.ID }) {
			continue // left over from a run that failed
		}
		for _, to := range sub.Destinations {
			if to.UserID != sub.User.ID || sub.Filter.UserID != sub.User.ID {
				r.Fatalf("crossed: %+v", sub)
			}
			got[sub.Filter.ID] = append(got[sub.Filter.ID], to.ID)
		}
	}
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("reached %v, want %v", got, want)
	}
	now, err := m.s.Subscriptions.Revision(m.ctx, nil)
	m.must(r, err)
	if now < m.revision {
		r.Fatalf("the revision fell from %d to %d", m.revision, now)
	}
	m.revision = now
	_, err = m.follower.follow(m.ctx, m.s, m.d)
	m.must(r, err)
	problem, err := m.follower.check(m.ctx, m.s, m.d)
	if m.must(r, err); problem != "" {
		r.Fatal(problem)
	}
}
