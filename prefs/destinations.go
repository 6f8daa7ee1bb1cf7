package prefs

import (
	"context"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// The bounds on destinations.
const (
	maxDestinations = 20  // of one user
	maxAddress      = 512 // bytes
)

// Destinations stores where notices go: the addresses that people have added, confirmed and scheduled.
type Destinations struct{ *core }

// Add stores an address, not yet confirmed. backends.Info.CheckAddress has made it canonical. If the user has the
// address already, Add returns it unchanged. Another user may have it too, until one of them confirms it.
func (s *Destinations) Add(ctx context.Context, userID uint, backend, address string) (Destination, error) {
	if err := checkDestination(backend, address); err != nil {
		return Destination{}, err
	}
	var row destinationRow
	err := s.change(ctx, "add destination", func(tx *gorm.DB) (err error) {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		row, err = s.add(tx, userID, backend, address)
		return err
	})
	if err != nil {
		return Destination{}, err
	}
	return row.destination(), nil
}

// add is Add within a transaction that has locked the user.
func (s *Destinations) add(tx *gorm.DB, userID uint, backend, address string) (destinationRow, error) {
	var rows []destinationRow
	if err := tx.Where("user_id = ?", userID).Find(&rows).Error; err != nil {
		return destinationRow{}, err
	}
	for _, r := range rows {
		if r.Backend == backend && r.Address == address {
			return r, nil
		}
	}
	if len(rows) >= maxDestinations {
		return destinationRow{}, ErrTooMany
	}
	row := destinationRow{UserID: userID, Backend: backend, Address: address, IsOn: true, CreatedAt: s.micro()}
	if err := tx.Create(&row).Error; err != nil {
		return row, err
	}
	if err := s.tell(tx, userID, ofDestinations); err != nil {
		return row, err
	}
	return row, s.note(tx, userID, accounts.DestinationAdd, object("destination", row.ID), nil, row.fields())
}

// List returns a user's destinations, in the order in which they were added.
func (s *Destinations) List(ctx context.Context, userID uint) ([]Destination, error) {
	var rows []destinationRow
	if err := s.read(ctx).Where("user_id = ?", userID).Order("id").Find(&rows).Error; err != nil {
		return nil, explain("read destinations", err)
	}
	all := make([]Destination, len(rows))
	for i, r := range rows {
		all[i] = r.destination()
	}
	return all, nil
}

// Get returns one of a user's destinations.
func (s *Destinations) Get(ctx context.Context, userID, id uint) (Destination, error) {
	var row destinationRow
	if err := s.read(ctx).Where("id = ? AND user_id = ?", id, userID).Take(&row).Error; err != nil {
		return Destination{}, explain("read destination", err)
	}
	return row.destination(), nil
}

// SetOn switches a destination on or off. Switching on also clears the reason why it was disabled. Switching off
// cancels its deliveries (see Config.OnClose); the address no longer lets its owner in, and the logins that it began
// end. Pause stops the notices alone. The error is ErrLastWay when the owner would lock themselves out by it.
func (s *Destinations) SetOn(ctx context.Context, userID, id uint, on bool) error {
	if on {
		return s.change(ctx, "switch on destination", func(tx *gorm.DB) error {
			set := map[string]any{"is_on": true, "disabled": "", "off_reason": ""}
			if err := s.update(tx, userID, id, accounts.DestinationOn, set); err != nil {
				return err
			}
			return returned.Forget(tx, id) // it begins anew
		})
	}
	return s.close(ctx, "switch off destination", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		was, err := ownDestination(tx, userID, id)
		if err != nil {
			return err
		}
		if err := s.staysIn(tx, was); err != nil {
			return err
		}
		off := map[string]any{"is_on": false, "sign_in": false}
		if err := s.update(tx, userID, id, accounts.DestinationOff, off); err != nil {
			return err
		}
		if err := s.cancelOwed(tx, "the destination was switched off", id); err != nil || !was.SignIn {
			return err
		}
		if err := s.logins.EndByDestination(tx, id); err != nil {
			return err
		}
		return s.happened(tx, wayInRemoved(was))
	})
}

// SetSchedule sets when a destination gets its notices. Notices that wait already keep their time. A mistake in the
// schedule is a *schedule.Error.
func (s *Destinations) SetSchedule(ctx context.Context, userID, id uint, when schedule.Schedule) error {
	if err := when.Check(); err != nil {
		return err
	}
	return s.set(ctx, userID, id, accounts.DestinationSchedule, scheduleColumns(when))
}

func (s *Destinations) set(
	ctx context.Context, userID, id uint, what accounts.What, set map[string]any,
) error {
	return s.change(ctx, "change destination", func(tx *gorm.DB) error { return s.update(tx, userID, id, what, set) })
}

func (s *Destinations) update(tx *gorm.DB, userID, id uint, what accounts.What, set map[string]any) error {
	return s.destinationChange(tx, accounts.Unsaid, id, what, func(destinationRow) error {
		own := tx.Model(&destinationRow{}).Where("id = ? AND user_id = ?", id, userID)
		if err := changed(own.Updates(set)); err != nil {
			return err
		}
		if err := s.touchUser(tx, userID); err != nil {
			return err
		}
		return s.tell(tx, userID, ofDestinations)
	})
}

// Delete deletes one of a user's destinations, and wipes what was sent there or waits for it (see Config.OnErase). A
// filter that was only for this destination is switched off, since it must not begin to reach others. The logins that
// the address began end. The error is ErrLastWay when the owner would lock themselves out by it.
func (s *Destinations) Delete(ctx context.Context, userID, id uint) error {
	return s.erase(ctx, "delete destination", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		gone, err := ownDestination(tx, userID, id)
		if err != nil {
			return err
		}
		if err := s.staysIn(tx, gone); err != nil {
			return err
		}
		undo, err := undoOf(gone)
		if err != nil {
			return err
		}
		filters := tx.Model(&filterDestinationRow{}).Where("destination_id = ?", id).Order("filter_id")
		if err := filters.Pluck("filter_id", &undo.Filters).Error; err != nil {
			return err
		}
		if undo.Off, err = s.remove(tx, gone, "the destination was deleted"); err != nil || !gone.Confirmed {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.AddressRemoved, Backend: gone.Backend,
			Address: gone.Address, Gone: true, WasIn: gone.SignIn, Undo: undo})
	})
}

// checkDestination checks the rules for the addresses of all backends. Each backend has checked its own form before.
func checkDestination(backend, address string) error {
	if backend == "" || len(backend) > maxName {
		return problem("backend", "%q is none", backend)
	}
	return checkAddress(address)
}

func checkAddress(address string) error {
	switch {
	case address == "":
		return problem("address", "is missing")
	case len(address) > maxAddress:
		return problem("address", "is longer than %d bytes", maxAddress)
	case !printable(address):
		return problem("address", "%q has characters that no address has", address)
	}
	return nil
}

// printable reports whether s is UTF-8 without control characters.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Owners gives the accounts on the bus that destinations belong to, by the keys of the destinations (Key).
func (s *Destinations) Owners(tx *gorm.DB, keys []string) (map[string]string, error) {
	var ids []uint64
	for _, key := range keys {
		if id, err := strconv.ParseUint(key, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	var rows []struct {
		ID    uint
		Name  string
		Proof accounts.Proof
	}
	err := tx.Raw("SELECT d.id, u.name, u.proof FROM destinations d JOIN users u ON u.id = d.user_id WHERE d.id IN ?", ids).
		Scan(&rows).Error
	owners := map[string]string{}
	for _, r := range rows {
		if me := s.me(User{Name: r.Name, Proof: r.Proof}); me != "" {
			owners[Key(r.ID)] = me
		}
	}
	return owners, explain("read whose destinations they are", err)
}
