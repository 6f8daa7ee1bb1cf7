package daemon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// stored is a plan as a person saves it.
func (p plan) stored() schedule.Schedule {
	s := schedule.Schedule{Every: p.every, Count: p.count, Weekdays: p.days, First: p.firstAtOnce}
	var at []string
	for _, m := range p.at {
		at = append(at, fmt.Sprintf("%02d:%02d", m/60, m%60))
	}
	s.At = strings.Join(at, ",")
	if len(at) == 0 {
		s.Weekdays = nil
	}
	if p.atOnceFrom > 0 {
		s.AtOnceFrom = catalogue.Severity(p.atOnceFrom).String()
	}
	return s
}

// inTime is how far a notice may be off: its message takes a moment to be planned, and the outbox to look.
const inTime = 2 * time.Second

// compare says where the week was not as the oracle has it.
func (w *weekWorld) compare() {
	total, never, odd, said := 0, 0, 0, 0
	for _, c := range w.people {
		for i, b := range c.boxes {
			entries := w.entries(c.to[i].ID)
			slices.SortFunc(b.all, byArrival)
			first := odd
			for _, n := range b.all {
				total++
				got := w.got[c.to[i].Address+" "+n.message]
				wrong := w.judge(c, i, n, got)
				if wrong == "" && n.sent.IsZero() {
					never++
					if e, there := entries[n.message]; !there || !e.Silenced() || !strings.Contains(e.LastError, n.why) {
						wrong = fmt.Sprintf("is not said to be silenced: %s %q", e.State, e.LastError)
					}
				}
				if wrong == "" {
					continue
				}
				if odd++; odd-first > 2 {
					continue
				}
				if said++; said <= 12 {
					w.t.Errorf("%s, %+v, own %+v: quiet %v %s, pause %v, drop %t, strict %t: %s arrived %s (group %q, filters %v, "+
						"severity %d): %s", c.to[i].Address, b.plan, c.own, b.windows, c.user.Zone, b.pause, b.drop, b.strict, n.message,
						n.arrived.Format(time.StampMilli), n.group, n.filters, n.severity, wrong)
				}
			}
			w.strangers(c, i)
		}
	}
	if odd > 0 {
		w.t.Errorf("%d of %d notices are not as they should be", odd, total)
	}
	w.t.Logf("%d people were told of %d notices in %d parcels; %d more were silenced", len(w.people), total-never,
		len(w.parcels), never)
}

// judge says what is wrong with a notice; "" for nothing.
func (w *weekWorld) judge(c *citizen, i int, n *told, got []arrival) string {
	fails, failing := c.fails[i]
	switch {
	case n.sent.IsZero() && len(got) == 0:
		return ""
	case n.sent.IsZero():
		return fmt.Sprintf("was to be silenced (%s) and came at %s", n.why, got[0].at.Format(time.StampMilli))
	case len(got) != 1:
		return fmt.Sprintf("was to come at %s and came %d times", n.sent.Format(time.StampMilli), len(got))
	}
	at := got[0].at
	if failing { // when exactly a retry comes is not written: but never too early, and never where nothing may go
		b := c.boxes[i]
		switch next, _ := b.next(at, n.critical); {
		case at.Before(n.arrived):
			return "came before it was known"
		case next.After(at.Add(inTime)):
			return fmt.Sprintf("came at %s, where nothing may go before %s", at, next)
		case at.Before(n.sent.Add(-inTime)) && n.sent.Before(fails.begin):
			return fmt.Sprintf("came at %s, before its time %s", at, n.sent)
		}
		return ""
	}
	if d := at.Sub(n.sent); d < -inTime || d > inTime {
		return fmt.Sprintf("was to come at %s and came at %s", n.sent.Format(time.StampMilli), at.Format(time.StampMilli))
	}
	var together []string
	for _, o := range c.boxes[i].all {
		if o.parcel == n.parcel && !o.sent.IsZero() {
			together = append(together, o.message)
		}
	}
	travelled := slices.Sorted(slices.Values(w.parcels[got[0].parcel]))
	slices.Sort(together)
	if !slices.Equal(together, travelled) {
		return fmt.Sprintf("was to travel with %v at %s and travelled with %v", together, n.sent.Format(time.StampMilli),
			travelled)
	}
	return ""
}

// strangers says what came to a destination and was never expected there.
func (w *weekWorld) strangers(c *citizen, i int) {
	for key := range w.got {
		to, id, _ := strings.Cut(key, " ")
		if to == c.to[i].Address && !slices.ContainsFunc(c.boxes[i].all, func(n *told) bool { return n.message == id }) {
			w.t.Errorf("%s was told of %s, which it does not want", to, id)
		}
	}
}

// entries are the deliveries to a destination, by message.
func (w *weekWorld) entries(to uint) map[string]outbox.Entry {
	all := map[string]outbox.Entry{}
	before := int64(0)
	for {
		page, err := w.box.Recent(w.t.Context(), []string{prefs.Key(to)}, before, 500)
		w.must(err)
		for _, e := range page {
			all[e.Message], before = e, e.ID
		}
		if len(page) < 500 {
			return all
		}
	}
}
