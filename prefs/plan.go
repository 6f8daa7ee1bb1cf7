package prefs

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// The bounds on a notice: a mass rebuild names thousands of packages, and each delivery stores its notice.
const (
	maxTitle = 120  // runes
	maxText  = 2000 // runes
	maxList  = 50   // users, packages, objects
)

// Plan says what is owed because of an event and the filters it hit: one delivery for each destination, however many
// filters reach it; its notice lists them all. The order is that of the destinations' ids. Plan is pure. links may be nil.
func Plan(e *catalogue.Event, hits []Subscription, now time.Time, links *Links) []outbox.Delivery {
	type target struct {
		to      Destination
		user    User
		reasons []backends.Reason
	}
	targets := make(map[uint]*target)
	for _, hit := range hits {
		for _, to := range hit.Destinations {
			t := targets[to.ID]
			if t == nil {
				t = &target{to: to, user: hit.User}
				targets[to.ID] = t
			}
			t.reasons = append(t.reasons, backends.Reason{
				Filter: hit.Filter.Name, Sentence: hit.Sentence,
				Link: links.Filter(hit.Filter.ID), Stop: links.Stop(hit.Filter.ID, to.ID),
			})
		}
	}
	if len(targets) == 0 {
		return nil
	}
	told := notice(e)
	deliveries := make([]outbox.Delivery, 0, len(targets))
	for _, t := range targets {
		d := outbox.Delivery{
			Message: e.ID, Destination: Key(t.to.ID), Backend: t.to.Backend, Address: t.to.Address,
			Notice: told, Manage: links.Manage(t.to.ID), DueAt: now,
		}
		d.Notice.Why = t.reasons
		if s := t.to.Schedule; s.Digest() && e.Severity < catalogue.Critical {
			d.DueAt, d.Together, d.PullAt = s.Due(now, t.user.Location()), true, s.Count
		}
		deliveries = append(deliveries, d)
	}
	slices.SortFunc(deliveries, func(a, b outbox.Delivery) int {
		return cmp.Or(cmp.Compare(len(a.Destination), len(b.Destination)), strings.Compare(a.Destination, b.Destination))
	})
	return deliveries
}

// Key gives the key of a destination in the outbox.
func Key(destination uint) string { return strconv.FormatUint(uint64(destination), 10) }

// notice tells of an event, without the reasons.
func notice(e *catalogue.Event) backends.Notice {
	prose := e.Prose()
	what := cmp.Or(oneLine(prose.Summary), oneLine(e.KindName), oneLine(e.Title), oneLine(e.Topic))
	return backends.Notice{
		ID: e.ID, Topic: e.Topic, Time: e.Time, App: e.App, Kind: e.Kind, KindName: e.KindName,
		Title: cut("["+about(e)+"] "+what, maxTitle), Text: cut(what, maxText), Link: prose.Link, Icon: prose.Icon,
		Actor: e.Actor, Users: first(e.Users), Packages: first(e.Packages), Objects: first(threadFirst(e)),
		Severity: e.Severity.String(), Grouping: grouping(e.Relation()),
	}
}

// threadFirst gives the objects with the one in front that mail is threaded by: a ticket, not the project it is in.
func threadFirst(e *catalogue.Event) []string {
	at := slices.Index(e.Objects, e.Thread)
	if at <= 0 {
		return e.Objects
	}
	return slices.Concat([]string{e.Thread}, e.Objects[:at], e.Objects[at+1:])
}

// grouping says in the words of backends what the catalogue says of notices that belong together.
func grouping(r catalogue.Relation) backends.Grouping {
	g := backends.Grouping{Keys: r.Keys, Values: r.Values}
	for _, p := range r.Plural {
		g.Plural = append(g.Plural, backends.Part(p))
	}
	return g
}

// about gives what stands in the brackets of a title: the packages, or the application.
func about(e *catalogue.Event) string {
	names := e.Packages
	switch {
	case len(names) == 0:
		return cut(oneLine(cmp.Or(e.App, "bus")), 40)
	case len(names) <= 2:
		return cut(oneLine(strings.Join(names, ", ")), 60)
	}
	return cut(oneLine(names[0]), 40) + " and " + strconv.Itoa(len(names)-1) + " more"
}

// oneLine makes any text a line: runs of white space and control characters become a space.
func oneLine(s string) string {
	return strings.Join(strings.Fields(clean(s, len(s))), " ")
}

// cut gives at most so many runes, the last an ellipsis where some are missing.
func cut(s string, most int) string {
	count := 0
	for i := range s {
		if count++; count == most {
			if rest := []rune(s[i:]); len(rest) > 1 {
				return s[:i] + "…"
			}
			return s
		}
	}
	return s
}

func first(list []string) []string { return list[:min(len(list), maxList)] }
