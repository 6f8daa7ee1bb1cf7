package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on an entry, in bytes.
const (
	maxObject = 200
	maxValue  = 1000 // of one of the Fields
	maxFields = 8 << 10
)

// KeepAudit is how long entries are kept where the configuration says nothing.
const KeepAudit = 8760 * time.Hour

// An Audit keeps who changed what of whose account: an audit trail. An entry is made in the transaction of the change,
// so there is one for each change and none for what did not happen. Nothing of it goes to the log of the application.
//
// An entry holds no secret: a Fields says that there is a token and its name, never the token.
type Audit struct {
	writer, reader *gorm.DB
	now            func() time.Time
}

// An Entry is one change of one account.
type Entry struct {
	ID     int64
	At     time.Time // zero: Add takes the clock's
	User   uint      // whose account it is
	By     Actor     // who did it; the zero Actor: Add takes that of the transaction's context
	What   What
	Object string // which one: "filter 12", "destination 3"
	Before Fields // nil where it was not there
	After  Fields // nil where it is gone
}

// Fields are values by their names, as people read them: "goes to": "alice@example.org". A change has the fields that
// differ, and those that say which one it is.
type Fields map[string]string

// NewAudit makes an Audit. Only Prune needs writer: Add has the transaction of its caller.
func NewAudit(writer, reader *gorm.DB, now func() time.Time) *Audit {
	return &Audit{writer, reader, now}
}

// Add stores an entry in the transaction of the change. It refuses a What without words.
func (a *Audit) Add(tx *gorm.DB, e Entry) error {
	if e.What.Words() == "" || e.User == 0 {
		return fmt.Errorf("bug: audit of %q of account %d", e.What, e.User)
	}
	if e.At.IsZero() {
		e.At = a.now()
	}
	if e.By == (Actor{}) {
		e.By = ActorOf(tx.Statement.Context)
	}
	row, err := e.row()
	if err != nil {
		return err
	}
	if err := tx.Session(&gorm.Session{NewDB: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("note who changed it: %w", err)
	}
	return nil
}

// Of returns the entries of an account, newest first: those with smaller ids than before, where it is not 0.
func (a *Audit) Of(ctx context.Context, user uint, before int64, limit int) ([]Entry, error) {
	query := a.reader.WithContext(ctx).Where("user_id = ?", user)
	if before > 0 {
		query = query.Where("id < ?", before)
	}
	var rows []auditRow
	if err := query.Order("id DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return entries(rows)
}

// Last returns the newest entry of an account about one thing, since a time.
func (a *Audit) Last(ctx context.Context, user uint, what What, since time.Time) (Entry, bool, error) {
	var rows []auditRow
	err := a.reader.WithContext(ctx).Where("user_id = ? AND what = ? AND changed_at >= ?", user, what,
		since.UnixMicro()).Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Entry{}, false, err
	}
	e, err := rows[0].entry()
	return e, err == nil, err
}

// Walk returns the entries of an account from a time on, oldest first; of all accounts where user is 0. It reads page
// by page.
func (a *Audit) Walk(ctx context.Context, user uint, since time.Time) iter.Seq2[Entry, error] {
	const page = 500
	return func(yield func(Entry, error) bool) {
		for last := int64(0); ; {
			query := a.reader.WithContext(ctx).Where("id > ?", last)
			if user != 0 {
				query = query.Where("user_id = ?", user)
			}
			if !since.IsZero() {
				query = query.Where("changed_at >= ?", since.UnixMicro())
			}
			var rows []auditRow
			if err := query.Order("id").Limit(page).Find(&rows).Error; err != nil {
				yield(Entry{}, fmt.Errorf("read audit: %w", err))
				return
			}
			for _, r := range rows {
				e, err := r.entry()
				if !yield(e, err) || err != nil {
					return
				}
				last = r.ID
			}
			if len(rows) < page {
				return
			}
		}
	}
}

// Prune deletes entries that are older than keep, and returns how many.
func (a *Audit) Prune(ctx context.Context, keep time.Duration) (int64, error) {
	old := a.writer.WithContext(ctx).Where("changed_at < ?", a.now().Add(-keep).UnixMicro()).Delete(&auditRow{})
	return old.RowsAffected, old.Error
}

// Forget takes from the entries what says who a person was, after their account is gone: names, networks, values. What
// stays is what was done, when, and by whom where that was an operator; also where the person did it to others.
func (a *Audit) Forget(tx *gorm.DB, user uint) error {
	tx = tx.Session(&gorm.Session{NewDB: true})
	blank := map[string]any{"object": "", "before": "", "after": "", "network": ""}
	if err := tx.Model(&auditRow{}).Where("user_id = ?", user).Updates(blank).Error; err != nil {
		return err
	}
	own := tx.Model(&auditRow{}).Where("by_id = ? OR user_id = ? AND by_kind IN ?", user, user,
		[]Kind{Unsaid, Person, Link})
	return own.Updates(map[string]any{"by_name": "", "network": ""}).Error
}

// cut bounds the fields.
func (f Fields) cut() Fields {
	left := maxFields
	bounded := make(Fields, len(f))
	for _, name := range f.Names() {
		value := text.ElideBytes(text.Storable(f[name]), min(maxValue, max(left, 0)))
		bounded[text.CutBytes(name, maxObject)] = value
		left -= len(name) + len(value)
	}
	return bounded
}

func (f Fields) json() (string, error) {
	if f == nil {
		return "", nil
	}
	out, err := json.Marshal(f.cut())
	return string(out), err
}
