// Package gate says of what is about to be sent whether its owner wants it now: outbox.Config.Gate.
//
// A notice gets its time when it is planned (prefs.Planner). But quiet hours, a pause or a mute may begin later, and a
// retry, a resend, a full digest or a fallback may fall into them. Everything that is sent is claimed first, and the
// gate is asked about every claim, so one question closes every way round. It takes two statements for a batch, and the
// outbox does not ask about people who hold nothing back (outbox.Answer.Free).
//
// The rules, in this order, for each notice:
//
//   - What its owner asked for with a click of their own goes (outbox.Asked).
//   - What its owner has muted is silenced (package mute).
//   - What came in a pause that is over, and was to be thrown away, is silenced; what is critical is not.
//   - In a pause it waits for its end; what is critical goes, where the pause is not strict.
//   - In quiet hours it waits for their end; what is critical goes.
//
// A notice whose sender is not proved is never critical.
package gate

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// A Gate reads what people hold back. The zero Gate is ready for use.
type Gate struct {
	mu    sync.Mutex
	zones map[string]*time.Location
}

// stepBack is how long after a pause the gate is still asked: a clock may be put back.
const stepBack = 24 * time.Hour

// A holder is what holds back what goes to a destination. Its pause is the last one, which may be over.
type holder struct {
	schedule.Hours
	mutes []mute.Mute // that are on
}

// Rule answers for candidates. It is an outbox.Gate.
func (g *Gate) Rule(tx *gorm.DB, now time.Time, candidates []outbox.Candidate) ([]outbox.Answer, error) {
	holders, err := g.read(tx, now, candidates)
	if err != nil {
		return nil, err
	}
	answers := make([]outbox.Answer, len(candidates))
	silenced := map[uint]int{}
	for i, c := range candidates {
		h, known := holders[c.Destination]
		if !known {
			continue // it was deleted in the meantime; nothing is free that may come back
		}
		answers[i].Free = h.free(now)
		for j, n := range c.Notices {
			r := h.rule(now, n, c.Holds[j], c.Reasons[j], silenced)
			if answers[i].Rulings == nil && r != (outbox.Ruling{}) {
				answers[i].Rulings = make([]outbox.Ruling, len(c.Notices))
			}
			if answers[i].Rulings != nil {
				answers[i].Rulings[j] = r
			}
		}
	}
	return answers, mutes.CountFree(tx, silenced)
}

// free reports whether nothing is held back, now or later, before somebody changes it.
func (h holder) free(now time.Time) bool {
	over := h.Pause.Until.IsZero() || !h.Pause.Drop && now.Sub(h.Pause.Until) > stepBack
	return over && h.Quiet.None() && len(h.mutes) == 0
}

// rule rules about a notice, and counts it where it is muted.
func (h holder) rule(now time.Time, n backends.Notice, hold string, reasons []outbox.Reason,
	silenced map[uint]int) outbox.Ruling {
	critical := n.Severity == "critical" && n.Standing == ""
	if hold == outbox.Asked {
		return outbox.Ruling{}
	}
	if m := mute.OfWaiting(h.mutes, &n, reasons, now); m != nil {
		silenced[m.ID]++
		return outbox.Ruling{Drop: m.Reason()}
	}
	switch {
	case hold == schedule.HeldToDrop && !h.Pause.On(now) && !critical:
		return outbox.Ruling{Drop: "it came while you were paused until " +
			schedule.Date(h.Pause.Until, now, h.Zone) + ", and was to be thrown away"}
	}
	until, why := h.Next(now, critical)
	if why == schedule.HeldByPause {
		why = schedule.HeldBefore
		if strings.HasPrefix(hold, schedule.HeldByPause) {
			why = hold
		}
	}
	return outbox.Ruling{Until: until, Hold: why}
}

// read reads the holders of candidates, by the keys of their destinations.
func (g *Gate) read(tx *gorm.DB, now time.Time, candidates []outbox.Candidate) (map[string]holder, error) {
	var ids []uint64
	for _, c := range candidates {
		if id, err := strconv.ParseUint(c.Destination, 10, 63); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID                               uint64
		Owner                            uint
		Zone, UserQuiet, Quiet, PauseEnd string
		PauseSince, PauseUntil           int64
		PauseStrict                      bool
	}
	err := tx.Raw("SELECT d.id, u.id AS owner, d.quiet, u.zone, u.quiet AS user_quiet, u.pause_since, u.pause_until, u.pause_end, "+
		"u.pause_strict FROM destinations d JOIN users u ON u.id = d.user_id WHERE d.id IN ?", ids).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	owners := make([]uint, len(rows))
	for i, r := range rows {
		owners[i] = r.Owner
	}
	muted, err := mutes.On(tx, owners, now)
	if err != nil {
		return nil, err
	}
	holders := make(map[string]holder, len(rows))
	for _, r := range rows {
		h := holder{mutes: muted[r.Owner]}
		h.Quiet = schedule.StoredQuiet(r.UserQuiet).And(schedule.StoredQuiet(r.Quiet))
		h.Pause = schedule.StoredPause(r.PauseSince, r.PauseUntil, r.PauseEnd, r.PauseStrict)
		h.Zone = g.zone(r.Zone)
		holders[strconv.FormatUint(r.ID, 10)] = h
	}
	return holders, nil
}

// zone looks a time zone up once; UTC where the machine does not know it.
func (g *Gate) zone(name string) *time.Location {
	g.mu.Lock()
	defer g.mu.Unlock()
	if z := g.zones[name]; z != nil {
		return z
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		z = time.UTC
	}
	if g.zones == nil {
		g.zones = map[string]*time.Location{}
	}
	g.zones[name] = z // there are some six hundred
	return z
}
