package mutes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rules/scan"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// The bounds on a look into the past.
const (
	guardDays = 30
	guardTime = 1200 * time.Millisecond
	guardLate = 400 * time.Millisecond // then a statement that still runs is cancelled
	guardRuns = 2                      // at the same time, for all people
	broad     = 100                    // messages in guardDays
)

// A Guard says what a mute would have silenced: which messages of the last days match the person's filters, as they are
// now, and the mute.
type Guard struct {
	History   *history.Store
	Filters   *prefs.Filters
	Describe  func(*bus.Message) *catalogue.Event
	Directory func() rulespec.Directory // nil, or a function that returns nil: there is none
	Env       func() rulespec.Env
	Readers   func(*prefs.User) readers.Sources // nil: everybody may see all
	Me        func(prefs.User) string           // what @me stands for; "": nothing
	Now       func() time.Time

	runs chan struct{}
}

// NewGuard makes a Guard of its parts.
func NewGuard(g Guard) *Guard {
	g.runs = make(chan struct{}, guardRuns)
	return &g
}

// A Sight is what a mute would have silenced.
type Sight struct {
	Silenced int       // messages, errors that come through left out
	Errors   int       // errors among those that it is about
	Since    time.Time // how far back was looked
	Whole    bool      // that is guardDays, or all that is kept
	Busy     bool      // nobody could look: too many do
	Loud     bool      // it is very broad
	errors   bool      // errors come through
}

// Look looks.
func (g *Guard) Look(ctx context.Context, user prefs.User, m mute.Mute) (Sight, error) {
	now := g.Now()
	sight := Sight{errors: m.Errors, Since: now}
	looker, err := g.looker(ctx, user, m)
	if err != nil || looker == nil {
		sight.Whole = true
		return sight, err
	}
	within, cancel := context.WithTimeout(ctx, guardTime+guardLate)
	defer cancel()
	select {
	case g.runs <- struct{}{}:
		defer func() { <-g.runs }()
	case <-within.Done():
		sight.Busy = true
		return sight, ctx.Err()
	}
	q := history.ScanQuery{Filter: looker, Since: now.AddDate(0, 0, -guardDays), Describe: g.Describe,
		Until: now.Add(guardTime)}
	if g.Readers != nil {
		q.Among = g.Readers(&user)
	}
	found, err := g.History.Scan(within, q)
	if err != nil {
		return sight, fmt.Errorf("look what a mute would silence: %w", err)
	}
	sight.Errors, sight.Silenced = min(looker.errors, found.Matched), found.Matched
	if m.Errors {
		sight.Silenced -= sight.Errors
	}
	sight.Since, sight.Whole = found.Reached, found.End || found.Empty
	sight.Loud = sight.Silenced >= broad
	return sight, nil
}

// looker makes what looks; nil: nothing can match.
func (g *Guard) looker(ctx context.Context, user prefs.User, m mute.Mute) (*looker, error) {
	filters, err := g.Filters.List(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	var dir rulespec.Directory
	if g.Directory != nil {
		dir = g.Directory()
	}
	l := &looker{mute: m}
	for _, f := range filters {
		if !f.On || f.Broken != "" || m.Kind == mute.Filter && m.Value != fmt.Sprint(f.ID) {
			continue
		}
		f.Owner = g.Me(user)
		if f.Owner == "" && rulespec.SaysMe(f.Rules) {
			continue
		}
		if one, err := scan.New(g.Env(), dir, f.Filter); err == nil { // one with mistakes matches nothing
			l.filters = append(l.filters, one)
		}
	}
	if len(l.filters) == 0 {
		return nil, nil
	}
	return l, nil
}

// Words say it in a sentence.
func (s Sight) Words(zone *time.Location) string {
	if s.Busy {
		return "What it would have silenced is not known: too many people look right now."
	}
	span := fmt.Sprintf("in %d days", guardDays)
	if !s.Whole {
		span = "since " + s.Since.In(zone).Format("2 January, 15:04")
	}
	words := "It would have silenced " + text.NumberOf(s.Silenced, "message", "messages") + " " + span
	switch {
	case s.Errors > 0 && s.errors:
		words += ", and " + text.NumberOf(s.Errors, "error", "errors") + " would have come through"
	case s.Errors > 0:
		words += ", " + text.Number(s.Errors) + " of them errors"
	}
	if s.Loud {
		words += ". That is a great part of what reaches you"
	}
	return words + "."
}

// A looker matches messages that are about what is muted, and that one of the filters matches. It implements
// history.Filter.
type looker struct {
	mute    mute.Mute
	filters []*scan.Scan
	errors  int // among the messages that matched
}

// keyFields are the fields of an index that have what mutes are of.
var keyFields = map[mute.Kind]string{mute.Package: "package", mute.Topic: "kind", mute.App: "app", mute.Person: "actor"}

// Keys returns those of the mute, or else those of all filters.
func (l *looker) Keys(fields ...string) map[string][]string {
	if field := keyFields[l.mute.Kind]; field != "" && slices.Contains(fields, field) {
		return map[string][]string{field: {l.mute.Value}}
	}
	all := map[string][]string{}
	for _, f := range l.filters {
		keys := f.Keys(fields...)
		if keys == nil {
			return nil
		}
		for field, values := range keys {
			all[field] = append(all[field], values...)
		}
	}
	return all
}

// Names judges by names. An object is no name, so a mute of one is decided by Match.
func (l *looker) Names(e *catalogue.Event) (matches, sure bool) {
	facts := mute.OfEvent(e)
	if keyFields[l.mute.Kind] != "" && !l.mute.About(&facts) {
		return false, true
	}
	open := false
	for _, f := range l.filters {
		fits, known := f.Names(e)
		if fits && known && l.mute.Kind != mute.Object {
			l.count(&facts)
			return true, true
		}
		open = open || fits
	}
	return open, !open
}

// Prefilter rules out what no filter can match by its texts.
func (l *looker) Prefilter(summary, link string, payload []byte) (matches, sure bool) {
	for _, f := range l.filters {
		if fits, known := f.Prefilter(summary, link, payload); fits || !known {
			return false, false
		}
	}
	return false, true
}

// Anew says that objects are looked at, or what one of the filters needs.
func (l *looker) Anew() bool {
	return l.mute.Kind == mute.Object || slices.ContainsFunc(l.filters, (*scan.Scan).Anew)
}

// Match decides.
func (l *looker) Match(e *catalogue.Event) bool {
	facts := mute.OfEvent(e)
	if l.mute.Kind != mute.Filter && !l.mute.About(&facts) ||
		!slices.ContainsFunc(l.filters, func(f *scan.Scan) bool { return f.Match(e) }) {
		return false
	}
	l.count(&facts)
	return true
}

func (l *looker) count(f *mute.Facts) {
	if f.Error {
		l.errors++
	}
}
