package prefs

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/mute"
	"github.com/notifyd/notifyd/prefs/mutes"
)

// Mutes stores what people do not want to hear of for a while: see packages mute, which decides, and mutes.
type Mutes struct{ *core }

// List returns the mutes of a user that are kept, the newest first: those that have ended too.
func (s *Mutes) List(ctx context.Context, userID uint) ([]mutes.Record, error) {
	list, err := mutes.List(s.read(ctx), userID)
	return list, explain("read mutes", err)
}

// Get returns one of a user's mutes.
func (s *Mutes) Get(ctx context.Context, userID, id uint) (mutes.Record, error) {
	r, err := mutes.Get(s.read(ctx), userID, id)
	return r, explain("read mute", err)
}

// Make makes a mute of a user that begins now, or changes the one that is on and of the same thing. What waits for the
// user and is muted is silenced in the same transaction; waiting says how many notices. by says where it is made:
// "page", "mail", "irc", "api". A mistake in it is a *mute.Error; the error is ErrNotFound for a filter of somebody
// else, and ErrTooMany.
func (s *Mutes) Make(ctx context.Context, userID uint, m mute.Mute, by string) (made mutes.Record, waiting int,
	err error) {
	m.Made, m.Ended = s.now().UTC().Truncate(time.Microsecond), time.Time{}
	if m.UntilSolved && (m.Ends.IsZero() || m.Ends.Sub(m.Made) > mute.Longest) {
		m.Ends = m.Made.Add(mute.Longest)
	}
	if err := m.Check(); err != nil {
		return made, 0, err
	}
	err = s.close(ctx, "mute", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		if err := nameFilter(tx, userID, &m); err != nil {
			return err
		}
		was, is, full, err := mutes.Put(tx, userID, m, by)
		if err != nil {
			return err
		}
		if full {
			return ErrTooMany
		}
		if err := s.mutesChanged(tx, accounts.MuteMake, was, is); err != nil {
			return err
		}
		if waiting, err = s.silenceWaiting(tx, userID, &is); err != nil {
			return err
		}
		made = is
		return nil
	})
	return made, waiting, err
}

// nameFilter gives a mute of a filter the filter's name. The filter must belong to the user.
func nameFilter(tx *gorm.DB, userID uint, m *mute.Mute) error {
	if m.Kind != mute.Filter {
		return nil
	}
	var f filterRow
	err := tx.Where("id = ? AND user_id = ?", m.Value, userID).Take(&f).Error
	m.Label = f.Name
	return err
}

// silenceWaiting silences what waits for a user and is muted, and counts it on the mute.
func (s *Mutes) silenceWaiting(tx *gorm.DB, userID uint, is *mutes.Record) (int, error) {
	keys, err := userKeys(tx, userID)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	all, err := mutes.On(tx, []uint{userID}, s.now())
	if err != nil {
		return 0, err
	}
	counts, seen := map[uint]int{}, map[string]bool{}
	if err := s.waiting.Ask(tx, keys); err != nil {
		return 0, err
	}
	now := s.now()
	n, err := s.waiting.Sift(tx, keys, func(n *backends.Notice, why []outbox.Reason) string {
		by := mute.OfWaiting(all[userID], n, why, now)
		if by == nil {
			return ""
		}
		if !seen[n.ID] { // one message may wait for several destinations
			seen[n.ID] = true
			counts[by.ID]++
		}
		return by.Reason()
	})
	if err != nil {
		return 0, err
	}
	is.Silenced += counts[is.ID]
	return n, mutes.Count(tx, counts)
}

func userKeys(tx *gorm.DB, userID uint) (keys []string, err error) {
	var ids []uint
	err = tx.Model(&destinationRow{}).Where("user_id = ?", userID).Order("id").Pluck("id", &ids).Error
	for _, id := range ids {
		keys = append(keys, Key(id))
	}
	return keys, err
}

// End ends one of a user's mutes now. One that has ended already stays as it is.
func (s *Mutes) End(ctx context.Context, userID, id uint) error {
	return s.end(ctx, userID, id, false)
}

// Undo ends a mute, as if it had not been made: what it has silenced while it waited, waits again.
func (s *Mutes) Undo(ctx context.Context, userID, id uint) error {
	return s.end(ctx, userID, id, true)
}

func (s *Mutes) end(ctx context.Context, userID, id uint, back bool) error {
	err := s.close(ctx, "end mute", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		was, err := mutes.Get(tx, userID, id)
		if err != nil {
			return err
		}
		ended, err := mutes.End(tx, []uint{id}, s.now(), mutes.ByOwner)
		if err != nil || len(ended) == 0 {
			return err
		}
		keys, err := userKeys(tx, userID)
		if err != nil {
			return err
		}
		if back && len(keys) > 0 {
			if _, err := s.waiting.Restore(tx, keys, was.Key()); err != nil {
				return err
			}
		}
		return s.mutesChanged(tx, accounts.MuteEnd, was, ended[0])
	})
	if err == nil && back {
		s.waiting.Notify()
	}
	return err
}

// mutesChanged notes what a mute was and is, and has the router read it.
func (s *core) mutesChanged(tx *gorm.DB, what accounts.What, was, is mutes.Record) error {
	if err := s.touchUser(tx, is.UserID); err != nil {
		return err
	}
	if err := s.tell(tx, is.UserID, ofFilters); err != nil {
		return err
	}
	var before, after accounts.Fields
	if was.ID != 0 {
		before = muteFields(was)
	}
	if is.Ended.IsZero() {
		after = muteFields(is)
	}
	return s.note(tx, is.UserID, what, object("mute", is.ID), before, after)
}

func muteFields(r mutes.Record) accounts.Fields {
	f := accounts.Fields{"mute": r.Of(), "ends": r.Ends.UTC().Format(time.RFC3339), "errors come through": yesNo(r.Errors)}
	if r.UntilSolved {
		f["until it is solved"] = "yes"
	}
	return f
}

// MutesThatEnd returns the mutes that last until one of some objects is solved, for mute.Silencer.
func (s *Subscriptions) MutesThatEnd(tx *gorm.DB, objects []string, now time.Time) ([]mute.Mute, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	return mutes.UntilSolved(tx, objects, now)
}

// Muted writes down what mutes have silenced, and which of them messages have ended, as part of the transaction that
// stores the messages. Locks of the outbox come after it.
func (s *Subscriptions) Muted(tx *gorm.DB, by *mute.Silencer) error {
	if ids := by.Ended(); len(ids) > 0 {
		if err := s.raiseRevision(tx); err != nil {
			return err
		}
		ended, err := mutes.End(tx, ids, s.now(), mutes.BySolve)
		if err != nil {
			return err
		}
		for _, r := range ended {
			if err := s.touchUser(tx, r.UserID); err != nil {
				return err
			}
			err := s.noteBy(tx, accounts.Daemon, r.UserID, accounts.MuteSolved, object("mute", r.ID), muteFields(r), nil)
			if err != nil {
				return err
			}
		}
	}
	return mutes.Count(tx, by.Silenced())
}
