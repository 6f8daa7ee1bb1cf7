package prefs

import (
	"context"
	"strconv"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// A confirmed address gets notices. That a link which is mailed there signs its owner in is another thing, since many
// may read what one person has sent to a mailing list: it is off for every address but that which began the account,
// and switched on only with a code that was mailed to the address for just this.

// AskLetIn asks that a code be mailed to an address for LetIn; the ticket says what to mail.
func (s *Destinations) AskLetIn(ctx context.Context, userID, id uint) (ticket accounts.Ticket, err error) {
	err = s.write(ctx, "ask for code", func(tx *gorm.DB) error {
		to, err := ownDestination(tx, userID, id)
		if err != nil {
			return err
		}
		if !to.Confirmed || to.Disabled != "" {
			return ErrNoWayIn
		}
		ticket, err = s.mailed.Ask(tx, wayInRequest(to), s.mailed.OwnLimits(userID)...)
		return err
	})
	return ticket, err
}

// wayInRequest is what such a code is asked for by. A code that only confirms an address is not good for it.
func wayInRequest(to destinationRow) accounts.MailRequest {
	return accounts.MailRequest{Purpose: accounts.MailConfirm, User: to.UserID, Destination: to.ID, Backend: to.Backend,
		Address: to.Address, About: "sign in"}
}

// AskFresh asks that a code be mailed, to an address that may sign in, by which the holder of a login shows again who
// they are.
func (s *Destinations) AskFresh(ctx context.Context, userID, id, login uint) (ticket accounts.Ticket, err error) {
	err = s.write(ctx, "ask for code", func(tx *gorm.DB) error {
		r, err := freshRequest(tx, userID, id, login)
		if err != nil {
			return err
		}
		ticket, err = s.mailed.Ask(tx, r, s.mailed.OwnLimits(userID)...)
		return err
	})
	return ticket, err
}

// TryFresh takes the code of AskFresh. The error is ErrCode when it is wrong, or was mailed for another login.
func (s *Destinations) TryFresh(ctx context.Context, userID, id, login uint, code string) error {
	fits := false
	err := s.write(ctx, "take code", func(tx *gorm.DB) error {
		r, err := freshRequest(tx, userID, id, login)
		if err != nil {
			return err
		}
		fits, err = s.mailed.Try(tx, r, code)
		return err
	})
	if err == nil && !fits {
		return ErrCode
	}
	return err
}

func freshRequest(tx *gorm.DB, userID, id, login uint) (accounts.MailRequest, error) {
	to, err := ownDestination(tx, userID, id)
	if err == nil && !to.destination().LetsIn() {
		err = ErrNoWayIn
	}
	return accounts.MailRequest{Purpose: accounts.MailFresh, User: userID, Destination: id, Backend: to.Backend,
		Address: to.Address, About: "login " + strconv.FormatUint(uint64(login), 10)}, err
}

// LetIn makes a confirmed address of the user a way in. code was mailed there after AskCode. The error is ErrCode when
// it is wrong, and ErrNoWayIn for an address that is not confirmed, or whose server refuses what is sent there.
func (s *Destinations) LetIn(ctx context.Context, userID, id uint, code string) error {
	fits := false
	err := s.write(ctx, "let in by address", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		to, err := ownDestination(tx, userID, id)
		if err != nil {
			return err
		}
		if !to.Confirmed || to.Disabled != "" {
			return ErrNoWayIn
		}
		if fits, err = s.mailed.Try(tx, wayInRequest(to), code); err != nil || !fits || to.SignIn {
			return err
		}
		if err := s.setWayIn(tx, to, true); err != nil {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.WayInAdded, Backend: to.Backend,
			Address: to.Address, Undo: accounts.UndoData{Destination: id}})
	})
	if err == nil && !fits {
		return ErrCode // after the commit, which counts the attempt
	}
	return err
}

// KeepOut takes from an address that it lets its owner in, and ends the logins that it began. The error is ErrLastWay
// when nothing else lets the user in.
func (s *Destinations) KeepOut(ctx context.Context, userID, id uint) error {
	return s.write(ctx, "keep out by address", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		to, err := ownDestination(tx, userID, id)
		if err != nil || !to.SignIn {
			return err
		}
		if err := s.notTheLast(tx, to); err != nil {
			return err
		}
		if err := s.setWayIn(tx, to, false); err != nil {
			return err
		}
		if err := s.logins.EndByDestination(tx, id); err != nil {
			return err
		}
		return s.happened(tx, wayInRemoved(to))
	})
}

func wayInRemoved(was destinationRow) accounts.Happened {
	return accounts.Happened{User: was.UserID, Kind: accounts.WayInRemoved, Backend: was.Backend, Address: was.Address,
		Gone: true, WasIn: true, Undo: accounts.UndoData{Destination: was.ID, On: was.IsOn}}
}

// staysIn returns ErrLastWay where a person is about to give up the last address that lets them in. An operator may
// take it: then the person is locked out on purpose. The user is locked, so that two changes at once cannot take both.
func (c *core) staysIn(tx *gorm.DB, to destinationRow) error {
	by := accounts.ActorOf(tx.Statement.Context)
	if by.Kind != accounts.Person || by.ID != to.UserID {
		return nil
	}
	return c.notTheLast(tx, to)
}

func (c *core) notTheLast(tx *gorm.DB, to destinationRow) error {
	if c.noMailedLinks || !to.destination().LetsIn() {
		return nil
	}
	n, err := accounts.WaysIn(tx, to.UserID, true)
	if err == nil && n <= 1 {
		return ErrLastWay
	}
	return err
}

// setWayIn sets whether an address lets its owner in, and notes it.
func (s *Destinations) setWayIn(tx *gorm.DB, to destinationRow, may bool) error {
	return s.destinationChange(tx, accounts.Unsaid, to.ID, accounts.DestinationSignIn, func(destinationRow) error {
		set := map[string]any{"sign_in": may}
		if may {
			set["vouched"] = "" // a code has come back from there
		}
		return tx.Model(&destinationRow{}).Where("id = ?", to.ID).Updates(set).Error
	})
}

// Pause stops notices to a destination, which goes on to let its owner in where it does. SetOn(false) ends that too.
func (s *Destinations) Pause(ctx context.Context, userID, id uint) error {
	return s.close(ctx, "pause destination", func(tx *gorm.DB) error {
		err := s.update(tx, userID, id, accounts.DestinationOff, map[string]any{"is_on": false})
		if err != nil {
			return err
		}
		return s.cancelOwed(tx, "the destination was switched off", id)
	})
}

// Unlink takes an identity from a user, and ends the logins that it began. The error is ErrLastWay when nothing else
// lets the user in. A name that only this provider has proved is claimed from then on.
func (s *Accounts) Unlink(ctx context.Context, userID, id uint) error {
	return s.change(ctx, "unlink identity", func(tx *gorm.DB) error {
		was, err := lock(tx, userID)
		if err != nil {
			return err
		}
		n, err := accounts.WaysIn(tx, userID, !s.noMailedLinks)
		if err != nil {
			return err
		}
		gone, row, err := accounts.TakeIdentity(tx, userID, id)
		if err != nil {
			return err
		}
		if n <= 1 {
			return ErrLastWay
		}
		if err := s.logins.EndByIdentity(tx, id); err != nil {
			return err
		}
		err = s.note(tx, userID, accounts.IdentityUnlink, object("identity", id), accounts.Fields{"provider": gone.Issuer,
			"name": gone.Name}, nil)
		if err != nil {
			return err
		}
		if err := s.unprove(tx, userID); err != nil {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.IdentityUnlinked,
			About: gone.Name + " (" + gone.Issuer + ")", Undo: accounts.UndoData{Row: row, Name: was.Name,
				Proof: accounts.Proof(was.Proof)}})
	})
}

func ownDestination(tx *gorm.DB, userID, id uint) (row destinationRow, err error) {
	err = tx.Where("id = ? AND user_id = ?", id, userID).Take(&row).Error
	return row, err
}

// happened tells Config.Told of a change of what lets somebody in.
func (c *core) happened(tx *gorm.DB, h accounts.Happened) error {
	if c.told == nil {
		return nil
	}
	return c.told(tx, h)
}
