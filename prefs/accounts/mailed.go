package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/notifyd/notifyd/backends"
)

// mailed.go is about secrets that travel by mail: links that sign in or undo, and codes.
//
// What is stored when somebody asks is a request without a secret, and a delivery that refers to it. The secret is made
// when the mail is made: the outbox calls Fill for each attempt to send, which makes a new secret, stores its digest
// and puts it into the parcel in memory. So the queue, the database's log and a backup hold no secret that anybody
// could use. A mail that is sent twice has two secrets, and both are good; the first that is used ends the request.
//
// A live request is kept: who asks again for the same gets another mail, or none, but what was mailed stays good. So a
// stranger who asks in somebody's name makes no link of theirs worthless.

// A MailPurpose is what a secret is good for. A secret of one purpose is not valid for another.
type MailPurpose string

// These are the purposes.
const (
	MailSignIn  MailPurpose = "signin"  // signs in whoever has the address
	MailConfirm MailPurpose = "confirm" // a code: its destination belongs to who asked
	MailFresh   MailPurpose = "fresh"   // proves again, for a while, who is signed in
	MailUndo    MailPurpose = "undo"    // takes back what About names
	MailStopped MailPurpose = "stopped" // switches a destination on again that a link has switched off
)

// A terms is how long secrets of a purpose are good.
type terms struct {
	life   time.Duration // of a secret, since it was made
	window time.Duration // over which mails are counted; as long, a secret can be given its life anew
	code   bool          // it is typed, and so it is short, and the attempts are counted
}

var termsOf = map[MailPurpose]terms{
	MailSignIn:  {life: 15 * time.Minute, window: time.Hour},
	MailConfirm: {life: time.Hour, window: 24 * time.Hour, code: true},
	MailFresh:   {life: 10 * time.Minute, window: time.Hour, code: true},
	MailUndo:    {life: 7 * 24 * time.Hour},
	MailStopped: {life: 7 * 24 * time.Hour},
}

const (
	mostSecrets  = 16          // of one request; the oldest go
	codeAttempts = 5           // wrong codes; a code of 50 bits cannot be guessed in so many
	mailAgain    = time.Minute // before that a request that asks for the same mails nothing
	maxAbout     = 500         // bytes
)

// Life returns how long a secret of a purpose is good after it was made.
func Life(p MailPurpose) time.Duration { return termsOf[p].life }

// ErrCode says that a code or a link is wrong, was used, is too old or was tried too often.
var ErrCode = errors.New("the code is wrong, used or too old")

// A MailRequest is that a secret be mailed. Requests that agree in all but the ID are the same request.
type MailRequest struct {
	ID          uint // given by Ask
	Purpose     MailPurpose
	User        uint // 0: nobody is known
	Destination uint // 0: none
	Backend     string
	Address     string
	About       string // what the purpose needs, at most 500 bytes; it is stored as it is
}

// slot names the request among all, by what it is about.
func (r MailRequest) slot() string {
	return Digest(fmt.Sprintf("%s\x00%d\x00%d\x00%s\x00%s\x00%s", r.Purpose, r.User, r.Destination, r.Backend,
		r.Address, r.About))
}

// A Ticket is what has become of an Ask.
type Ticket struct {
	// Ref goes into Notice.Secret of a notice to the request's address, which has backends.SecretMark where the secret
	// goes; "": mail nothing. Message is the id of that notice.
	Ref, Message string
	Address      string // of the request
	// TooOften says that a limit is reached. What was mailed last is good for its whole life again.
	TooOften bool
}

// A Mailed keeps the requests. It is safe for concurrent use, by several processes too.
type Mailed struct {
	writer, reader *gorm.DB
	now            func() time.Time
	random         io.Reader
	log            *slog.Logger
	budget         int // mails an hour to addresses that nobody here has

	mu     sync.Mutex
	alarms map[string]*alarm // by site-wide budget
}

// A MailedConfig holds the dependencies of a Mailed.
type MailedConfig struct {
	Writer, Reader *gorm.DB
	Now            func() time.Time
	Random         io.Reader    // of secrets: crypto/rand.Reader; safe for concurrent use
	Budget         int          // mails an hour to addresses that nobody here has; 0: DefaultBudget
	Log            *slog.Logger // nil: silent
}

// NewMailed makes a Mailed. It does not touch the database.
func NewMailed(c MailedConfig) *Mailed {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Budget <= 0 {
		c.Budget = DefaultBudget
	}
	return &Mailed{writer: c.Writer, reader: c.Reader, now: c.Now, random: c.Random, log: c.Log, budget: c.Budget,
		alarms: map[string]*alarm{}}
}

func (m *Mailed) micro() int64 { return m.now().UnixMicro() }

// Ask stores a request, in the caller's transaction, unless it was asked for a moment ago or a limit is reached. The
// caller then mails what the Ticket says, and commits in any case.
func (m *Mailed) Ask(tx *gorm.DB, r MailRequest, limits ...Limit) (Ticket, error) {
	row, live, err := m.live(tx, r)
	if err != nil {
		return Ticket{}, err
	}
	if live && row.MailedAt > m.micro()-mailAgain.Microseconds() {
		return Ticket{Address: r.Address}, nil
	}
	full, err := m.take(tx, limits)
	if err != nil {
		return Ticket{}, err
	}
	if full == nil {
		row, err = m.store(tx, r, siteOf(limits))
		return row.ticket(), err
	}
	if live {
		err = m.revive(tx, row)
	}
	return Ticket{TooOften: true, Address: r.Address}, err
}

// ticket says what to mail for a request.
func (r mailedRow) ticket() Ticket {
	return Ticket{Ref: strconv.FormatUint(uint64(r.ID), 10), Message: fmt.Sprintf("account-%d-%d", r.ID, r.Mails),
		Address: r.Address}
}

// Issue makes a secret for a caller who hands it over without a mail. No limit holds.
func (m *Mailed) Issue(tx *gorm.DB, r MailRequest) (secret string, err error) {
	row, err := m.store(tx, r, "")
	if err != nil {
		return "", err
	}
	return m.make(tx, row)
}

// live returns the request that is the same as r and has not ended. On PostgreSQL it locks it.
func (m *Mailed) live(tx *gorm.DB, r MailRequest) (row mailedRow, live bool, err error) {
	var rows []mailedRow
	err = locked(tx).Where("slot = ? AND ends_at > ?", r.slot(), m.micro()).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return mailedRow{}, false, explain("find request", err)
	}
	return rows[0], true, nil
}

// store stores a request, or counts one more mail of the same that is there. One that has ended begins anew.
func (m *Mailed) store(tx *gorm.DB, r MailRequest, site string) (mailedRow, error) {
	if len(r.About) > maxAbout {
		return mailedRow{}, fmt.Errorf("bug: what a request is about has %d bytes", len(r.About))
	}
	now, t := m.micro(), termsOf[r.Purpose]
	slot := r.slot()
	if err := tx.Where("slot = ? AND ends_at <= ?", slot, now).Delete(&mailedRow{}).Error; err != nil {
		return mailedRow{}, explain("end request", err)
	}
	row := mailedRow{Slot: slot, Purpose: string(r.Purpose), UserID: r.User, DestinationID: r.Destination,
		Backend: r.Backend, Address: r.Address, About: r.About, Site: site, Mails: 1, MailedAt: now,
		EndsAt: now + (t.life + t.window).Microseconds()}
	again := clause.OnConflict{Columns: []clause.Column{{Name: "slot"}}, DoUpdates: clause.Assignments(map[string]any{
		"mails": gorm.Expr("mailed.mails + 1"), "mailed_at": now, "ends_at": row.EndsAt, "attempts": 0})}
	if err := tx.Clauses(again).Create(&row).Error; err != nil {
		return mailedRow{}, explain("store request", err)
	}
	var stored mailedRow
	err := tx.Where("slot = ?", slot).Take(&stored).Error
	return stored, explain("read request", err)
}

// revive gives the newest secret of a request its life anew, so that who has it need not wait until a limit is over.
func (m *Mailed) revive(tx *gorm.DB, row mailedRow) error {
	t, now := termsOf[MailPurpose(row.Purpose)], m.micro()
	err := tx.Exec(`UPDATE mailed_secrets SET expires_at = ? WHERE expires_at < ? AND digest IN
		(SELECT digest FROM mailed_secrets WHERE request_id = ? AND made_at > ? ORDER BY made_at DESC, digest LIMIT 1)`,
		now+t.life.Microseconds(), now+t.life.Microseconds(), row.ID, now-t.window.Microseconds()).Error
	if err != nil {
		return explain("keep secret", err)
	}
	ends := now + t.life.Microseconds()
	return explain("keep request",
		tx.Exec("UPDATE mailed SET ends_at = ? WHERE id = ? AND ends_at < ?", ends, row.ID, ends).Error)
}

// Fill puts a new secret into each notice of a parcel that refers to one. It is outbox.Config.Fill. The error wraps
// backends.ErrRefused where a request has ended. A backend whose addresses can change hands says by Parcel.Held who has
// the address.
func (m *Mailed) Fill(ctx context.Context, p *backends.Parcel) error {
	var digests []string
	for i := range p.Notices {
		n := &p.Notices[i]
		if n.Secret == "" {
			continue
		}
		id, err := strconv.ParseUint(n.Secret, 10, 32)
		if err != nil {
			return fmt.Errorf("bug: the notice refers to no request: %w", backends.ErrRefused)
		}
		var secret string
		err = m.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) (err error) {
			secret, err = m.fill(tx, uint(id), p.To)
			return err
		})
		if err != nil {
			return err
		}
		n.Reveal(secret)
		digests = append(digests, Digest(secret))
	}
	p.Held = func(ctx context.Context, account string) error {
		held := m.writer.WithContext(ctx).Model(&mailedSecretRow{}).Where("digest IN ?", digests)
		return explain("note who has the address", held.Update("account", account).Error)
	}
	return nil
}

// fill makes a secret of a request, for its own address only.
func (m *Mailed) fill(tx *gorm.DB, id uint, to string) (string, error) {
	var rows []mailedRow
	err := locked(tx).Where("id = ? AND ends_at > ? AND address = ?", id, m.micro(), to).Limit(1).Find(&rows).Error
	if err != nil {
		return "", explain("find request", err)
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("what was asked for is used or too old, and so its secret is not sent: %w",
			backends.ErrRefused)
	}
	return m.make(tx, rows[0])
}

// locked locks what is read until the end of the transaction. SQLite has one writer.
func locked(tx *gorm.DB) *gorm.DB {
	if tx.Name() == "postgres" {
		return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	return tx
}

func explain(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", verb, err)
}
