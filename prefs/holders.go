package prefs

import (
	"context"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// holders.go is about addresses that can change hands, and that have several spellings, such as nicks on IRC.

// Holder returns the account of a network that had the address of a destination when it was confirmed, by the key of
// the destination (Key); "" where none is known. The error is ErrNotFound where the destination was deleted.
func (s *Destinations) Holder(ctx context.Context, key string) (string, error) {
	id, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return "", nil // no destination, such as the address of a report
	}
	var row destinationRow
	err = s.read(ctx).Select("account").Where("id = ?", id).Take(&row).Error
	return row.Account, explain("read who has the address", err)
}

// StopAddress ends what is sent to an address, for somebody who has it and has said so there: as the wide link does it.
// A destination that an account of the network has confirmed is stopped by that account alone. Codes that strangers had
// sent there are worthless afterwards, and who asked for them sees why.
func (s *Unsubscriber) StopAddress(ctx context.Context, backend, address, account string) (backends.Stopped, error) {
	var did backends.Stopped
	err := s.close(ctx, "stop an address", func(tx *gorm.DB) error {
		did = backends.Stopped{}
		var rows []destinationRow
		err := tx.Where("backend = ? AND address = ?", backend, address).Order("user_id").Find(&rows).Error
		if err != nil {
			return err
		}
		for _, to := range rows {
			if _, err := lock(tx, to.UserID); err != nil { // before the codes, as AskCode does
				return err
			}
		}
		codes, err := s.mailed.EndCodes(tx, backend, address)
		did.Claims = int(codes)
		for i := 0; err == nil && i < len(rows); i++ {
			err = s.stopOne(tx, rows[i], account, &did)
		}
		return err
	})
	return did, err
}

// claimStopped is what the owner of an account sees who has asked for a code to somebody else's address.
const claimStopped = "whoever has this address has said stop"

func (s *Unsubscriber) stopOne(tx *gorm.DB, to destinationRow, account string, did *backends.Stopped) error {
	set := map[string]any{"disabled": claimStopped}
	switch {
	case !to.Confirmed && to.Disabled != "", to.Confirmed && !to.IsOn:
		return nil
	case to.Confirmed && to.Account != "" && to.Account != account:
		did.Bound = true
		return nil
	case to.Confirmed:
		set = map[string]any{"is_on": false}
		did.Destinations++
	}
	err := s.destinationChange(tx, accounts.Said, to.ID, accounts.DestinationOff, func(destinationRow) error {
		return tx.Model(&destinationRow{}).Where("id = ?", to.ID).Updates(set).Error
	})
	if err != nil {
		return err
	}
	if err := s.touchUser(tx, to.UserID); err != nil {
		return err
	}
	if err := s.tell(tx, to.UserID, ofDestinations); err != nil {
		return err
	}
	return s.cancelOwed(tx, "stopped by who has the address", to.ID)
}

// doubtDestination takes the confirmation from a destination that the directory vouches for no more. It is ErrNotFound
// when a code has confirmed it in the meantime.
func (s *Accounts) doubtDestination(ctx context.Context, id uint) error {
	return s.close(ctx, "doubt destination", func(tx *gorm.DB) error {
		var to destinationRow
		if err := tx.Where("id = ? AND confirmed AND vouched <> ''", id).Take(&to).Error; err != nil {
			return err
		}
		if _, err := lock(tx, to.UserID); err != nil {
			return err
		}
		set := map[string]any{"confirmed": false, "vouched": "", "sign_in": false, "disabled": doubtedReason, "account": ""}
		err := s.destinationChange(tx, accounts.Unsaid, id, accounts.DestinationDoubt, func(destinationRow) error {
			return tx.Model(&destinationRow{}).Where("id = ?", id).Updates(set).Error
		})
		if err != nil {
			return err
		}
		if err := s.touchUser(tx, to.UserID); err != nil {
			return err
		}
		if err := s.tell(tx, to.UserID, ofDestinations); err != nil {
			return err
		}
		return s.cancelOwed(tx, doubtedReason, id)
	})
}

// A Lost is a destination that has to be confirmed again, because an account that had confirmed its address before has
// another spelling of it.
type Lost struct {
	User        User
	Destination Destination
}

// lostReason is what its owner sees.
const lostReason = "another account has confirmed the same address before, in another spelling"

// Respell gives the addresses of a backend their canonical form anew, as a program does that has learned which
// addresses are one. Of two accounts that have confirmed one address the first keeps it, and the other has to confirm
// it again: it is returned, so that its owner can be told. What one person has twice becomes one, with the filters and
// notices of both. An address that has no canonical form stays as it is.
func (s *Destinations) Respell(
	ctx context.Context, backend string, canonical func(string) (string, error),
) ([]Lost, error) {
	var lost []Lost
	var rows []destinationRow
	if err := s.read(ctx).Where("backend = ?", backend).Find(&rows).Error; err != nil {
		return nil, explain("read addresses", err)
	}
	respelled := func(r destinationRow) bool { to, err := canonical(r.Address); return err == nil && to != r.Address }
	if !slices.ContainsFunc(rows, respelled) {
		return nil, nil
	}
	err := s.close(ctx, "respell addresses", func(tx *gorm.DB) error {
		lost, rows = nil, nil
		// who has confirmed an address keeps it, and of several the first
		if err := tx.Where("backend = ?", backend).Order("confirmed DESC, id").Find(&rows).Error; err != nil {
			return err
		}
		r := respelling{core: s.core, tx: tx, kept: map[string][]destinationRow{}}
		for _, row := range rows {
			to, err := canonical(row.Address)
			if err != nil {
				to = row.Address
			}
			if err := r.respell(row, to); err != nil {
				return err
			}
		}
		for _, row := range r.lost {
			user, err := s.user(tx.Where("id = ?", row.UserID))
			if err != nil {
				return err
			}
			lost = append(lost, Lost{user, row.destination()})
		}
		return r.write()
	})
	return lost, err
}

// A respelling is one Respell under way.
type respelling struct {
	*core
	tx      *gorm.DB
	kept    map[string][]destinationRow // by their canonical addresses
	changes []destinationRow            // rows with their new addresses
	lost    []destinationRow
}

// respell decides about one destination, after those that have more right to its address.
func (r *respelling) respell(row destinationRow, to string) error {
	for _, other := range r.kept[to] {
		if other.UserID == row.UserID {
			return r.merge(row, other)
		}
	}
	if row.Confirmed && len(r.kept[to]) > 0 && r.kept[to][0].Confirmed {
		if err := r.lose(row); err != nil {
			return err
		}
		row.Confirmed, row.Disabled = false, lostReason
		r.lost = append(r.lost, row)
	}
	if to != row.Address {
		row.Address = to
		r.changes = append(r.changes, row)
	}
	r.kept[to] = append(r.kept[to], row)
	return nil
}

// merge makes one of two destinations of a person that are the same.
func (r *respelling) merge(row, into destinationRow) error {
	err := r.tx.Exec("INSERT INTO filter_destinations (filter_id, destination_id) SELECT filter_id, ? FROM "+
		"filter_destinations WHERE destination_id = ? ON CONFLICT DO NOTHING", into.ID, row.ID).Error
	if err != nil {
		return err
	}
	err = r.noteBy(r.tx, accounts.Daemon, row.UserID, accounts.DestinationDelete, object("destination", row.ID),
		row.fields(), nil)
	if err != nil {
		return err
	}
	if err := r.touched(row.UserID); err != nil {
		return err
	}
	if err := r.onMerge(r.tx, row.Backend, Key(row.ID), Key(into.ID)); err != nil {
		return err
	}
	return r.tx.Where("id = ?", row.ID).Delete(&destinationRow{}).Error
}

// lose takes the confirmation from a destination.
func (r *respelling) lose(row destinationRow) error {
	set := map[string]any{"confirmed": false, "disabled": lostReason, "account": "", "vouched": ""}
	err := r.destinationChange(r.tx, accounts.Daemon, row.ID, accounts.DestinationLose, func(destinationRow) error {
		return r.tx.Model(&destinationRow{}).Where("id = ?", row.ID).Updates(set).Error
	})
	if err != nil {
		return err
	}
	if err := r.touched(row.UserID); err != nil {
		return err
	}
	return r.cancelOwed(r.tx, lostReason, row.ID)
}

// write stores the new addresses, when nothing has the old ones any more that they could meet.
func (r *respelling) write() error {
	for _, row := range r.changes {
		err := r.destinationChange(r.tx, accounts.Daemon, row.ID, accounts.DestinationRespell, func(destinationRow) error {
			return r.tx.Model(&destinationRow{}).Where("id = ?", row.ID).Update("address", row.Address).Error
		})
		if err != nil {
			return err
		}
		if err := r.touched(row.UserID); err != nil {
			return err
		}
	}
	return nil
}

func (r *respelling) touched(user uint) error {
	if err := r.touchUser(r.tx, user); err != nil {
		return err
	}
	return r.tell(r.tx, user, ofDestinations)
}
