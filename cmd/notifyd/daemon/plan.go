package daemon

import (
	"fmt"
	"maps"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/rulespec"
)

// plan.go is the part of the flow between the filters that match and the deliveries that are owed.

// userHits are the filters of one user that matched one event: ids up to end, from the end of the userHits before.
type userHits struct{ event, end int }

// plan returns the deliveries of events, by what has become of them in the history. A message that is not new has none:
// its deliveries are in the database already. Neither has one that came very late. A one-shot filter matches only the
// first event of the batch, and only on the node that switches it off, so that it notifies once. The one-shots are
// switched off before anything is locked in the outbox, so that nodes cannot deadlock.
func (r *router) plan(tx *gorm.DB, outcomes []history.Outcome, watch *phaseTimer) ([]outbox.Delivery, error) {
	var ids []rulespec.FilterID
	var hitsByUser []userHits
	for i := range outcomes {
		if !r.isTold(outcomes[i]) {
			continue
		}
		for hit := range r.found[i].ByOwner {
			ids = append(ids, hit...)
			hitsByUser = append(hitsByUser, userHits{i, len(ids)})
		}
	}
	watch.lap("plan")
	known, err := r.state.known.Read(tx, ids)
	if err != nil {
		return nil, err
	}
	ids, hitsByUser = r.readable(outcomes, ids, hitsByUser, known)
	if ids, hitsByUser, err = r.unmuted(tx, outcomes, ids, hitsByUser, known); err != nil {
		return nil, err
	}
	forgetEnded(known, r.now())
	consumed, err := r.consumeOneShots(tx, ids, known)
	if err != nil {
		return nil, err
	}
	watch.lap("subscriptions")
	var deliveries []outbox.Delivery
	var hits []*prefs.Subscription
	begin := 0
	for len(hitsByUser) > 0 {
		event := hitsByUser[0].event
		planner := prefs.NewPlanner(outcomes[event].Event, r.now(), r.links)
		planner.KeepLinks, planner.Directory = r.verifier().Links(), asDirectory(r.directory())
		if r.surges != nil {
			planner.Surge = r.surges.Hit
		}
		for ; len(hitsByUser) > 0 && hitsByUser[0].event == event; hitsByUser = hitsByUser[1:] {
			hits = hits[:0]
			for _, id := range ids[begin:hitsByUser[0].end] {
				if s := known[id]; s != nil && (!s.Filter.OneShot || consumed[id]) {
					delete(consumed, id)
					hits = append(hits, s)
				}
			}
			begin = hitsByUser[0].end
			planner.Add(hits)
		}
		planned := planner.Deliveries()
		if outcomes[event].Fate == history.Upgraded {
			refreshAll(planned)
		}
		deliveries = append(deliveries, planned...)
	}
	return deliveries, nil
}

// forgetEnded leaves out the filters that have ended, before one-shots among them are used up. Subscriptions are kept
// from batch to batch, so the end is looked at in each.
func forgetEnded(known map[rulespec.FilterID]*prefs.Subscription, now time.Time) {
	maps.DeleteFunc(known, func(_ rulespec.FilterID, s *prefs.Subscription) bool {
		return s != nil && s.Filter.Ended(now)
	})
}

// consumeOneShots switches off the one-shots among filters, and returns those that this node has switched off.
func (r *router) consumeOneShots(tx *gorm.DB, ids []rulespec.FilterID,
	known map[rulespec.FilterID]*prefs.Subscription) (map[rulespec.FilterID]bool, error) {
	var once []rulespec.FilterID
	for _, id := range ids {
		if s := known[id]; s != nil && s.Filter.OneShot {
			once = append(once, id)
		}
	}
	switched, err := r.subscriptions.SwitchOffOneShots(tx, once)
	if err != nil {
		return nil, fmt.Errorf("switch off one-shot filters: %w", err)
	}
	consumed := make(map[rulespec.FilterID]bool, len(switched))
	for _, id := range switched {
		consumed[id] = true
	}
	return consumed, nil
}

// readable leaves out the hits of people who may not see the message: before a one-shot filter is switched off by it.
func (r *router) readable(outcomes []history.Outcome, ids []rulespec.FilterID, hits []userHits,
	known map[rulespec.FilterID]*prefs.Subscription) (kept []rulespec.FilterID, left []userHits) {
	if r.mayRead == nil || !r.readers().Restricts() {
		return ids, hits
	}
	begin := 0
	for _, h := range hits {
		source := outcomes[h.event].Event.Source
		for _, id := range ids[begin:h.end] {
			if s := known[id]; s == nil || r.mayRead(source, s.User) {
				kept = append(kept, id)
			} else {
				r.metrics.unreadable.WithLabelValues(source).Inc()
			}
		}
		begin = h.end
		left = append(left, userHits{h.event, len(kept)})
	}
	return kept, left
}

// unmuted leaves out the hits that people have muted, before a one-shot filter is switched off by them, and writes down
// what was muted. What messages say to be solved ends mutes of those too whom nothing of it reaches.
func (r *router) unmuted(tx *gorm.DB, outcomes []history.Outcome, ids []rulespec.FilterID, hits []userHits,
	known map[rulespec.FilterID]*prefs.Subscription) (kept []rulespec.FilterID, left []userHits, err error) {
	ends, err := r.mutesThatEnd(tx, outcomes)
	if err != nil {
		return nil, nil, err
	}
	silencer := mute.NewSilencer(r.now())
	begin := 0
	for i, o := range outcomes {
		if !r.isTold(o) {
			continue
		}
		silencer.Begin(mute.OfEvent(o.Event), ends)
		for ; len(hits) > 0 && hits[0].event == i; hits = hits[1:] {
			for _, id := range ids[begin:hits[0].end] {
				if s := known[id]; s == nil || silencer.Passes(s.User.Mutes, uint64(id)) {
					kept = append(kept, id)
				}
			}
			begin = hits[0].end
			left = append(left, userHits{i, len(kept)})
		}
	}
	return kept, left, r.subscriptions.Muted(tx, silencer)
}

// mutesThatEnd returns the mutes that last until something is solved which a message says is solved.
func (r *router) mutesThatEnd(tx *gorm.DB, outcomes []history.Outcome) ([]mute.Mute, error) {
	var solved []string
	for _, o := range outcomes {
		if r.isTold(o) {
			if f := mute.OfEvent(o.Event); f.Solved != "" {
				solved = append(solved, f.Solved)
			}
		}
	}
	return r.subscriptions.MutesThatEnd(tx, solved, r.now())
}

// isTold reports whether people are told of a message.
func (r *router) isTold(o history.Outcome) bool { return o.New() && !r.holes.TooLate(o.Event.Message) }
