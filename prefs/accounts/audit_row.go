package accounts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/notifyd/notifyd/internal/text"
)

// auditRow has no foreign key: entries outlive the account. The table is in migrations/*/00019_audit.sql.
type auditRow struct {
	ID        int64  `gorm:"primaryKey;index:idx_audit_user_id,priority:2"`
	ChangedAt int64  `gorm:"not null;index:idx_audit_changed_at"`
	UserID    uint   `gorm:"not null;index:idx_audit_user_id,priority:1"`
	ByKind    string `gorm:"not null"`
	ByID      uint   `gorm:"not null;index:idx_audit_by_id"` // 0: none
	ByName    string `gorm:"not null"`
	ByRole    string `gorm:"not null"`
	Network   string `gorm:"not null"`
	What      string `gorm:"not null"`
	Object    string `gorm:"not null"`
	Before    string `gorm:"not null"` // JSON; '' for none
	After     string `gorm:"not null"`
}

func (auditRow) TableName() string { return "audit" }

func (e Entry) row() (auditRow, error) {
	before, err := e.Before.json()
	if err != nil {
		return auditRow{}, err
	}
	after, err := e.After.json()
	if err != nil {
		return auditRow{}, err
	}
	by := e.By.Of(e.User)
	short := func(s string) string { return text.CutBytes(text.OneLine(text.Storable(s)), maxObject) }
	return auditRow{
		ChangedAt: e.At.UnixMicro(), UserID: e.User, ByKind: string(by.Kind), ByID: by.ID, ByName: short(by.Name),
		ByRole: short(by.Role), Network: short(by.Network), What: string(e.What), Object: short(e.Object),
		Before: before, After: after,
	}, nil
}

func (r auditRow) entry() (Entry, error) {
	e := Entry{
		ID: r.ID, At: time.UnixMicro(r.ChangedAt).UTC(), User: r.UserID, What: What(r.What), Object: r.Object,
		By: Actor{Kind: Kind(r.ByKind), ID: r.ByID, Name: r.ByName, Role: r.ByRole, Network: r.Network},
	}
	for _, of := range []struct {
		text string
		to   *Fields
	}{{r.Before, &e.Before}, {r.After, &e.After}} {
		if of.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(of.text), of.to); err != nil {
			return Entry{}, fmt.Errorf("audit entry %d: %w", r.ID, err)
		}
	}
	return e, nil
}

func entries(rows []auditRow) ([]Entry, error) {
	all := make([]Entry, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = r.entry(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Names returns the names of the fields, in order.
func (f Fields) Names() []string { return slices.Sorted(maps.Keys(f)) }

// A Difference is one field before and after.
type Difference struct{ Field, Before, After string }

// Differences returns the fields of an entry that changed, in the order of their names. For what is new or gone these
// are all its fields.
func (e Entry) Differences() []Difference {
	both := Fields{}
	maps.Copy(both, e.Before)
	maps.Copy(both, e.After)
	var list []Difference
	for _, name := range both.Names() {
		if d := (Difference{name, e.Before[name], e.After[name]}); d.Before != d.After {
			list = append(list, d)
		}
	}
	return list
}

// Line is an entry as programs read it: one object of JSON Lines.
type Line struct {
	Time    time.Time `json:"time"`
	Account uint      `json:"account"`
	What    string    `json:"what"`
	Object  string    `json:"object,omitempty"`
	By      string    `json:"by"` // the kind of actor
	ByID    uint      `json:"by_account,omitempty"`
	ByName  string    `json:"by_name,omitempty"`
	ByRole  string    `json:"by_role,omitempty"`
	Network string    `json:"network,omitempty"`
	Before  Fields    `json:"before,omitempty"`
	After   Fields    `json:"after,omitempty"`
}

// Line returns the entry as programs read it.
func (e Entry) Line() Line {
	return Line{Time: e.At, Account: e.User, What: string(e.What), Object: e.Object, By: string(e.By.Kind),
		ByID: e.By.ID, ByName: e.By.Name, ByRole: e.By.Role, Network: e.By.Network, Before: e.Before, After: e.After}
}
