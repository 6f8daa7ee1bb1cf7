package accounts_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// A world is a Mailed on a fresh database, with a clock of its own.
type world struct {
	*testing.T
	*accounts.Mailed
	db *migrations.DB
	mu sync.Mutex
	at time.Time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// each runs f on both databases.
func each(t *testing.T, f func(w *world)) {
	migratest.Each(t, func(t *testing.T, db *migrations.DB) {
		w := &world{T: t, db: db, at: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)}
		w.Mailed = accounts.NewMailed(accounts.MailedConfig{Writer: db.Writer, Reader: db.Reader, Now: w.now,
			Random: rand.Reader, Budget: 20})
		f(w)
	})
}

// in runs f in a transaction.
func (w *world) in(f func(tx *gorm.DB) error) {
	w.Helper()
	if err := w.db.Writer.Transaction(f); err != nil {
		w.Fatal(err)
	}
}

// ask asks for a link to sign in.
func (w *world) ask(address string, known bool, network string) (ticket accounts.Ticket) {
	w.Helper()
	w.in(func(tx *gorm.DB) (err error) {
		r := accounts.MailRequest{Purpose: accounts.MailSignIn, Backend: "email", Address: address}
		limits := w.SignInLimits("email", address, known, accounts.Asker{Network: network})
		ticket, err = w.Ask(tx, r, limits...)
		return err
	})
	return ticket
}

// mail fills the mail of a ticket and returns its secret.
func (w *world) mail(ticket accounts.Ticket) string {
	w.Helper()
	p := backends.Parcel{To: ticket.Address,
		Notices: []backends.Notice{{Link: backends.SecretMark, Secret: ticket.Ref}}}
	if err := w.Fill(w.Context(), &p); err != nil {
		w.Fatal(err)
	}
	if p.Notices[0].Secret != "" || strings.Contains(p.Notices[0].Link, backends.SecretMark) {
		w.Fatalf("the backend gets %+v", p.Notices[0])
	}
	return p.Notices[0].Link
}

func (w *world) use(secret string) (r accounts.MailRequest, err error) {
	err = w.db.Writer.Transaction(func(tx *gorm.DB) (err error) {
		r, err = w.Use(tx, accounts.MailSignIn, secret)
		return err
	})
	return r, err
}

func (w *world) want(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("error %v, want %v", err, want)
	}
}

// Looking at a link changes nothing, whoever looks and however often; using it ends it and all its copies.
func TestALinkIsUsedOnce(t *testing.T) {
	each(t, func(w *world) {
		ticket := w.ask("alice@example.org", true, "")
		first, second := w.mail(ticket), w.mail(ticket) // a mail that was sent twice
		if first == second {
			w.Error("two attempts to send have one secret")
		}
		for range 3 {
			if r, err := w.Find(w.Context(), accounts.MailSignIn, first); err != nil || r.Address != "alice@example.org" {
				w.Errorf("Find = %+v, %v", r, err)
			}
		}
		_, err := w.Find(w.Context(), accounts.MailUndo, first)
		w.want(err, accounts.ErrCode)
		var in atomic.Int32
		var all sync.WaitGroup
		for _, secret := range []string{first, second, first, second, first, second} {
			all.Go(func() {
				if _, err := w.use(secret); err == nil {
					in.Add(1)
				} else if !errors.Is(err, accounts.ErrCode) {
					w.Error(err)
				}
			})
		}
		all.Wait()
		if in.Load() != 1 {
			w.Errorf("%d signed in", in.Load())
		}
		p := backends.Parcel{To: ticket.Address, Notices: []backends.Notice{{Secret: ticket.Ref}}}
		w.want(w.Fill(w.Context(), &p), backends.ErrRefused) // it is of no use any more
	})
}

// A secret is good for its life from when its mail was made, and goes to the address of its request alone.
func TestALinkLivesFromItsMail(t *testing.T) {
	each(t, func(w *world) {
		ticket := w.ask("alice@example.org", true, "")
		p := backends.Parcel{To: "mallory@example.org", Notices: []backends.Notice{{Secret: ticket.Ref}}}
		w.want(w.Fill(w.Context(), &p), backends.ErrRefused)
		w.pass(40 * time.Minute) // the mail server was down
		secret := w.mail(ticket)
		w.pass(accounts.Life(accounts.MailSignIn) - time.Second)
		if _, err := w.Find(w.Context(), accounts.MailSignIn, secret); err != nil {
			w.Error(err)
		}
		w.pass(time.Second)
		_, err := w.use(secret)
		w.want(err, accounts.ErrCode)
		w.pass(24 * time.Hour)
		p = backends.Parcel{To: ticket.Address, Notices: []backends.Notice{{Secret: ticket.Ref}}}
		w.want(w.Fill(w.Context(), &p), backends.ErrRefused)
		w.in(w.Prune)
		for _, table := range []string{"mailed", "mailed_secrets", "sent_codes"} {
			var n int64
			if err := w.db.Reader.Table(table).Count(&n).Error; err != nil || n != 0 {
				w.Errorf("%s: %d rows, %v", table, n, err)
			}
		}
	})
}

// However often a mail is tried, a bounded number of its secrets is kept: the newest.
func TestSecretsOfARequestAreBounded(t *testing.T) {
	each(t, func(w *world) {
		ticket := w.ask("alice@example.org", true, "")
		oldest := w.mail(ticket)
		var newest string
		for range 20 {
			w.pass(time.Second)
			newest = w.mail(ticket)
		}
		var n int64
		if err := w.db.Reader.Table("mailed_secrets").Count(&n).Error; err != nil || n != 16 {
			w.Errorf("%d secrets are kept, %v", n, err)
		}
		_, err := w.use(oldest)
		w.want(err, accounts.ErrCode)
		if _, err := w.use(newest); err != nil {
			w.Error(err)
		}
	})
}

// An undo link lives for days, and takes with it what it is about.
func TestAnUndoLivesForDays(t *testing.T) {
	each(t, func(w *world) {
		r := accounts.MailRequest{Purpose: accounts.MailUndo, User: 7, Backend: "email", Address: "a@example.org",
			About: "change 12"}
		var ticket accounts.Ticket
		w.in(func(tx *gorm.DB) (err error) { ticket, err = w.Ask(tx, r); return err })
		secret := w.mail(ticket)
		w.pass(6 * 24 * time.Hour)
		w.in(w.Prune)
		found, err := w.Find(context.Background(), accounts.MailUndo, secret)
		if err != nil || found.About != "change 12" || found.User != 7 {
			w.Errorf("Find = %+v, %v", found, err)
		}
		w.in(func(tx *gorm.DB) error { return w.End(tx, 7) })
		_, err = w.Find(w.Context(), accounts.MailUndo, secret)
		w.want(err, accounts.ErrCode)
	})
}
