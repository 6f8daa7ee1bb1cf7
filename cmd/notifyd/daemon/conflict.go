package daemon

import (
	"gorm.io/gorm"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/outbox"
)

// conflict.go is for messages that come with the id of another message, which says something else. The history decides
// which of them keeps the id (history.Outcome); here the deliveries follow.

// contradicted is the reason why a notice is not sent any more. People read it on their page of notices.
const contradicted = "another message with the same id has come, whose sender is proved"

// unknown says which of the messages were not kept before.
func unknown(outcomes []history.Outcome) []bool {
	all := make([]bool, len(outcomes))
	for i, o := range outcomes {
		all[i] = o.Fate != history.Repeated
	}
	return all
}

// moves returns what the outbox has to follow.
func moves(outcomes []history.Outcome) []outbox.Move {
	var all []outbox.Move
	for _, o := range outcomes {
		for _, m := range o.Moves {
			move := outbox.Move{From: m.From, To: m.To}
			if m.Contradicted {
				move.Withdraw = contradicted
			}
			all = append(all, move)
		}
	}
	return all
}

// correct returns the function that makes the corrections of what was sent and is contradicted by one of outcomes.
func (r *router) correct(outcomes []history.Outcome) outbox.Corrections {
	return func(tx *gorm.DB, sent []outbox.Entry) ([]outbox.Delivery, error) {
		by := make(map[string]bus.Standing)
		for _, o := range outcomes {
			for _, m := range o.Moves {
				by[m.To] = o.Event.Standing
			}
		}
		return r.subscriptions.Contradict(tx, sent, func(message string) bus.Standing { return by[message] }, r.now())
	}
}

// refreshAll makes deliveries replace the notices of those that wait already: the first copy of the message was not
// proved, and its notices say so.
func refreshAll(deliveries []outbox.Delivery) {
	for i := range deliveries {
		deliveries[i].Refresh = true
	}
}

// sayConflicts counts the messages that came with the id of another one, and logs them seldom.
func (r *router) sayConflicts(outcomes []history.Outcome) {
	for _, o := range outcomes {
		c := o.Conflict
		if c.Kind == history.NoConflict {
			continue
		}
		r.metrics.conflicts.WithLabelValues(o.Event.Source, string(c.Kind)).Inc()
		r.seldom.say(o.Event.Source, "conflict", "two messages claim one id", "id", c.ID, "kind", string(c.Kind),
			"kept_as", o.Event.ID, "standing", o.Event.Standing.Words(), "other_kept_as", c.Other, "other_standing",
			c.By.Words())
	}
}
