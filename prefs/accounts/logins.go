package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/internal/text"
)

// FreshFor is how long a sign-in allows what only its owner may do, such as to add an address. It is counted from the
// sign-in and not from the last use: whoever finds a browser open an hour later can do none of it.
const FreshFor = 10 * time.Minute

// These are the bounds of logins.
const (
	maxLogins    = 100         // of one user; a further one ends the oldest
	loginTouched = time.Minute // the precision of Login.Used
	maxAgent     = 256         // bytes
	maxPlace     = 64          // bytes of Login.Network
)

// A Login is somebody who is signed in with one browser. Its key is random, 256 bits, and only the session of that
// browser holds it: the database keeps its digest. A login ends when its row is deleted, on every node at once.
type Login struct {
	ID          uint
	User        uint
	Way         string // ByMail, or the name of the provider
	Identity    uint   // the identity that let them in; 0: none
	Destination uint   // the address that let them in; 0: none
	SID         string // the provider's name for its session; "": it has none
	Network     string // where it was used last
	Agent       string // the browser, as it calls itself
	Created     time.Time
	Used        time.Time // to the minute
	Fresh       time.Time // when its owner was proved to be there; for Begin the zero time is now
	Expires     time.Time
}

// NeverFresh is Login.Fresh where nothing says that its owner was there: a provider has let them through.
var NeverFresh = time.Unix(0, 0)

// IsFresh reports whether its owner was proved to be there less than FreshFor ago.
func (l Login) IsFresh(now time.Time) bool {
	return l.ID != 0 && !now.Before(l.Fresh) && now.Sub(l.Fresh) < FreshFor
}

// ByMail is the Way of a login by a link that was mailed.
const ByMail = "mail"

// These are the errors that a caller of Logins acts on.
var (
	// ErrNoLogin: there is no such login. It never was, has ended, or is too old.
	ErrNoLogin = errors.New("nobody is signed in by this key")
	// ErrNoWay: what would let the person in was taken away in the meantime.
	ErrNoWay = errors.New("this no longer lets anybody in")
)

// A DisabledError says that an account is disabled, and why, in words for its owner.
type DisabledError struct{ Reason string }

// Error returns what is the case, with the reason.
func (e *DisabledError) Error() string { return "the account is disabled: " + e.Reason }

// Bounds is how long a login lasts.
type Bounds struct {
	Idle time.Duration // without use
	Life time.Duration // in all
}

// DefaultBounds are the bounds of a site that sets none.
var DefaultBounds = Bounds{Idle: 14 * 24 * time.Hour, Life: 30 * 24 * time.Hour}

// Logins keeps who is signed in, where and by what. All methods may be called by several goroutines and processes.
type Logins struct {
	writer, reader *gorm.DB
	now            func() time.Time
	random         io.Reader
	bounds         Bounds
	audit          *Audit
	// onBegin is told of each login, in its transaction; seen: the person has come from this place with this program
	// before
	onBegin func(tx *gorm.DB, l Login, seen bool) error
}

// NewLogins makes Logins on the two pools of a migrations.DB. The zero Bounds are DefaultBounds.
func NewLogins(writer, reader *gorm.DB, now func() time.Time, random io.Reader, bounds Bounds) *Logins {
	if bounds.Idle <= 0 {
		bounds.Idle = DefaultBounds.Idle
	}
	if bounds.Life <= 0 {
		bounds.Life = DefaultBounds.Life
	}
	return &Logins{writer: writer, reader: reader, now: now, random: random, bounds: bounds,
		audit: NewAudit(writer, reader, now), onBegin: func(*gorm.DB, Login, bool) error { return nil }}
}

// OnBegin sets what is told of each new login, in its transaction. It is for the wiring, before the first Begin.
func (s *Logins) OnBegin(f func(tx *gorm.DB, l Login, seen bool) error) { s.onBegin = f }

// Life is how long a login lasts at most.
func (s *Logins) Life() time.Duration { return s.bounds.Life }

// Begin signs somebody in and returns the key of the login, which the session keeps. The caller has proved that the
// person is who they say. Begin looks once more whether the address or the identity may still let them in (ErrNoWay),
// under a lock, so that nobody slips in while it is taken away; and whether the account is disabled (*DisabledError).
func (s *Logins) Begin(ctx context.Context, l Login) (key string, err error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	key = base64.RawURLEncoding.EncodeToString(raw)
	now := s.now()
	if l.Fresh.IsZero() || l.Fresh.After(now) {
		l.Fresh = now
	}
	row := loginRow{
		UserID: l.User, KeyHash: loginDigest(key), Way: text.OneLine(l.Way), IdentityID: l.Identity,
		DestinationID: l.Destination, SID: text.Storable(l.SID),
		Network: text.CutBytes(text.OneLine(l.Network), maxPlace), Agent: text.CutBytes(text.OneLine(l.Agent), maxAgent),
		CreatedAt: now.UnixMicro(), UsedAt: now.UnixMicro(), FreshAt: l.Fresh.UnixMicro(),
		ExpiresAt: now.Add(s.bounds.Life).UnixMicro(),
	}
	err = s.writer.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := mayBegin(tx, l); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := dropOldest(tx, l.User); err != nil {
			return err
		}
		began := row.login()
		if err := s.noteBegin(tx, began); err != nil {
			return err
		}
		seen, err := notePlace(tx, row)
		if err != nil {
			return err
		}
		return s.onBegin(tx, began, seen)
	})
	if err != nil {
		return "", explainLogin("begin login", err)
	}
	return key, nil
}

// noteBegin makes the entry of the audit. Nobody was signed in before, so the request does not say who it is.
func (s *Logins) noteBegin(tx *gorm.DB, l Login) error {
	return s.audit.Add(tx, Entry{User: l.User, By: Actor{Kind: Person, ID: l.User, Network: l.Network}, What: LoginNew,
		After: Fields{"by": l.Way, "with": AgentWords(l.Agent)}})
}

// mayBegin checks the account, and what lets the person in. On PostgreSQL it locks both, shared, until the end of the
// transaction: whoever takes one away waits, and then ends the new login with the others.
func mayBegin(tx *gorm.DB, l Login) error {
	lock := ""
	if tx.Name() == "postgres" {
		lock = " FOR SHARE"
	}
	var disabled []string
	if err := tx.Raw("SELECT disabled FROM users WHERE id = ?"+lock, l.User).Scan(&disabled).Error; err != nil {
		return err
	}
	if len(disabled) == 0 {
		return ErrNoWay
	}
	if disabled[0] != "" {
		return &DisabledError{disabled[0]}
	}
	if l.Destination != 0 {
		query := "SELECT id FROM destinations WHERE id = ? AND user_id = ? AND " + MaySignIn + lock
		if err := mustBe(tx, query, l.Destination, l.User); err != nil {
			return err
		}
	}
	if l.Identity != 0 {
		return mustBe(tx, "SELECT id FROM identities WHERE id = ? AND user_id = ?"+lock, l.Identity, l.User)
	}
	return nil
}

// mustBe returns ErrNoWay when the query finds nothing.
func mustBe(tx *gorm.DB, query string, args ...any) error {
	var found []uint
	if err := tx.Raw(query, args...).Scan(&found).Error; err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrNoWay
	}
	return nil
}

// MaySignIn is the condition on a row of destinations that a link which is mailed there signs its owner in.
const MaySignIn = "confirmed AND sign_in AND disabled = ''"

// dropOldest ends the logins of a user beyond maxLogins.
func dropOldest(tx *gorm.DB, user uint) error {
	return tx.Exec("DELETE FROM logins WHERE user_id = ? AND id NOT IN "+
		"(SELECT id FROM logins WHERE user_id = ? ORDER BY id DESC LIMIT ?)", user, user, maxLogins).Error
}

// Find returns the login of a key, and notes that it was used from a network by an agent. The error is ErrNoLogin when
// it has ended, and a *DisabledError when the account is disabled.
func (s *Logins) Find(ctx context.Context, key, network, agent string) (Login, error) {
	now := s.now()
	var found []struct {
		Login    loginRow `gorm:"embedded"`
		Disabled string
	}
	err := s.reader.WithContext(ctx).Raw("SELECT l.*, u.disabled FROM logins l JOIN users u ON u.id = l.user_id "+
		"WHERE l.key_hash = ? AND l.expires_at > ? AND l.used_at > ?",
		loginDigest(key), now.UnixMicro(), now.Add(-s.bounds.Idle).UnixMicro()).Scan(&found).Error
	if err != nil {
		return Login{}, explainLogin("read login", err)
	}
	if len(found) == 0 {
		return Login{}, ErrNoLogin
	}
	if found[0].Disabled != "" {
		return Login{}, &DisabledError{found[0].Disabled}
	}
	row := found[0].Login
	if now.UnixMicro()-row.UsedAt >= loginTouched.Microseconds() {
		row.UsedAt = now.UnixMicro()
		row.Network = text.CutBytes(text.OneLine(network), maxPlace)
		row.Agent = text.CutBytes(text.OneLine(agent), maxAgent)
		err := s.writer.WithContext(ctx).Model(&loginRow{}).Where("id = ?", row.ID).
			Updates(map[string]any{"used_at": row.UsedAt, "network": row.Network, "agent": row.Agent}).Error
		if err != nil {
			return Login{}, explainLogin("note use of login", err)
		}
	}
	return row.login(), nil
}

// List returns the logins of a user that have not ended, the one that was used last first.
func (s *Logins) List(ctx context.Context, user uint) ([]Login, error) {
	now := s.now()
	var rows []loginRow
	err := s.reader.WithContext(ctx).
		Where("user_id = ? AND expires_at > ? AND used_at > ?", user, now.UnixMicro(),
			now.Add(-s.bounds.Idle).UnixMicro()).
		Order("used_at DESC, id DESC").Find(&rows).Error
	if err != nil {
		return nil, explainLogin("read logins", err)
	}
	all := make([]Login, len(rows))
	for i, r := range rows {
		all[i] = r.login()
	}
	return all, nil
}

// Freshen notes that the owner of a login has just been proved to be there.
func (s *Logins) Freshen(ctx context.Context, user, id uint) error {
	done := s.writer.WithContext(ctx).Model(&loginRow{}).Where("id = ? AND user_id = ?", id, user).
		Update("fresh_at", s.now().UnixMicro())
	if done.Error == nil && done.RowsAffected == 0 {
		return ErrNoLogin
	}
	return explainLogin("freshen login", done.Error)
}

func (r loginRow) login() Login {
	at := func(micro int64) time.Time { return time.UnixMicro(micro).UTC() }
	return Login{
		ID: r.ID, User: r.UserID, Way: r.Way, Identity: r.IdentityID, Destination: r.DestinationID, SID: r.SID,
		Network: r.Network, Agent: r.Agent, Created: at(r.CreatedAt), Used: at(r.UsedAt), Fresh: at(r.FreshAt),
		Expires: at(r.ExpiresAt),
	}
}

// loginDigest is the form in which a key is stored: SHA-256, in hexadecimal. It is random, and needs no salt.
func loginDigest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// explainLogin adds to an error what was tried, unless callers act on the error.
func explainLogin(verb string, err error) error {
	var disabled *DisabledError
	if err == nil || errors.Is(err, ErrNoLogin) || errors.Is(err, ErrNoWay) || errors.As(err, &disabled) {
		return err
	}
	return fmt.Errorf("%s: %w", verb, err)
}
