package prefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/rulespec"
)

// A Store keeps preferences in a database with the current schema. It is safe for concurrent use, by several processes
// too. What it gives and takes is scoped by user id: nothing reaches another user's things.
type Store struct {
	writer, reader *gorm.DB
	now            func() time.Time
	random         io.Reader
	useful         func(Filter) bool                                          // see Offer; nil: every default
	sentence       func(rulespec.Filter) string                               // see Say
	end            func(tx *gorm.DB, destinations []string, why string) error // see OnClosed; may be nil
}

// NewStore makes a store on the two pools of a migrations.DB. random gives the secrets (crypto/rand.Reader) and must be
// safe for concurrent use.
func NewStore(writer, reader *gorm.DB, now func() time.Time, random io.Reader) *Store {
	return &Store{writer: writer, reader: reader, now: now, random: random, sentence: rulespec.Sentence}
}

// Revision gives a number that every change to what is delivered raises. tx is a transaction, in which it is the
// revision that the transaction works on, or nil. Until a transaction ends nobody closes a destination: what it stores by
// that revision is not left behind.
func (s *Store) Revision(ctx context.Context, tx *gorm.DB) (int64, error) {
	if tx == nil {
		tx = s.reader
	} else if err := order(tx.WithContext(ctx), "pg_advisory_xact_lock_shared"); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	var value int64
	err := tx.WithContext(ctx).Raw("SELECT value FROM revisions WHERE id = 1").Scan(&value).Error
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return value, nil
}

// Run deletes what has expired, now and then every interval, until ctx ends.
func (s *Store) Run(ctx context.Context, interval time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := s.Prune(ctx); err != nil && ctx.Err() == nil {
			log.Error("expired tokens and sessions could not be deleted", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Prune deletes sessions, tokens and codes that have expired, and what is old in the log of changes.
func (s *Store) Prune(ctx context.Context) error {
	if err := s.pruneChanges(ctx); err != nil {
		return err
	}
	now := s.micro()
	return s.write(ctx, "delete what has expired", func(tx *gorm.DB) error {
		for _, row := range []any{&sessionRow{}, &signInRow{}, &confirmationRow{}} {
			if err := tx.Where("expires_at <= ?", now).Delete(row).Error; err != nil {
				return err
			}
		}
		return tx.Where("sent_at <= ?", now-longestWindow.Microseconds()).Delete(&sentCodeRow{}).Error
	})
}

// write runs f in a transaction. The errors that callers act on pass as they are, others say what was tried.
func (s *Store) write(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return named(verb, s.writer.WithContext(ctx).Transaction(f))
}

// change is write for what changes what is delivered. f must touch every filter that its change is about; see touchFilter.
func (s *Store) change(ctx context.Context, verb string, f func(tx *gorm.DB) error) error {
	return s.write(ctx, verb, func(tx *gorm.DB) error {
		if err := s.bump(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// read gives a handle for reading.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.reader.WithContext(ctx) }

func (s *Store) micro() int64 { return s.now().UnixMicro() }

// known are the errors that callers act on.
var known = []error{ErrNotFound, ErrTaken, ErrClaimed, ErrCode, ErrTooOften, ErrTooMany, outbox.ErrNotFound, outbox.ErrUnsendable}

func named(verb string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ErrNotFound
	}
	for _, k := range known {
		if errors.Is(err, k) {
			return err
		}
	}
	var typed *Error
	var rule *rulespec.Error
	if errors.As(err, &typed) || errors.As(err, &rule) {
		return err
	}
	return fmt.Errorf("%s: %w", verb, err)
}
