package mute

import (
	"cmp"
	"slices"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Facts are what a mute needs to know of a message.
type Facts struct {
	App, Kind, Person string
	Packages, Objects []string
	Error             bool   // it is an error, or worse
	Solved            string // the object that it says is solved, where people need not doubt it; "": none
	Spared            bool   // it takes back a notice that went out before: nothing silences that
}

// OfEvent gives the facts of an event.
func OfEvent(e *catalogue.Event) Facts {
	f := Facts{
		App: e.App, Kind: e.Kind, Person: e.Actor, Packages: e.Packages, Objects: e.Objects,
		Error: e.Severity >= catalogue.Error,
	}
	if len(e.Objects) > 0 && !e.Standing.Marked && e.Phase() == catalogue.PhaseSolved {
		f.Solved = cmp.Or(e.Thread, e.Objects[0])
	}
	return f
}

// OfNotice gives the facts of a notice. It names at most some of many packages and objects.
func OfNotice(n *backends.Notice) Facts {
	f := Facts{
		App: n.App, Kind: n.Kind, Person: n.Actor, Packages: n.Packages, Objects: n.Objects,
		Error:  n.Severity == catalogue.Error.String() || n.Severity == catalogue.Critical.String(),
		Spared: n.Unconfirmed,
	}
	if len(n.Objects) > 0 && n.Standing == "" && n.Phase == string(catalogue.PhaseSolved) {
		f.Solved = n.Objects[0]
	}
	return f
}

// Silences reports whether it silences a message at a moment, whatever the filters that matched. A mute of a filter
// does not: see SilencesFilter.
func (m *Mute) Silences(f *Facts, now time.Time) bool {
	return m.Kind != Filter && m.may(f, now) && m.About(f)
}

// SilencesFilter reports whether it silences what a filter says of a message at a moment: it is of that filter, or
// silences the message.
func (m *Mute) SilencesFilter(filter uint64, f *Facts, now time.Time) bool {
	if m.Kind == Filter {
		return filter != 0 && m.filter() == filter && m.may(f, now)
	}
	return m.Silences(f, now)
}

// may reports whether it silences anything of the kind at a moment.
func (m *Mute) may(f *Facts, now time.Time) bool {
	return m.On(now) && !f.Spared && !(m.Errors && f.Error) && !m.Ender(f)
}

// About reports whether a message is about what is muted, whenever it comes. Of a mute of a filter it is false.
func (m *Mute) About(f *Facts) bool {
	switch m.Kind {
	case Object:
		return slices.Contains(f.Objects, m.Value)
	case Package:
		return slices.ContainsFunc(f.Packages, m.is)
	case Topic:
		return f.Kind != "" && m.is(f.Kind)
	case Person:
		return f.Person != "" && m.is(f.Person)
	case App:
		return f.App != "" && m.is(f.App)
	}
	return false
}

// Ender reports whether a message ends a mute that lasts until something is solved. That message comes through.
func (m *Mute) Ender(f *Facts) bool {
	return m.UntilSolved && f.Solved != "" && m.Kind == Object && m.Value == f.Solved
}

// First returns the first of mutes that silences what a filter says of a message; nil: none does. filter is 0 where it
// is not known.
func First(list []Mute, filter uint64, f *Facts, now time.Time) *Mute {
	for i := range list {
		if list[i].SilencesFilter(filter, f, now) {
			return &list[i]
		}
	}
	return nil
}

// All returns the first of mutes by which everything is silenced that filters say of a message; nil: something comes
// through. No filter that is known: only mutes of the message itself silence it.
func All(list []Mute, filters []uint64, f *Facts, now time.Time) *Mute {
	if len(filters) == 0 {
		return First(list, 0, f, now)
	}
	var by *Mute
	for _, id := range filters {
		m := First(list, id, f, now)
		if m == nil {
			return nil
		}
		if by == nil || m.ID < by.ID {
			by = m
		}
	}
	return by
}

// OfWaiting returns the mute by which a notice that is owed because of reasons is silenced; nil: it is not.
func OfWaiting(list []Mute, n *backends.Notice, reasons []outbox.Reason, now time.Time) *Mute {
	if len(list) == 0 {
		return nil
	}
	filters := make([]uint64, len(reasons)) // 0 for one that is not known
	for i, r := range reasons {
		filters[i] = r.Filter
	}
	facts := OfNotice(n)
	return All(list, filters, &facts, now)
}
