package prefs

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/prefs/surge"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// These are the bounds on a notice: a mass rebuild names thousands of packages, and each delivery stores its notice.
const (
	maxTitle = 120  // runes
	maxText  = 2000 // runes
	maxList  = 50   // users, packages, objects
)

// Plan returns the deliveries of an event for the filters that matched. Each destination gets one delivery, however
// many filters reach it; its notice lists them all. What is muted is left out. The order is that of the destinations'
// ids. Plan is pure. signer may be nil: then notices have no links.
func Plan(e *catalogue.Event, hits []Subscription, now time.Time, signer *links.Signer) []outbox.Delivery {
	of := map[uint][]*Subscription{}
	for i := range hits {
		of[hits[i].User.ID] = append(of[hits[i].User.ID], &hits[i])
	}
	p := NewPlanner(e, now, signer)
	silencer := mute.NewSilencer(now)
	for _, user := range slices.Sorted(maps.Keys(of)) {
		mutes := of[user][0].User.Mutes
		silencer.Begin(mute.OfEvent(e), mutes)
		p.Add(slices.DeleteFunc(of[user], func(s *Subscription) bool {
			return !silencer.Passes(mutes, uint64(s.Filter.ID))
		}))
	}
	return p.Deliveries()
}

// A Planner does the work of Plan for one user after the other, for events that match the filters of many users.
type Planner struct {
	// KeepLinks leaves the link of a message whose sender is not proved as it is (bus.trust.links). Set it before Add.
	KeepLinks bool
	// Surge counts a notice of a filter and says whether it has far more than usual. Set it before Add. nil: none has.
	Surge func(hit *Subscription) surge.State
	// Directory says who owns what, for what the person is to it (Notice.Relations); nil: none is configured. Set it
	// before Add.
	Directory rulespec.Directory

	event  *catalogue.Event
	now    time.Time
	links  *links.Signer
	common *backends.Notice // without the reasons; nil before the first delivery
	owed   []outbox.Delivery
	to     []uint // of owed: the destinations

	gathered    []gathered                   // of those that Add has planned
	relationsTo func(person string) []string // nil before the first delivery
	going       []going                      // of the same
}

// NewPlanner makes a Planner for an event.
func NewPlanner(e *catalogue.Event, now time.Time, signer *links.Signer) *Planner {
	return &Planner{event: e, now: now, links: signer}
}

// Add plans for one user. hits are all of the user's filters that matched the event and pass the user's mutes (see
// mute.Silencer); Add orders them by their ids. Call it once for each user.
func (p *Planner) Add(hits []*Subscription) {
	slices.SortFunc(hits, func(a, b *Subscription) int { return cmp.Compare(a.Filter.ID, b.Filter.ID) })
	begin := len(p.owed)
	p.gathered, p.going = p.gathered[:0], p.going[:0]
	for _, hit := range hits {
		if hit.Filter.Ended(p.now) {
			continue
		}
		var state surge.State
		if p.Surge != nil && len(hit.Destinations) > 0 {
			state = p.Surge(hit)
		}
		reached := p.reaches(hit)
		for i := range reached {
			to := &reached[i]
			at := slices.Index(p.to[begin:], to.ID)
			if at < 0 {
				at = len(p.owed) - begin
				p.owed, p.to = append(p.owed, p.delivery(to, hit)), append(p.to, to.ID)
				p.gathered, p.going = append(p.gathered, gathered{}), append(p.going, going{})
			}
			p.gathered[at].add(hit, state, p.now)
			d := &p.owed[begin+at]
			p.going[at].add(hit, to, p.common.Severity, p.now)
			p.because(d, hit, to)
		}
	}
	for i := range p.gathered {
		d := &p.owed[begin+i]
		at := p.going[i].Timing
		d.DueAt, d.Hold, d.Together, d.PullAt, d.Lead = at.Due, at.Hold, at.Together(), at.Pull, at.Lead
		p.shape(d, &p.gathered[i])
		p.keepHours(d, p.going[i].to, &hits[0].User)
	}
}

// because says why somebody gets a delivery: by the revision of the filter, or, where none is noted, in words.
func (p *Planner) because(d *outbox.Delivery, hit *Subscription, to *Destination) {
	d.Reasons = append(d.Reasons, outbox.Reason{Filter: uint64(hit.Filter.ID), Revision: hit.Revision})
	if hit.Revision > 0 {
		return
	}
	d.Manage = p.links.Manage(to.ID)
	d.Notice.Why = append(d.Notice.Why, backends.Reason{Filter: hit.Filter.Name, Sentence: hit.Sentence,
		Link: p.links.Filter(hit.Filter.ID), Stop: p.links.Unsubscribe(hit.Filter.ID, to.ID)})
}

// A going is when a delivery goes, by the schedules of the filters that bring it: the earliest counts.
type going struct {
	schedule.Timing
	to *Destination // nil: nothing is said yet
}

func (g *going) add(hit *Subscription, to *Destination, severity string, now time.Time) {
	when, own := hit.Schedules[to.ID]
	if !own {
		when = to.Schedule
	}
	t := when.Time(severity, own, now, hit.User.Location())
	if g.to == nil || t.Before(g.Timing) {
		g.Timing = t
	}
	g.to = to
}

// keepHours holds a delivery that would go now, in a pause or in quiet hours, until they end. What goes later keeps its
// time and its digest, whose other notices may have it go earlier: the gate holds it when it is due.
// doc/scheduling.md has the rules.
func (p *Planner) keepHours(d *outbox.Delivery, to *Destination, user *User) {
	if d.DueAt.After(p.now) {
		d.Lead = 0 // it is held for another reason, and is no first one
	}
	hours := schedule.Hours{Quiet: user.Quiet.And(to.Quiet), Pause: user.Pause, Zone: user.Location()}
	if hours.Empty() {
		return
	}
	if d.DueAt.After(p.now) && !hours.Pause.On(p.now) {
		return
	}
	critical := d.Notice.Severity == catalogue.Critical.String()
	at, hold := hours.Next(p.now, critical)
	if hold == "" {
		return
	}
	if hold == schedule.HeldByPause && hours.Pause.Drop && !critical {
		hold = schedule.HeldToDrop
	}
	d.DueAt, d.Hold, d.Together, d.PullAt, d.Lead = at, hold, true, 0, 0
}

// delivery returns the delivery to a destination, without the reasons.
func (p *Planner) delivery(to *Destination, hit *Subscription) outbox.Delivery {
	if p.common == nil {
		told := notice(p.event)
		setProvenance(&told, p.event.Standing, p.KeepLinks)
		if p.links.Acts(strings.Join([]string{told.Title, told.Text, told.Link, told.Icon}, "\n")) {
			disarm(&told) // whoever proved it
		}
		p.common = &told
		p.relationsTo = rulespec.RelationsTo(&rulespec.Subject{Event: p.event, Directory: p.Directory})
	}
	d := outbox.Delivery{
		Message: p.event.ID, Destination: Key(to.ID), Backend: to.Backend, Address: to.Address,
		Notice: *p.common, DueAt: p.now, Cap: to.Cap, Owner: Key(hit.User.ID),
	}
	d.Notice.Relations = p.relationsTo(hit.Filter.Owner)
	return d
}

// Deliveries returns the planned deliveries, in the order of the destinations' ids.
func (p *Planner) Deliveries() []outbox.Delivery {
	slices.SortFunc(p.owed, func(a, b outbox.Delivery) int {
		return cmp.Or(cmp.Compare(len(a.Destination), len(b.Destination)),
			strings.Compare(a.Destination, b.Destination))
	})
	return p.owed
}

// Key returns the key of a destination in the outbox.
func Key(destination uint) string { return strconv.FormatUint(uint64(destination), 10) }

// notice makes the notice of an event, without the reasons.
func notice(e *catalogue.Event) backends.Notice {
	prose := e.Prose()
	what := cmp.Or(text.OneLine(prose.Summary), text.OneLine(e.KindName), text.OneLine(e.Title), text.OneLine(e.Topic))
	return backends.Notice{
		ID: e.ID, Topic: e.Topic, Time: e.Time, App: e.App, Kind: e.Kind, KindName: e.KindName,
		Title: text.ElideRunes("["+about(e)+"] "+what, maxTitle), Text: text.ElideRunes(what, maxText),
		Link: prose.Link, Icon: prose.Icon,
		Actor: e.Actor, Users: first(e.Users), Packages: first(e.Packages), Objects: first(threadFirst(e)),
		Severity: e.Severity.String(), Phase: string(e.Phase()), Grouping: grouping(e.Digest()),
	}
}

// threadFirst returns the objects; the first is the one by which mail is threaded: a ticket, not its project.
func threadFirst(e *catalogue.Event) []string {
	at := slices.Index(e.Objects, e.Thread)
	if at <= 0 {
		return e.Objects
	}
	return slices.Concat([]string{e.Thread}, e.Objects[:at], e.Objects[at+1:])
}

// grouping translates the catalogue's digest template for the backends, which do not know the catalogue.
func grouping(d catalogue.Digest) backends.Grouping {
	g := backends.Grouping{Keys: d.Keys, Values: d.Values}
	for _, p := range d.Template {
		g.Template = append(g.Template, backends.DigestPart(p))
	}
	return g
}

// about returns the text in the brackets of a title: the packages, or the application.
func about(e *catalogue.Event) string {
	names := e.Packages
	switch {
	case len(names) == 0:
		return text.ElideRunes(text.OneLine(cmp.Or(e.App, "bus")), 40)
	case len(names) <= 2:
		return text.ElideRunes(text.OneLine(strings.Join(names, ", ")), 60)
	}
	return text.ElideRunes(text.OneLine(names[0]), 40) + " and " + strconv.Itoa(len(names)-1) + " more"
}

func first(list []string) []string { return list[:min(len(list), maxList)] }
