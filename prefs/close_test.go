package prefs_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
)

// TestClosingEndsWhatWaits closes a destination in every way: each cancels its deliveries in the same transaction.
// When they cannot be cancelled, the destination stays as it was.
func TestClosingEndsWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, _ *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		var ended []string
		var refusal error
		s := prefs.Open(prefs.Config{
			Writer: d.Writer, Reader: d.Reader, Now: c.now, Random: rand.Reader, ClaimedNames: yes,
			OnClose: func(tx *gorm.DB, destinations []string, why string) error {
				if why == "" {
					t.Error("no reason is given")
				}
				ended = append(ended, destinations...)
				return refusal
			},
		})
		for i, c := range []struct {
			name string
			both bool // of the user's destinations are closed
			act  func(userID, id uint) error
		}{
			{"switched on", false, func(userID, id uint) error { return s.Destinations.SetOn(ctx, userID, id, true) }},
			{"switched off", false, func(userID, id uint) error {
				return s.Destinations.SetOn(ctx, userID, id, false)
			}},
			{"refused", false, func(_, id uint) error { return s.Destinations.Disable(ctx, id, "no such mailbox") }},
			{"stopped", false, func(_, id uint) error {
				_, err := s.Unsubscriber.Unsubscribe(ctx, links.Target{Destination: id})
				return err
			}},
			{"deleted", false, func(userID, id uint) error { return s.Destinations.Delete(ctx, userID, id) }},
			{"account deleted", true, func(userID, _ uint) error { return s.Accounts.Delete(ctx, userID) }},
		} {
			name := fmt.Sprint("alice", i)
			user := must[prefs.User](t)(s.Accounts.Register(ctx, name, "", "email", name+"@example.org"))
			own := must[[]prefs.Destination](t)(s.Destinations.List(ctx, user.ID))
			other := must[prefs.Destination](t)(s.Destinations.Add(ctx, user.ID, "irc", name))
			want := []string{prefs.Key(own[0].ID)}
			if c.both {
				want = append(want, prefs.Key(other.ID))
			}
			if i == 0 {
				want = nil
			}
			before := must[[]prefs.Destination](t)(s.Destinations.List(ctx, user.ID))
			if want != nil {
				refusal = errors.New("the disk is full")
				if err := c.act(user.ID, own[0].ID); !errors.Is(err, refusal) {
					t.Errorf("%s: %v, want the refusal", c.name, err)
				}
				refusal = nil
				after := must[[]prefs.Destination](t)(s.Destinations.List(ctx, user.ID))
				if fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("%s, but what waits could not be ended: %v, want %v", c.name, after, before)
				}
			}
			ended = nil
			if err := c.act(user.ID, own[0].ID); err != nil || !slices.Equal(ended, want) {
				t.Errorf("%s: ended %v, %v, want %v", c.name, ended, err, want)
			}
		}
		ended = nil
		if err := s.Destinations.Disable(ctx, 4711, "gone"); !errors.Is(err, prefs.ErrNotFound) || ended != nil {
			t.Errorf("a destination that never was: %v, ended %v", err, ended)
		}
	})
}
