package prefs

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/mutes"
	"github.com/notifyd/notifyd/prefs/passkeys"
	"github.com/notifyd/notifyd/prefs/rescue"
	"github.com/notifyd/notifyd/prefs/returned"
	"github.com/notifyd/notifyd/prefs/revisions"
	"github.com/notifyd/notifyd/rulespec"
)

// A Config holds the dependencies of a Store. Now, Random and the two pools are needed; the rest may be left out.
type Config struct {
	Writer, Reader *gorm.DB         // the two pools of a migrations.DB, with the current schema
	Now            func() time.Time // the clock
	Random         io.Reader        // of secrets: crypto/rand.Reader; safe for concurrent use

	// Sentence puts a filter into words for notices. nil: rulespec.Sentence, which names kinds of message as rules
	// do.
	Sentence func(rulespec.Filter) string
	// KnowsKind reports whether the catalogue has a kind of message of that name. A filter that names another kind is
	// not saved, and is broken where it is stored. nil: every name is accepted, as in a command that has no
	// catalogue.
	KnowsKind func(name string) bool
	// ObjectsOf returns the keys of what a page shows, as in rulespec.Env.
	ObjectsOf func(address string) []string
	// DefaultFilter reports whether a new user gets one of the default filters. For example, it leaves out a filter
	// that needs a directory where there is none. nil: all of them.
	DefaultFilter func(Filter) bool
	// Verified reports whether every message that people are not warned of comes from a proved sender. Then the default
	// filters of new users ask for that. nil: it is not so.
	Verified func() bool
	// OnClose cancels the waiting deliveries of destinations (by Key) that are switched off, unsubscribed or refused. It
	// is the last step of the transaction that closes them: both happen or neither. So nobody who read "nothing more is
	// sent" gets the digest that was waiting. nil: nothing is cancelled.
	OnClose func(tx *gorm.DB, destinations []string, why string) error
	// OnMerge gives what is owed to one destination to another one of the same person (both by Key), which has the same
	// address. nil: OnClose is called.
	OnMerge func(tx *gorm.DB, backend, from, to string) error
	// OnErase wipes what is stored of destinations that are deleted, beside the preferences: addresses and texts of what
	// was sent there and of what waits. It is the last step of the transaction that deletes them. AfterErase is called
	// after its commit; both are those of package erasure. nil: OnClose is called, and what was sent stays.
	OnErase    func(tx *gorm.DB, gone []Destination) error
	AfterErase func(ctx context.Context)
	// OnChange is told, as part of the transaction, what a person has changed: on the pages, or by a signed link. nil:
	// nobody is told.
	OnChange func(tx *gorm.DB, c Change) error
	// KeepAudit returns how long it is kept who changed what. nil: for accounts.KeepAudit.
	KeepAudit func() time.Duration

	// Told tells the owner of an account of a change of what lets somebody in, as part of the transaction. nil: nobody
	// is told, and nothing can be undone.
	Told func(tx *gorm.DB, h accounts.Happened) error

	Session accounts.Bounds // how long somebody stays signed in; the zero Bounds: accounts.DefaultBounds
	// ClaimedNames reports whether everybody may choose a name and is believed: for a demo, or a closed site. It does not
	// change while the program runs, because filters that were read keep what @me stood for. nil: names must be proved.
	ClaimedNames func() bool
	// NoMailedLinks says that no mailed link lets anybody in: then an address is no way in.
	NoMailedLinks bool

	CapMost func() int // the most that a person's own cap may allow; nil: anything

	MailBudget int          // mails about accounts an hour, to addresses that nobody here has; 0: the default
	Log        *slog.Logger // nil: silent
	// Mailbox reports whether the addresses of a backend are mailboxes, whose capitals do not matter, and which the
	// directory may know. nil: that of the backend email.
	Mailbox func(backend string) bool
	// Policy is who may make an account. nil: everybody.
	Policy func() accounts.Policy
	// Roles are the people who may do more: nobody may choose a name that looks like theirs. nil: there are none.
	Roles func() accounts.Roles
	// People is what the directory says of people now. nil: there is no directory.
	People func() accounts.People
	// OnHold keeps what is owed to destinations (by Key), or lets it go again, as part of the transaction that disables
	// or enables their owner. nil: nothing is kept.
	OnHold func(tx *gorm.DB, destinations []string, held bool) error
	// Waiting changes what waits, when quiet hours or a pause are changed: the outbox. nil: nothing is done.
	Waiting Waiting
}

// A Change is what a person has changed.
type Change struct {
	User string // the account on the bus
	What string // "account", "destinations" or "filters"
}

// A Store keeps preferences in a database. It is a set of parts, and each caller holds only the parts that it uses.
// All are safe for concurrent use, by several processes too. Methods with a user's id reach only data of that user.
type Store struct {
	Accounts      *Accounts // the users, and how they sign in
	Logins        *accounts.Logins
	Sessions      *Sessions      // of the pages
	Tokens        *Tokens        // of desktop agents
	Destinations  *Destinations  // where notices go
	Filters       *Filters       // the filters of the users
	Subscriptions *Subscriptions // filters and destinations as the router reads them
	Mutes         *Mutes         // what people do not want to hear of for a while
	Operators     *Operators     // what operators find, and change for others
	Unsubscriber  *Unsubscriber  // the actions of the signed links in notices
	Undos         *Undos         // the actions of links in mails about what lets somebody in
	Invitations   *accounts.Invitations
	Passkeys      *passkeys.Store // the second factor of mailed links

	Reasons *revisions.Explainer // why somebody gets a notice

	Rescue *rescue.Store    // where notices go that do not arrive
	Audit  *accounts.Audit  // who changed what
	Mailed *accounts.Mailed // the secrets that travel by mail

	core      *core
	keepAudit func() time.Duration
}

// Open makes a Store. It does not touch the database.
func Open(config Config) *Store {
	if config.Sentence == nil {
		config.Sentence = func(f rulespec.Filter) string { return rulespec.Sentence(rulespec.Env{}, f) }
	}
	if config.DefaultFilter == nil {
		config.DefaultFilter = func(Filter) bool { return true }
	}
	if config.Verified == nil {
		config.Verified = func() bool { return false }
	}
	if config.OnClose == nil {
		config.OnClose = func(*gorm.DB, []string, string) error { return nil }
	}
	if config.OnMerge == nil {
		config.OnMerge = func(tx *gorm.DB, _, from, to string) error {
			return config.OnClose(tx, []string{from}, "it is the same address as that of destination "+to)
		}
	}
	if config.AfterErase == nil {
		config.AfterErase = func(context.Context) {}
	}
	config.fillInAccounts()
	if config.OnChange == nil {
		config.OnChange = func(*gorm.DB, Change) error { return nil }
	}
	if config.KeepAudit == nil {
		config.KeepAudit = func() time.Duration { return accounts.KeepAudit }
	}
	logins := accounts.NewLogins(config.Writer, config.Reader, config.Now, config.Random, config.Session)
	c := &core{
		writer: config.Writer, reader: config.Reader, now: config.Now, random: config.Random,
		sentence: config.Sentence, knowsKind: config.KnowsKind, objectsOf: config.ObjectsOf,
		defaultFilter: config.DefaultFilter,
		verified:      config.Verified, onClose: config.OnClose, onChange: config.OnChange, logins: logins, told: config.Told,
		audit:   accounts.NewAudit(config.Writer, config.Reader, config.Now),
		onMerge: config.OnMerge,
		onErase: config.OnErase, afterErase: config.AfterErase,
		claimedNames: config.ClaimedNames, mailbox: config.Mailbox, policy: config.Policy, roles: config.Roles,
		people: config.People, onHold: config.OnHold, waiting: config.Waiting, capMost: config.CapMost,
		noMailedLinks: config.NoMailedLinks,

		mailed: accounts.NewMailed(accounts.MailedConfig{
			Writer: config.Writer, Reader: config.Reader, Now: config.Now, Random: config.Random,
			Budget: config.MailBudget, Log: config.Log,
		}),
	}
	return &Store{
		Accounts: &Accounts{c}, Logins: logins, Sessions: &Sessions{c}, Tokens: &Tokens{c},
		Destinations: &Destinations{c}, Filters: &Filters{c}, Mutes: &Mutes{c},
		Subscriptions: &Subscriptions{c}, Operators: &Operators{c}, Unsubscriber: &Unsubscriber{c}, Undos: &Undos{c},
		Passkeys: passkeys.NewStore(config.Writer, config.Reader, config.Now, config.Told),
		Rescue:   c.rescuing(),
		Audit:    c.audit,
		Mailed:   c.mailed, core: c,
		Invitations: accounts.NewInvitations(config.Writer, config.Reader, config.Now),
		keepAudit:   config.KeepAudit,
		Reasons:     &revisions.Explainer{Sentence: c.saidBy},
	}
}

// fillInAccounts sets the defaults of what is about accounts.
func (c *Config) fillInAccounts() {
	if c.ClaimedNames == nil {
		c.ClaimedNames = func() bool { return false }
	}
	if c.Mailbox == nil {
		c.Mailbox = func(backend string) bool { return backend == "email" }
	}
	if c.Policy == nil {
		c.Policy = func() accounts.Policy { return accounts.Policy{} }
	}
	if c.Roles == nil {
		c.Roles = func() accounts.Roles { return accounts.Roles{} }
	}
	if c.People == nil {
		c.People = func() accounts.People { return accounts.Nobody{} }
	}
	if c.CapMost == nil {
		c.CapMost = func() int { return 0 }
	}
	if c.Waiting == nil {
		c.Waiting = nothingWaits{}
	}
	if c.OnHold == nil {
		c.OnHold = func(*gorm.DB, []string, bool) error { return nil }
	}
}

// Links returns a Signer with the key in the database, and makes the key when there is none yet. So the links of all
// nodes are the same, and stay the same after a restart.
func (s *Store) Links(ctx context.Context, base string) (*links.Signer, error) {
	key, err := s.core.secret(ctx, "links")
	if err != nil {
		return nil, err
	}
	return links.New(key, base, s.core.now), nil
}

// Identity returns a name that no other database has, except a copy.
func (s *Store) Identity(ctx context.Context) (string, error) {
	name, err := s.core.secret(ctx, "identity")
	return hex.EncodeToString(name), err
}

// Run deletes expired entries, at once and then every interval, until ctx ends.
func (s *Store) Run(ctx context.Context, interval time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := s.prune(ctx); err != nil && ctx.Err() == nil {
			log.Error("expired tokens and sessions could not be deleted", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// prune deletes expired sessions, tokens and codes, and old entries of the log of changes and of the audit.
func (s *Store) prune(ctx context.Context) error {
	if err := s.core.pruneChanges(ctx); err != nil {
		return err
	}
	if _, err := s.Audit.Prune(ctx, s.keepAudit()); err != nil {
		return err
	}
	now := s.core.micro()
	return s.core.write(ctx, "delete what has expired", func(tx *gorm.DB) error {
		if err := tx.Where("expires_at <= ?", now).Delete(&sessionRow{}).Error; err != nil {
			return err
		}
		if err := s.Logins.Prune(tx); err != nil {
			return err
		}
		if err := s.Invitations.Prune(tx); err != nil {
			return err
		}
		if err := mutes.Prune(tx, s.core.now()); err != nil {
			return err
		}
		if err := returned.Prune(tx, s.core.now().Add(-returned.Keep)); err != nil {
			return err
		}
		if err := revisions.Prune(tx, s.core.now()); err != nil {
			return err
		}
		return s.core.mailed.Prune(tx)
	})
}
