package prefs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/passkeys"
)

// Undos performs the links in mails about changes of what lets somebody in. Nobody signs in: the link is the right to
// act. See accounts.Happened.
type Undos struct{ *core }

// Show returns what a link undoes, newest first, for the page that asks before it acts. It changes nothing. The error
// is ErrCode when the link was used, or is too old, or when the change is undone.
func (s *Undos) Show(ctx context.Context, secret string) (User, []accounts.Undo, error) {
	r, err := s.mailed.Find(ctx, accounts.MailUndo, secret)
	if err != nil {
		return User{}, nil, explain("find undo link", err)
	}
	id, _ := r.ReadUndo()
	list, err := accounts.Undoable(s.read(ctx), r.User, id, s.now())
	if err != nil {
		return User{}, nil, explain("find undo link", err)
	}
	user, err := s.userByID(ctx, r.User)
	return user, list, err
}

// Do undoes what Show shows, and ends all sessions of the account. left says what could not be brought back, because
// somebody else has it now.
func (s *Undos) Do(ctx context.Context, secret string) (left []accounts.Undo, err error) {
	by := accounts.Actor{Kind: accounts.Link, Network: accounts.ActorOf(ctx).Network}
	r, err := s.mailed.Find(ctx, accounts.MailUndo, secret)
	if err != nil {
		return nil, explain("find undo link", err)
	}
	err = s.erase(accounts.WithActor(ctx, by), "undo", func(tx *gorm.DB) error {
		if _, err := lock(tx, r.User); err != nil { // before the request, as others do
			return err
		}
		if _, err := s.mailed.Use(tx, accounts.MailUndo, secret); err != nil {
			return err
		}
		id, strong := r.ReadUndo()
		list, err := accounts.Undoable(tx, r.User, id, s.now())
		if err != nil {
			return err
		}
		if err := accounts.Undone(tx, list, s.now()); err != nil {
			return err
		}
		if left, err = s.undoAll(tx, list, strong); err != nil {
			return err
		}
		return s.logins.EndAll(tx, r.User)
	})
	return left, err
}

// undoAll undoes changes, the newest first.
func (s *Undos) undoAll(tx *gorm.DB, list []accounts.Undo, strong bool) (left []accounts.Undo, err error) {
	for _, u := range list {
		err := s.undo(tx, u, strong)
		if errors.Is(err, ErrClaimed) {
			left = append(left, u)
			continue
		}
		if err != nil {
			return nil, err
		}
		err = s.noteBy(tx, accounts.Link, u.User, accounts.AccountUndo, string(u.Kind), nil,
			accounts.Fields{"undone": string(u.Kind) + ": " + u.About})
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}

// undo undoes one change. What is gone already stays gone: that is no error.
func (s *Undos) undo(tx *gorm.DB, u accounts.Undo, strong bool) error {
	switch u.Kind {
	case accounts.AddressAdded, accounts.AddressRestored:
		return s.removeAgain(tx, u)
	case accounts.AddressRemoved:
		return s.restore(tx, u, strong)
	case accounts.WayInAdded:
		return s.setSignIn(tx, u, false)
	case accounts.WayInRemoved:
		if !strong {
			return nil
		}
		return s.setSignIn(tx, u, true)
	case accounts.TokenMade:
		return tx.Where("id = ? AND user_id = ?", u.Data.Token, u.User).Delete(&apiTokenRow{}).Error
	case accounts.IdentityLinked, accounts.IdentityUnlinked:
		if err := accounts.UndoIdentity(tx, u); err != nil {
			return err
		}
		if err := s.nameAgain(tx, u); err != nil {
			return err
		}
		return s.unprove(tx, u.User)
	case accounts.PasskeyAdded, accounts.PasskeyRemoved:
		return passkeys.Undo(tx, u, strong)
	}
	return nil // the sessions end in any case
}

// removeAgain deletes an address that was added.
func (s *Undos) removeAgain(tx *gorm.DB, u accounts.Undo) error {
	gone, err := ownDestination(tx, u.User, u.Data.Destination)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = (&Destinations{s.core}).remove(tx, gone, "its addition was undone")
	return err
}

// setSignIn sets whether an address that is still there lets its owner in.
func (s *Undos) setSignIn(tx *gorm.DB, u accounts.Undo, may bool) error {
	to, err := ownDestination(tx, u.User, u.Data.Destination)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	set := map[string]any{"sign_in": may}
	if may && u.Data.On {
		set["is_on"] = true
	}
	if err := tx.Model(&destinationRow{}).Where("id = ?", to.ID).Updates(set).Error; err != nil {
		return err
	}
	return s.touchUser(tx, u.User)
}

// undoOf is what it takes to bring a destination back that is about to be deleted.
func undoOf(to destinationRow) (accounts.UndoData, error) {
	row, err := json.Marshal(to)
	return accounts.UndoData{Row: row}, err
}

// restore brings a deleted address back: confirmed, since a link that was mailed about it was pressed, and for the
// filters that were for it. The error is ErrClaimed when somebody else has confirmed it meanwhile.
func (s *Undos) restore(tx *gorm.DB, u accounts.Undo, strong bool) error {
	var row destinationRow
	if err := json.Unmarshal(u.Data.Row, &row); err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	if err := s.claim(tx, u.User, row.Backend, row.Address); err != nil {
		return err
	}
	row.ID, row.UserID, row.CreatedAt = 0, u.User, s.micro()
	row.Confirmed, row.SignIn = true, row.SignIn && strong // vouched stays: no code has come, and Review looks again
	same := clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}, {Name: "backend"}, {Name: "address"}},
		DoUpdates: clause.AssignmentColumns([]string{"confirmed", "is_on", "sign_in", "account", "vouched", "every",
			"at_count", "at_time", "weekdays", "at_once_from", "first_at_once", "quiet"})}
	if err := tx.Clauses(same).Create(&row).Error; err != nil {
		return err
	}
	var back destinationRow
	err := tx.Where("user_id = ? AND backend = ? AND address = ?", u.User, row.Backend, row.Address).Take(&back).Error
	if err != nil {
		return err
	}
	if err := s.restoreFilters(tx, u, back.ID); err != nil {
		return err
	}
	return s.happened(tx, accounts.Happened{User: u.User, Kind: accounts.AddressRestored, Backend: back.Backend,
		Address: back.Address, Undo: accounts.UndoData{Destination: back.ID}})
}

// restoreFilters gives a destination back to the filters that were for it, and switches on those that were switched off
// when it went.
func (s *Undos) restoreFilters(tx *gorm.DB, u accounts.Undo, destination uint) error {
	for _, f := range u.Data.Filters {
		err := tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) "+
			"SELECT id, ? FROM filters WHERE id = ? AND user_id = ? AND chosen ON CONFLICT DO NOTHING",
			destination, f, u.User).Error
		if err != nil {
			return err
		}
		if slices.Contains(u.Data.Off, f) {
			err := tx.Model(&filterRow{}).Where("id = ? AND user_id = ?", f, u.User).Update("is_on", true).Error
			if err != nil {
				return err
			}
		}
	}
	return s.touchUser(tx, u.User)
}
