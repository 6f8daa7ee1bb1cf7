package prefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/rulespec"
)

// A core is the part that all parts of a Store share: the database and the ways to change it.
type core struct {
	writer, reader *gorm.DB
	now            func() time.Time
	random         io.Reader
	sentence       func(rulespec.Filter) string
	knowsKind      func(string) bool
	objectsOf      func(string) []string
	defaultFilter  func(Filter) bool
	verified       func() bool
	onClose        func(tx *gorm.DB, destinations []string, why string) error
	onChange       func(tx *gorm.DB, c Change) error
	audit          *accounts.Audit
	onMerge        func(tx *gorm.DB, backend, from, to string) error
	onErase        func(tx *gorm.DB, gone []Destination) error // nil: onClose is called
	afterErase     func(ctx context.Context)
	logins         *accounts.Logins
	told           func(tx *gorm.DB, h accounts.Happened) error // nil: nobody is told
	claimedNames   func() bool
	noMailedLinks  bool
	mailed         *accounts.Mailed
	mailbox        func(backend string) bool
	policy         func() accounts.Policy
	roles          func() accounts.Roles
	people         func() accounts.People
	capMost        func() int
	onHold         func(tx *gorm.DB, destinations []string, held bool) error
	waiting        Waiting
}

// What a Change is of.
const (
	ofAccount      = "account"
	ofDestinations = "destinations"
	ofFilters      = "filters"
)

// tell calls Config.OnChange. A user who is to be deleted must still be there.
func (c *core) tell(tx *gorm.DB, userID uint, what string) error {
	var row userRow
	if err := tx.Select("name", "proof").Where("id = ?", userID).Limit(1).Find(&row).Error; err != nil {
		return err
	}
	name := c.me(row.user())
	if name == "" {
		return nil // nobody on the bus has changed anything
	}
	return c.onChange(tx, Change{name, what})
}

// write runs f in a transaction. It returns errors that callers act on as they are, and adds verb to others.
func (c *core) write(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return explain(verb, c.writer.WithContext(ctx).Transaction(f))
}

// change is write for a change to what is delivered. f must call touchFilter or touchUser for every filter that the
// change concerns.
func (c *core) change(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return c.write(ctx, verb, func(tx *gorm.DB) error {
		if err := c.raiseRevision(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// me returns what @me stands for in the filters of a user, "" where it stands for nobody.
func (c *core) me(u User) string { return u.Me(c.claimedNames()) }

// read returns a handle for reading.
func (c *core) read(ctx context.Context) *gorm.DB { return c.reader.WithContext(ctx) }

func (c *core) micro() int64 { return c.now().UnixMicro() }

// bytes returns n random bytes.
func (c *core) bytes(n int) ([]byte, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(c.random, raw); err != nil {
		return nil, fmt.Errorf("read random bytes: %w", err)
	}
	return raw, nil
}

// secret returns 32 random bytes that the database stores under a name. It makes them when there are none yet.
func (c *core) secret(ctx context.Context, name string) ([]byte, error) {
	fresh, err := c.bytes(32)
	if err != nil {
		return nil, err
	}
	row := secretRow{Name: name, Value: fresh}
	err = c.write(ctx, "read key", func(tx *gorm.DB) error {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
		row = secretRow{}
		return tx.Where("name = ?", name).Take(&row).Error
	})
	return row.Value, err
}

// user returns the user that a query finds.
func (c *core) user(query *gorm.DB) (User, error) {
	var row userRow
	if err := query.Take(&row).Error; err != nil {
		return User{}, explain("read user", err)
	}
	return row.user(), nil
}

// userByID returns the user with that id, or ErrNotFound.
func (c *core) userByID(ctx context.Context, id uint) (User, error) {
	return c.user(c.read(ctx).Where("id = ?", id))
}

// changed returns ErrNotFound for a statement that changed nothing.
func changed(done *gorm.DB) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return ErrNotFound
	}
	return done.Error
}

// lock locks the user's row until the end of the transaction, so that two requests at once cannot both take the last
// free place (on PostgreSQL; SQLite has one writer). The error is ErrNotFound when there is no such user.
func lock(tx *gorm.DB, userID uint) (userRow, error) {
	var row userRow
	if tx.Name() == "postgres" {
		tx = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	err := tx.Where("id = ?", userID).Take(&row).Error
	return row, err
}

// passedOn are the errors that callers act on.
var passedOn = []error{
	ErrNotFound, ErrTaken, ErrClaimed, ErrNoWayIn, ErrLastWay, accounts.ErrBound, ErrCode, ErrTooMany,
	outbox.ErrNotFound, outbox.ErrUnsendable,
}

// explain adds to an error what was tried, unless callers act on the error.
func explain(verb string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ErrNotFound
	}
	for _, k := range passedOn {
		if errors.Is(err, k) {
			return err
		}
	}
	var typed *Error
	var rule *rulespec.Error
	var refused *accounts.Refusal
	var disabled *accounts.DisabledError
	if errors.As(err, &typed) || errors.As(err, &rule) || errors.As(err, &refused) || errors.As(err, &disabled) {
		return err
	}
	return fmt.Errorf("%s: %w", verb, err)
}
