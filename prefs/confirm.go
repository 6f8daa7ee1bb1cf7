package prefs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
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
		if _, err := lock(tx, userID); err != nil { // before the request, as AskCode does
			return err
		}
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
		was, err := s.confirm(tx, userID, destinationID, map[string]any{"account": account, "vouched": ""})
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

// confirm makes a destination a confirmed one, and returns what it was. how are the columns that say by what.
func (s *Destinations) confirm(
	tx *gorm.DB, userID, id uint, how map[string]any,
) (was destinationRow, err error) {
	err = s.destinationChange(tx, accounts.Unsaid, id, accounts.DestinationConfirm, func(before destinationRow) error {
		was = before
		if err := s.claim(tx, userID, was.Backend, was.Address); err != nil {
			return err
		}
		set := map[string]any{"confirmed": true, "disabled": ""}
		maps.Copy(set, how)
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
	if how["vouched"] == "" { // or the name and the address would prove one another
		if err := s.vouchBy(tx, userID, was.Backend, was.Address); err != nil {
			return was, err
		}
	}
	return was, s.tell(tx, userID, ofDestinations)
}

// Some addresses need no code, since the directory says whose they are and the site believes it. It says so of a name,
// and so it counts for those alone whose name is proved.

// vouchedBy is the column of a destination that the directory vouches for.
const vouchedBy = "directory"

// doubtedReason is what the owner of a destination sees that the directory vouches for no more.
const doubtedReason = "the directory no longer says that this address is yours, so a code has to confirm it"

// An Offer is an address that the directory says is a person's, and that is no destination of theirs yet.
type Offer struct {
	Backend, Address string
	Sure             bool // it is confirmed at once; else a code is sent
}

// Offers returns the addresses that a user may add without typing them: none where it is not proved who the user is.
func (s *Destinations) Offers(ctx context.Context, userID uint) ([]Offer, error) {
	user, err := s.userByID(ctx, userID)
	if err != nil {
		return nil, err
	}
	reach := s.reachOf(user)
	if len(reach) == 0 {
		return nil, nil
	}
	own, err := s.List(ctx, userID)
	var offers []Offer
	for _, known := range reach {
		for _, address := range known.Addresses {
			has := func(d Destination) bool {
				same := accounts.Reach{Addresses: []string{d.Address}}.Has(address)
				return d.Backend == known.Backend && same && (d.Confirmed || !known.Sure || !mayVouch(d.Disabled))
			}
			if !slices.ContainsFunc(own, has) {
				offers = append(offers, Offer{Backend: known.Backend, Address: address, Sure: known.Sure})
			}
		}
	}
	return offers, err
}

// reachOf returns where the directory says that a user can be reached.
func (c *core) reachOf(u User) []accounts.Reach {
	name := u.Me(false)
	if name == "" {
		return nil
	}
	return c.people().Reach(name)
}

// mayVouch reports whether the directory's word is enough again for an address that was stopped. Whoever has it may
// have said stop, or its server may refuse: then a code is needed.
func mayVouch(disabled string) bool { return disabled == "" || disabled == doubtedReason }

// AddVouched adds an address that the directory says is the user's, and confirms it on that word. It does not let its
// owner in: for that a code is needed. The error is ErrNotFound where the directory's word is not there or not enough,
// so that the address is to be added and confirmed as any other, and ErrClaimed when another user has confirmed it.
func (s *Destinations) AddVouched(ctx context.Context, userID uint, backend, address string) (Destination, error) {
	if err := checkDestination(backend, address); err != nil {
		return Destination{}, err
	}
	var row destinationRow
	err := s.change(ctx, "add vouched destination", func(tx *gorm.DB) error {
		was, err := lock(tx, userID)
		if err != nil {
			return err
		}
		known := s.vouchedFor(was.user(), backend, address)
		if known == "" {
			return ErrNotFound
		}
		if row, err = s.add(tx, userID, backend, known); err != nil || row.Confirmed {
			return err
		}
		if !mayVouch(row.Disabled) {
			return ErrNotFound
		}
		how := map[string]any{"vouched": vouchedBy, "sign_in": false, "account": ""}
		if _, err := s.confirm(tx, userID, row.ID, how); err != nil {
			return err
		}
		if row, err = ownDestination(tx, userID, row.ID); err != nil {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.AddressAdded, Backend: backend,
			Address: known, Undo: accounts.UndoData{Destination: row.ID}})
	})
	if err != nil {
		return Destination{}, err
	}
	return row.destination(), nil
}

// vouchedFor returns an address as the directory writes it, "" where its word for it is not there or not enough.
func (c *core) vouchedFor(u User, backend, address string) string {
	for _, known := range c.reachOf(u) {
		if known.Backend != backend || !known.Sure {
			continue
		}
		for _, spelled := range known.Addresses {
			if strings.EqualFold(spelled, address) {
				return spelled
			}
		}
	}
	return ""
}
