package daemon

import (
	"time"

	"github.com/notifyd/notifyd/history"
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

// chargeHistory charges for storing messages, and for the deletion of others that makes room for them.
func (r *router) chargeHistory(outcomes []history.Outcome, spent time.Duration) {
	for i, share := range historyShares(outcomes, spent) {
		e := outcomes[i].Event
		r.charge(e.Source, e.Late, share)
	}
}

// historyShares estimates what each message takes of the time that all take: by the rows of its names, and its bytes.
func historyShares(outcomes []history.Outcome, spent time.Duration) []time.Duration {
	const itself, kilobyte = 20, 1 << 10 // a message costs as much as the rows of so many names, and a kilobyte as one
	shares, all := make([]time.Duration, len(outcomes)), time.Duration(0)
	for i, o := range outcomes {
		shares[i] = time.Duration(itself + len(o.Event.Users) + len(o.Event.Packages) + len(o.Event.Payload)/kilobyte)
		all += shares[i]
	}
	for i := range shares {
		shares[i] = spent * shares[i] / all
	}
	return shares
}
