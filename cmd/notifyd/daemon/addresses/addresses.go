// Package addresses keeps the addresses of destinations in their one form, as far as backends have learned it.
//
// An IRC network says with each connection which nicks are one. What has changed may make two addresses one: then of
// two accounts that had confirmed them the first keeps it, and the other is told. Each node looks for itself: what one
// does the others find done.
package addresses

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// look is how often it is looked whether a backend has learned something.
const look = time.Minute

// A Speller puts addresses into their one form.
type Speller struct {
	Backends     map[string]backends.Backend
	Destinations interface {
		Respell(ctx context.Context, backend string, canonical func(string) (string, error)) ([]prefs.Lost, error)
		List(ctx context.Context, user uint) ([]prefs.Destination, error)
	}
	Queue  func(context.Context, outbox.Delivery) error // stores what tells people
	Manage string                                       // page where people change what they get
	Now    func() time.Time
	Log    *slog.Logger

	done map[string][2]string // by backend: the spellings of the last two rounds
}

// Run looks until ctx ends.
func (s *Speller) Run(ctx context.Context) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		s.Round(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round puts the addresses of each backend into their form that has learned something since the last round, and once
// more in the next: another node may have taken an address by what it knew a moment before.
func (s *Speller) Round(ctx context.Context) {
	if s.done == nil {
		s.done = map[string][2]string{}
	}
	for name, b := range s.Backends {
		learning, ok := b.(backends.Respelling)
		informed, knows := b.(backends.Informed)
		if !ok || !knows {
			continue
		}
		spelling, before := "as "+learning.Spelling(), s.done[name]
		if before == [2]string{spelling, spelling} {
			continue
		}
		lost, err := s.Destinations.Respell(ctx, name, informed.Info().CheckAddress)
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Error("cannot put addresses into their one form; trying again", "backend", name, "error", err)
			}
			continue
		}
		s.done[name] = [2]string{before[1], spelling}
		for _, l := range lost {
			s.Log.Warn("two accounts had one address in two spellings; the first keeps it", "backend", name,
				"destination", l.Destination.ID)
			if err := s.tell(ctx, l); err != nil {
				s.Log.Error("cannot tell the owner of a destination that it has to be confirmed again", "error", err)
			}
		}
	}
}

// tell tells the owner of a destination, at another address of theirs, that it has to be confirmed again.
func (s *Speller) tell(ctx context.Context, l prefs.Lost) error {
	ds, err := s.Destinations.List(ctx, l.User.ID)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if !d.Confirmed || !d.On || d.Disabled != "" {
			continue
		}
		id := fmt.Sprintf("account-lost-%d", l.Destination.ID)
		return s.Queue(ctx, outbox.Delivery{
			Message: id, Destination: prefs.Key(d.ID), Backend: d.Backend, Address: d.Address, DueAt: s.Now(),
			Manage: s.Manage, Notice: backends.Notice{
				ID: id, Time: s.Now(), Title: "A destination of yours has to be confirmed again", Link: s.Manage,
				Text: "Your destination " + l.Destination.Address + " gets nothing any more: another account had confirmed " +
					"the same address before, in another spelling. If the address is yours, let a new code be sent there.",
			},
		})
	}
	return nil
}
