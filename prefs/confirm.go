package prefs

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
)

// AskCode asks that a code be mailed that confirms a destination; the ticket says what to mail. Codes that were mailed
// before stay good. A ticket that says TooOften is no error.
func (s *Destinations) AskCode(ctx context.Context, userID, destinationID uint) (ticket accounts.Ticket, err error) {
	err = s.write(ctx, "ask for code", func(tx *gorm.DB) error {
		user, err := lock(tx, userID)
		if err != nil {
			return err
		}
		r, err := codeRequest(tx, userID, destinationID)
		if err != nil {
			return err
		}
		age := time.Duration(s.micro()-user.CreatedAt) * time.Microsecond
		ticket, err = s.mailed.AskCode(tx, r, accounts.Asker{User: userID, Age: age})
		if err != nil || ticket.Ref == "" {
			return err
		}
		return s.noteCode(tx, r)
	})
	return ticket, err
}

// NewCode makes a code that confirms a destination, like "3K9FA-QX7TB", for a caller who hands it over without a mail.
func (s *Destinations) NewCode(ctx context.Context, userID, destinationID uint) (code string, err error) {
	err = s.write(ctx, "make code", func(tx *gorm.DB) error {
		r, err := codeRequest(tx, userID, destinationID)
		if err != nil {
			return err
		}
		if code, err = s.mailed.Issue(tx, r); err != nil {
			return err
		}
		return s.noteCode(tx, r)
	})
	return code, err
}

func (s *Destinations) noteCode(tx *gorm.DB, r accounts.MailRequest) error {
	to := destinationRow{Backend: r.Backend, Address: r.Address}
	return s.note(tx, r.User, accounts.DestinationCode, object("destination", r.Destination), nil,
		accounts.Fields{"destination": to.place()})
}

// codeRequest is what a code for a destination is asked for by.
func codeRequest(tx *gorm.DB, userID, destinationID uint) (accounts.MailRequest, error) {
	var to destinationRow
	err := tx.Where("id = ? AND user_id = ?", destinationID, userID).Take(&to).Error
	return accounts.MailRequest{Purpose: accounts.MailConfirm, User: userID, Destination: destinationID,
		Backend: to.Backend, Address: to.Address}, err
}

// Confirm confirms a destination of the user with the code that was sent to it. The code works for this user only: a
// stranger cannot make somebody else confirm an address by sending them a code. The error is ErrCode when the code is
// wrong, and ErrClaimed when another user has confirmed the address.
func (s *Destinations) Confirm(ctx context.Context, userID, destinationID uint, code string) error {
	fits := false
	err := s.change(ctx, "confirm destination", func(tx *gorm.DB) error {
		r, err := codeRequest(tx, userID, destinationID)
		if err != nil {
			return err
		}
		account, err := s.mailed.Holder(tx, code)
		if err != nil {
			return err
		}
		if fits, err = s.mailed.Try(tx, r, code); err != nil || !fits {
			return err
		}
		was, err := s.confirm(tx, userID, destinationID, account)
		if err != nil || was.Confirmed {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.AddressAdded, Backend: was.Backend,
			Address: was.Address, Undo: accounts.UndoData{Destination: destinationID}})
	})
	if err == nil && !fits {
		return ErrCode // after the commit, which counts the attempt
	}
	return err
}

// confirm makes a destination a confirmed one, and returns what it was.
func (s *Destinations) confirm(tx *gorm.DB, userID, id uint, account string) (was destinationRow, err error) {
	err = s.destinationChange(tx, accounts.Unsaid, id, accounts.DestinationConfirm, func(before destinationRow) error {
		was = before
		if err := s.claim(tx, userID, was.Backend, was.Address); err != nil {
			return err
		}
		set := map[string]any{"confirmed": true, "disabled": "", "account": account}
		err := tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set).Error
		if errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrClaimed
		}
		return err
	})
	if err != nil {
		return was, err
	}
	if err := s.touchUser(tx, userID); err != nil {
		return was, err
	}
	if err := s.vouchBy(tx, userID, was.Backend, was.Address); err != nil {
		return was, err
	}
	return was, s.tell(tx, userID, ofDestinations)
}
