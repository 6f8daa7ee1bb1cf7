package prefs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/looks"
	"github.com/notifyd/notifyd/rulespec"
)

// Owner returns whose a filter is. It is for operators.
func (s *Filters) Owner(ctx context.Context, id rulespec.FilterID) (uint, error) {
	return s.owner(ctx, &filterRow{}, uint(id))
}

// Owner returns whose a destination is. It is for operators.
func (s *Destinations) Owner(ctx context.Context, id uint) (uint, error) {
	return s.owner(ctx, &destinationRow{}, id)
}

func (c *core) owner(ctx context.Context, row any, id uint) (uint, error) {
	var owners []uint
	if err := c.read(ctx).Model(row).Where("id = ?", id).Pluck("user_id", &owners).Error; err != nil {
		return 0, explain("read owner", err)
	}
	if len(owners) == 0 {
		return 0, ErrNotFound
	}
	return owners[0], nil
}

// SetOptions sets what an owner has chosen about the looks of what is sent to a destination. backends.Info.CheckOptions
// has checked it.
func (s *Destinations) SetOptions(ctx context.Context, userID, id uint, chosen map[string]string) error {
	set := map[string]any{"options": looks.Write(chosen)}
	return s.set(ctx, userID, id, accounts.DestinationLooks, set)
}

// NoteExport notes that everything that is stored about a user was exported.
func (s *Accounts) NoteExport(ctx context.Context, id uint) error {
	return s.write(ctx, "note export", func(tx *gorm.DB) error {
		return s.note(tx, id, accounts.AccountExport, "", nil, accounts.Fields{"of": "everything"})
	})
}

// ByIdentity returns the user whom a provider knows by a subject, or ErrNotFound.
func (s *Accounts) ByIdentity(ctx context.Context, issuer, subject string) (User, error) {
	owner := s.read(ctx).Table("identities").Select("user_id").Where("issuer = ? AND subject = ?", issuer, subject)
	return s.user(s.read(ctx).Where("id = (?)", owner))
}

// A Rebinding is what came of moving identities to another provider.
type Rebinding struct {
	Moved   int
	Unknown []string // subjects of before that lead to no account
	Bound   []string // subjects of now that lead to another account already, which an operator has to look at
}

// Rebind moves identities when a community changes its provider, or the provider its subjects: subjects of before to
// those of now. Accounts, names and filters stay; logins by these identities end.
func (s *Accounts) Rebind(
	ctx context.Context, from, to string, subjects map[string]string,
) (done Rebinding, err error) {
	err = s.change(ctx, "move identities", func(tx *gorm.DB) error {
		done = Rebinding{}
		for _, old := range slices.Sorted(maps.Keys(subjects)) {
			before := accounts.Identity{Issuer: from, Subject: old}
			after := accounts.Identity{Issuer: to, Subject: subjects[old]}
			if err := errors.Join(before.Check(), after.Check()); err != nil {
				return err
			}
			known, found, err := accounts.FindIdentity(tx, from, old)
			if err != nil {
				return err
			}
			if !found { // an account that is gone may have held a name by it
				done.Unknown = append(done.Unknown, old)
				now := accounts.HolderOfIdentity(to, subjects[old])
				if err := accounts.MoveHolder(tx, accounts.HolderOfIdentity(from, old), now); err != nil {
					return err
				}
				continue
			}
			if other, taken, err := accounts.FindIdentity(tx, to, subjects[old]); err != nil {
				return err
			} else if taken && other.ID != known.ID {
				done.Bound = append(done.Bound, subjects[old])
				continue
			}
			if err := s.rebind(tx, known, before, after); err != nil {
				return err
			}
			done.Moved++
		}
		return nil
	})
	return done, err
}

func (s *Accounts) rebind(tx *gorm.DB, known accounts.Known, from, to accounts.Identity) error {
	if err := accounts.MoveIdentity(tx, known.ID, from, to); err != nil {
		return err
	}
	if err := s.logins.EndByIdentity(tx, known.ID); err != nil {
		return err
	}
	return s.note(tx, known.User, accounts.IdentityMove, object("identity", known.ID),
		accounts.Fields{"issuer": from.Issuer}, accounts.Fields{"issuer": to.Issuer})
}

// SubjectsOf returns the subjects of an issuer that lead to accounts.
func (s *Accounts) SubjectsOf(ctx context.Context, issuer string) (subjects []string, err error) {
	err = s.read(ctx).Table("identities").Where("issuer = ?", issuer).Order("subject").Pluck("subject", &subjects).Error
	return subjects, explain("read identities", err)
}

// Free lets anybody have a name again that a person of before had. It is for operators who have made sure that it is
// the same person, or that the name means nothing. The error is ErrNotFound where nobody had it, or somebody has it.
func (s *Accounts) Free(ctx context.Context, name string) error {
	return s.write(ctx, "free name", func(tx *gorm.DB) error {
		free, err := accounts.Free(tx, name)
		if err == nil && !free {
			return ErrNotFound
		}
		return err
	})
}

// Claimed returns the users whose name is only claimed, by name: what operators look through after an upgrade.
func (s *Accounts) Claimed(ctx context.Context) ([]User, error) {
	return s.users(ctx, "name <> '' AND proof = ?", string(accounts.Claimed))
}

func (s *Accounts) users(ctx context.Context, where string, args ...any) ([]User, error) {
	var rows []userRow
	if err := s.read(ctx).Where(where, args...).Order("name, id").Find(&rows).Error; err != nil {
		return nil, explain("read users", err)
	}
	all := make([]User, len(rows))
	for i, r := range rows {
		all[i] = r.user()
	}
	return all, nil
}

// Unproved counts the accounts whose name is claimed, and those that have none.
func (s *Accounts) Unproved(ctx context.Context) (claimed, nameless int64, err error) {
	row := s.read(ctx).Raw("SELECT COALESCE(SUM(CASE WHEN proof = ? THEN 1 ELSE 0 END), 0), "+
		"COALESCE(SUM(CASE WHEN name = '' THEN 1 ELSE 0 END), 0) FROM users", string(accounts.Claimed)).Row()
	return claimed, nameless, explain("count claimed names", row.Scan(&claimed, &nameless))
}

// Speakers returns the destinations at an address, for somebody who has it and says something there: those that are
// confirmed, and that no account of the network was bound to but account. bound says that there is one which another
// account has confirmed. See StopAddress.
func (s *Unsubscriber) Speakers(
	ctx context.Context, backend, address, account string,
) (list []Destination, bound bool, err error) {
	var rows []destinationRow
	err = s.read(ctx).Where("backend = ? AND address = ? AND confirmed", backend, address).Order("id").Find(&rows).Error
	for _, r := range rows {
		if r.Account != "" && r.Account != account {
			bound = true
			continue
		}
		list = append(list, r.destination())
	}
	return list, bound, explain("find who speaks", err)
}

// SendNow sends what waits for one of a user's destinations now, whatever holds it: its owner asks for it.
func (s *Destinations) SendNow(ctx context.Context, o *outbox.Outbox, userID, id uint) error {
	return s.withWaiting(ctx, o, userID, id, accounts.NoticeNow, func(tx *gorm.DB, key string) error {
		return o.Flush(tx, key)
	})
}

// thrownAway begins why a notice was silenced that its owner has thrown away; behind it stands when, so that Keep finds
// those that were thrown away together.
const thrownAway = "thrown away by you, "

// ThrowAway silences what waits for one of a user's destinations, and returns how many notices that are and the mark by
// which Keep lets them wait again.
func (s *Destinations) ThrowAway(ctx context.Context, o *outbox.Outbox, userID, id uint) (n int, mark int64,
	err error) {
	at := s.now().UTC().Truncate(time.Microsecond)
	err = s.withWaiting(ctx, o, userID, id, accounts.NoticeDrop, func(tx *gorm.DB, key string) error {
		n, err = o.Sift(tx, []string{key}, func(*backends.Notice, []outbox.Reason) string { return thrownAwayAt(at) })
		return err
	})
	return n, at.UnixMicro(), err
}

func thrownAwayAt(at time.Time) string {
	return thrownAway + at.UTC().Format("2006-01-02 15:04:05.000000")
}

// KeepAll lets what a ThrowAway has silenced wait again, by its mark, and returns how many notices that are.
func (s *Destinations) KeepAll(ctx context.Context, o *outbox.Outbox, userID, id uint, mark int64) (n int, err error) {
	err = s.withWaiting(ctx, o, userID, id, accounts.NoticeKeep, func(tx *gorm.DB, key string) error {
		n, err = o.Restore(tx, []string{key}, thrownAwayAt(time.UnixMicro(mark)))
		return err
	})
	return n, err
}

// withWaiting changes what waits for one of a user's destinations, and notes it.
func (s *Destinations) withWaiting(ctx context.Context, o *outbox.Outbox, userID, id uint, what accounts.What,
	change func(tx *gorm.DB, key string) error) error {
	err := s.write(ctx, "change what waits", func(tx *gorm.DB) error {
		if err := lockDeliveries(tx, "pg_advisory_xact_lock_shared"); err != nil {
			return err
		}
		to, err := ownDestination(tx, userID, id)
		if err != nil {
			return err
		}
		if err := s.note(tx, userID, what, object("destination", id), nil,
			accounts.Fields{"destination": to.place()}); err != nil {
			return err
		}
		return change(tx, Key(id))
	})
	if err == nil {
		o.Notify()
	}
	return err
}
