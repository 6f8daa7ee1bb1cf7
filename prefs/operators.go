package prefs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// Operators finds and changes what belongs to anybody. It is for operators alone: whoever calls it has checked the role
// of the visitor, or is a command. All other parts reach only the data of the user that they are called with.
type Operators struct{ *core }

// An Account is a user as operators see it in a list.
type Account struct {
	User
	Created      time.Time
	Used         time.Time // when somebody was signed in last; zero: never
	Filters      int
	Destinations int
	Stopped      int // destinations that refuse what is sent
}

// AccountQuery selects accounts. A zero field does not restrict.
type AccountQuery struct {
	IDs      []uint // nil: all
	Claimed  bool   // only those whose name somebody has chosen, and nobody has proved
	Disabled bool   // only those that are off
	Stopped  bool   // only those with a destination that refuses what is sent
	After    uint   // ids above this one: the next page
	Limit    int    // at most 200, which 0 means too
}

const maxAccounts = 200

// List returns the accounts that q selects, in the order of ids.
func (s *Operators) List(ctx context.Context, q AccountQuery) ([]Account, error) {
	query := s.read(ctx).Table("users u").Select("u.*, " +
		"(SELECT count(*) FROM filters f WHERE f.user_id = u.id) AS filters, " +
		"(SELECT count(*) FROM destinations d WHERE d.user_id = u.id) AS destinations, " +
		"(SELECT count(*) FROM destinations d WHERE d.user_id = u.id AND d.disabled <> '') AS stopped, " +
		"(SELECT coalesce(max(l.used_at), 0) FROM logins l WHERE l.user_id = u.id) AS used_at")
	if q.IDs != nil {
		query = query.Where("u.id IN ?", q.IDs)
	}
	if q.Claimed {
		query = query.Where("u.proof = 'claimed' AND u.name <> ''")
	}
	if q.Disabled {
		query = query.Where("u.disabled <> ''")
	}
	if q.Stopped {
		query = query.Where("EXISTS (SELECT 1 FROM destinations d WHERE d.user_id = u.id AND d.disabled <> '')")
	}
	if q.Limit <= 0 || q.Limit > maxAccounts {
		q.Limit = maxAccounts
	}
	var rows []accountRow
	if err := query.Where("u.id > ?", q.After).Order("u.id").Limit(q.Limit).Scan(&rows).Error; err != nil {
		return nil, explain("list accounts", err)
	}
	all := make([]Account, len(rows))
	for i, r := range rows {
		all[i] = r.account()
	}
	return all, nil
}

type accountRow struct {
	User                           userRow `gorm:"embedded"` // gorm reads exported fields only
	Filters, Destinations, Stopped int
	UsedAt                         int64
}

func (r accountRow) account() Account {
	a := Account{
		User: r.User.user(), Created: time.UnixMicro(r.User.CreatedAt).UTC(),
		Filters: r.Filters, Destinations: r.Destinations, Stopped: r.Stopped,
	}
	if r.UsedAt > 0 {
		a.Used = time.UnixMicro(r.UsedAt).UTC()
	}
	return a
}

// Get returns one account, or ErrNotFound.
func (s *Operators) Get(ctx context.Context, id uint) (Account, error) {
	found, err := s.List(ctx, AccountQuery{IDs: []uint{id}})
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Account{}, err
	}
	return found[0], nil
}

// Find returns the accounts that a text names: by their number, by a part of their name, or by a whole address or nick.
// A part of an address finds nothing, so that nobody can go through the addresses that there are.
func (s *Operators) Find(ctx context.Context, typed string) ([]Account, error) {
	typed = strings.ToLower(text.CutBytes(text.OneLine(text.Storable(typed)), maxAddress))
	if typed == "" {
		return nil, nil
	}
	literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(typed)
	holders := s.read(ctx).Model(&destinationRow{}).Select("user_id").
		Where(`lower(address) = ? OR backend <> 'email' AND lower(address) LIKE ? ESCAPE '\'`, typed, literal+"@%")
	query := s.read(ctx).Model(&userRow{}).
		Where(`lower(name) LIKE ? ESCAPE '\' OR id IN (?)`, "%"+literal+"%", holders)
	if id, err := strconv.ParseUint(typed, 10, 32); err == nil {
		query = query.Or("id = ?", id)
	}
	ids := []uint{}
	if err := query.Order("id").Limit(maxAccounts).Pluck("id", &ids).Error; err != nil {
		return nil, explain("find accounts", err)
	}
	return s.List(ctx, AccountQuery{IDs: ids})
}

// Holding returns the accounts that destinations belong to, by the keys of the destinations (Key).
func (s *Operators) Holding(ctx context.Context, keys []string) ([]Account, error) {
	var ids []uint64
	for _, key := range keys {
		if id, err := strconv.ParseUint(key, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	users := []uint{}
	err := s.read(ctx).Model(&destinationRow{}).Where("id IN ?", ids[:min(len(ids), inStatement)]).Distinct("user_id").
		Pluck("user_id", &users).Error
	if err != nil {
		return nil, explain("find whose destinations they are", err)
	}
	return s.List(ctx, AccountQuery{IDs: users})
}

// Stopped returns the destinations that refuse what is sent, by id: those above after.
func (s *Operators) Stopped(ctx context.Context, after uint, limit int) ([]Destination, error) {
	var rows []destinationRow
	err := s.read(ctx).Where("disabled <> '' AND id > ?", after).Order("id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, explain("list stopped destinations", err)
	}
	all := make([]Destination, len(rows))
	for i, r := range rows {
		all[i] = r.destination()
	}
	return all, nil
}

// maxOffReason bounds the reason for which an operator switches something off, in bytes.
const maxOffReason = 500

// SwitchOff switches off a filter of anybody, for a reason that its owner reads. The owner may switch it on again,
// which takes the reason away: who must not is switched off with the whole account.
func (s *Operators) SwitchOff(ctx context.Context, userID uint, id rulespec.FilterID, reason string) error {
	if reason = text.CutBytes(text.OneLine(reason), maxOffReason); reason == "" {
		return problem("reason", "is missing")
	}
	return s.change(ctx, "switch off filter", func(tx *gorm.DB) error {
		var f filterRow
		if err := tx.Where("id = ? AND user_id = ?", id, userID).Take(&f).Error; err != nil {
			return err
		}
		by := accounts.ActorOf(tx.Statement.Context)
		set := map[string]any{"is_on": false, "off_reason": reason, "off_by": by.Name, "updated_at": s.micro()}
		if err := tx.Model(&filterRow{}).Where("id = ?", f.ID).Updates(set).Error; err != nil {
			return err
		}
		if err := s.touchFilter(tx, id); err != nil {
			return err
		}
		if err := s.tell(tx, userID, ofFilters); err != nil {
			return err
		}
		after := f.switched(false)
		after["reason"] = reason
		return s.note(tx, userID, accounts.FilterOff, object("filter", id), f.switched(f.IsOn), after)
	})
}

// Looked notes that an operator looks at what belongs to a user: at which page of it.
func (s *Operators) Looked(ctx context.Context, userID uint, page string) error {
	return s.write(ctx, "note who looked", func(tx *gorm.DB) error {
		return s.note(tx, userID, accounts.AccountLook, "", nil, accounts.Fields{"page": page})
	})
}

// LetIn makes an address a way in on the word of an operator, for somebody who has no other: a link that is mailed
// there signs them in, and so proves that they read it. Until its owner switches it on it gets no notices, unless it
// got some before. The error is ErrClaimed when another user has confirmed the address.
func (s *Operators) LetIn(ctx context.Context, userID uint, backend, address string) (to Destination, err error) {
	if err := checkDestination(backend, address); err != nil {
		return Destination{}, err
	}
	var row destinationRow
	err = s.change(ctx, "let in by address", func(tx *gorm.DB) error {
		if _, err := lock(tx, userID); err != nil {
			return err
		}
		had, err := (&Destinations{s.core}).add(tx, userID, backend, address)
		if err != nil {
			return err
		}
		err = s.destinationChange(tx, accounts.Unsaid, had.ID, accounts.DestinationSignIn, func(was destinationRow) error {
			set := map[string]any{"confirmed": true, "sign_in": true, "disabled": "",
				"is_on": was.IsOn && was.Confirmed && was.Disabled == ""}
			err := tx.Model(&destinationRow{}).Where("id = ?", was.ID).Updates(set).Error
			if errors.Is(err, gorm.ErrDuplicatedKey) {
				return ErrClaimed
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := s.touchUser(tx, userID); err != nil {
			return err
		}
		if err := s.tell(tx, userID, ofDestinations); err != nil {
			return err
		}
		if err := tx.Where("id = ?", had.ID).Take(&row).Error; err != nil {
			return err
		}
		return s.happened(tx, accounts.Happened{User: userID, Kind: accounts.WayInAdded, Backend: backend,
			Address: address, Undo: accounts.UndoData{Destination: had.ID}})
	})
	return row.destination(), err
}
