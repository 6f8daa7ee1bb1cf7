package daemon

import (
	"time"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// charge.go tells the Intake what the messages of each source have cost, so that it can share out the router's time.

// matchTime is what a match takes from plan to commit, about.
const matchTime = 20 * time.Microsecond

// charge notes that a message of a source took so much of the router's time.
func (r *router) charge(source string, late bool, spent time.Duration) {
	if r.intake != nil {
		r.intake.Charge(source, late, spent)
	}
}

// chargeMatches charges for the matches of events, which are committed: for finding them, and for what follows of each.
func (r *router) chargeMatches(events []*catalogue.Event) {
	for i, e := range events {
		r.charge(e.Source, e.Late, r.matching[i]+time.Duration(r.found[i].Len())*matchTime)
	}
}
