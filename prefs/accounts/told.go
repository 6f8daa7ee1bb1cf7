package accounts

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// told.go is about how the owner of an account hears of changes of what lets somebody in. Each is told to the account's
// other addresses, with a link that undoes it and ends all sessions. The link needs no sign-in: who has lost the
// account has nothing else. It works for UndoLife, once, whatever the intruder has changed since.

// UndoLife is how long a change can be undone.
const UndoLife = 7 * 24 * time.Hour

// A Happening is a kind of change of what lets somebody into an account.
type Happening string

// These are the kinds.
const (
	AddressAdded     Happening = "address added"
	AddressRemoved   Happening = "address removed"
	AddressRestored  Happening = "address restored" // by an undo
	WayInAdded       Happening = "way in added"     // an address may sign in
	WayInRemoved     Happening = "way in removed"
	TokenMade        Happening = "token made"
	IdentityLinked   Happening = "identity linked"
	IdentityUnlinked Happening = "identity unlinked"
	PasskeyAdded     Happening = "passkey added"
	PasskeyRemoved   Happening = "passkey removed"
	NameLost         Happening = "name lost" // it was claimed, and is proved to be another person's
	NewSignIn        Happening = "signed in" // from a place and with a program not seen before
)

// A Happened is one change of what lets somebody into an account.
type Happened struct {
	User  uint
	Kind  Happening
	About string // which one, in words: an address, the name of a token
	// Backend and Address are the address that it is about: that is not told of itself, unless it is Gone.
	Backend, Address string
	Gone             bool
	WasIn            bool // Gone: the address was a way in
	Undo             UndoData
	At               time.Time // the zero time: now
}

// UndoData is what it takes to undo a change.
type UndoData struct {
	Destination uint            `json:"destination,omitempty"`
	On          bool            `json:"on,omitempty"`      // the address was on
	Filters     []uint          `json:"filters,omitempty"` // that were for it
	Off         []uint          `json:"off,omitempty"`     // and were switched off since it went
	Token       uint            `json:"token,omitempty"`
	Identity    uint            `json:"identity,omitempty"`
	Passkey     uint            `json:"passkey,omitempty"`
	Name        string          `json:"name,omitempty"`  // of the account, before an identity came or went
	Proof       Proof           `json:"proof,omitempty"` // of that name
	Row         json.RawMessage `json:"row,omitempty"`   // what was deleted
}

// A Letter is what one address is told.
type Letter struct {
	Happened
	Account string // its name on the bus; "" where it has none
	Address string
	Ticket  Ticket // its secret undoes the change; the zero Ticket: it cannot be undone
}

// An Undo is a change that can still be undone.
type Undo struct {
	ID    uint
	User  uint
	Kind  Happening
	About string
	Data  UndoData
	At    time.Time
}

type undoData struct {
	UndoData
	About string `json:"about"`
}

// Tell stores how a change is undone, and returns what is to be mailed to whom, by the backend that signs people in.
func (m *Mailed) Tell(tx *gorm.DB, h Happened, backend string) ([]Letter, error) {
	readers, account, err := readersOf(tx, h, backend)
	if err != nil || len(readers) == 0 {
		return nil, err
	}
	if h.About == "" {
		h.About = h.Address
	}
	data, err := json.Marshal(undoData{h.Undo, h.About})
	if err != nil {
		return nil, fmt.Errorf("bug: %w", err)
	}
	now := m.now()
	row := undoRow{UserID: h.User, Kind: string(h.Kind), Data: string(data), CreatedAt: now.UnixMicro(),
		ExpiresAt: now.Add(UndoLife).UnixMicro()}
	if err := tx.Create(&row).Error; err != nil {
		return nil, explain("store how to undo", err)
	}
	letters, err := m.unsent(tx, h, account)
	if err != nil {
		return nil, err
	}
	for _, r := range readers {
		ticket, err := m.Ask(tx, MailRequest{Purpose: MailUndo, User: h.User, Backend: backend, Address: r.Address,
			About: undoAbout(row.ID, r.SignIn)})
		if err != nil {
			return nil, err
		}
		letters = append(letters, Letter{Happened: h, Account: account, Address: r.Address, Ticket: ticket})
	}
	return letters, nil
}

// unsent returns the letters again that were on their way to an address when it was removed: what waited for it was
// wiped, and an intruder who is quick would take the owner's word of all that went before.
func (m *Mailed) unsent(tx *gorm.DB, h Happened, account string) (letters []Letter, err error) {
	if h.Kind != AddressRemoved {
		return nil, nil
	}
	var waiting []mailedRow
	err = tx.Where("purpose = ? AND user_id = ? AND backend = ? AND address = ? AND ends_at > ? AND NOT EXISTS "+
		"(SELECT 1 FROM mailed_secrets WHERE request_id = mailed.id)", string(MailUndo), h.User, h.Backend, h.Address,
		m.micro()).Order("id").Find(&waiting).Error
	if err != nil {
		return nil, explain("read letters", err)
	}
	for _, row := range waiting {
		id, _ := row.request().ReadUndo()
		list, err := Undoable(tx, h.User, id, m.now())
		if errors.Is(err, ErrCode) {
			continue // it is undone already
		}
		if err != nil {
			return nil, err
		}
		first := list[len(list)-1]
		again := Happened{User: h.User, Kind: first.Kind, About: first.About, At: first.At}
		letters = append(letters, Letter{Happened: again, Account: account, Address: row.Address, Ticket: row.ticket()})
	}
	return letters, nil
}

// A reader is an address that is told. One that is off and lets nobody in may have been lost, and is not.
type reader struct {
	Address string
	SignIn  bool
}

func readersOf(tx *gorm.DB, h Happened, backend string) (list []reader, account string, err error) {
	if err := tx.Raw("SELECT name FROM users WHERE id = ?", h.User).Scan(&account).Error; err != nil {
		return nil, "", explain("read user", err)
	}
	var found []reader
	err = tx.Raw("SELECT address, sign_in FROM destinations WHERE user_id = ? AND backend = ? AND confirmed "+
		"AND disabled = '' AND (is_on OR sign_in) AND address <> ? ORDER BY id", h.User, backend, h.Address).
		Scan(&found).Error
	if err != nil {
		return nil, "", explain("read addresses", err)
	}
	if h.Gone && h.Backend == backend {
		found = append(found, reader{h.Address, h.WasIn})
	}
	return found, account, nil
}

// undoAbout is what an undo link is about: which change, and whether it was mailed to a way in. A link that was mailed
// to another address, which many may read, gives no right to sign in back.
func undoAbout(id uint, strong bool) string {
	if strong {
		return strconv.FormatUint(uint64(id), 10) + " strong"
	}
	return strconv.FormatUint(uint64(id), 10)
}

// ReadUndo reads what an undo link is about.
func (r MailRequest) ReadUndo() (id uint, strong bool) {
	number, rest, _ := strings.Cut(r.About, " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0, false
	}
	return uint(n), rest == "strong"
}

// Undoable returns the change with that id and all later ones of its account that can still be undone, newest first.
// Whoever undoes one undoes what came after it: an intruder who came in by it has done that. The error is ErrCode when
// the change was undone, or is too old.
func Undoable(tx *gorm.DB, user, id uint, now time.Time) ([]Undo, error) {
	var rows []undoRow
	err := tx.Where("user_id = ? AND id >= ? AND undone_at = 0 AND expires_at > ?", user, id, now.UnixMicro()).
		Order("id DESC").Find(&rows).Error
	if err != nil {
		return nil, explain("read what can be undone", err)
	}
	if len(rows) == 0 || rows[len(rows)-1].ID != id {
		return nil, ErrCode
	}
	all := make([]Undo, len(rows))
	for i, r := range rows {
		var data undoData
		if err := json.Unmarshal([]byte(r.Data), &data); err != nil {
			return nil, explain("read how to undo", err)
		}
		all[i] = Undo{r.ID, r.UserID, Happening(r.Kind), data.About, data.UndoData, time.UnixMicro(r.CreatedAt).UTC()}
	}
	return all, nil
}

// Undone notes that changes were undone: none is undone twice.
func Undone(tx *gorm.DB, list []Undo, now time.Time) error {
	for _, u := range list {
		done := tx.Model(&undoRow{}).Where("id = ? AND undone_at = 0", u.ID).Update("undone_at", now.UnixMicro())
		if done.Error != nil {
			return explain("note that it is undone", done.Error)
		}
		if done.RowsAffected == 0 {
			return ErrCode
		}
	}
	return nil
}

func pruneUndos(tx *gorm.DB, now time.Time) error {
	return tx.Where("expires_at <= ?", now.UnixMicro()).Delete(&undoRow{}).Error
}
