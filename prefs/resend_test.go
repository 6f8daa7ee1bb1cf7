package prefs_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// TestResend sends dead letters again, for destinations in every state and as every user.
func TestResend(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, c.now, rand.Reader)
		bob := must[prefs.User](t)(s.Accounts.Register(ctx, "bob", "", "email", "bob@example.org"))
		for i, test := range []struct {
			name  string
			close func(userID, id uint) error
			want  string
		}{
			{"on", func(uint, uint) error { return nil }, ""},
			{"off", func(userID, id uint) error { return s.Destinations.SetOn(ctx, userID, id, false) },
				"is switched off"},
			{"disabled", func(_, id uint) error { return s.Destinations.Disable(ctx, id, "550 unknown") },
				"550 unknown"},
			{"deleted", func(userID, id uint) error { return s.Destinations.Delete(ctx, userID, id) }, "was deleted"},
		} {
			name := fmt.Sprint("alice", i)
			alice := must[prefs.User](t)(s.Accounts.Register(ctx, name, "", "email", name+"@example.org"))
			mail := must[[]prefs.Destination](t)(s.Destinations.List(ctx, alice.ID))[0]
			ok(t, d.Writer.Transaction(func(tx *gorm.DB) error {
				_, err := o.Add(tx, []outbox.Delivery{{Message: name, Destination: prefs.Key(mail.ID), Backend: "email",
					Address: mail.Address, DueAt: c.now().Add(time.Hour)}})
				return err
			}))
			ok(t, o.CancelOne(ctx, prefs.Key(mail.ID), "full"))
			id := must[[]outbox.Entry](t)(o.Find(ctx, outbox.Query{State: outbox.Dead, Limit: 1}))[0].ID
			ok(t, test.close(alice.ID, mail.ID))
			want(t, s.Destinations.Resend(ctx, o, bob.ID, id, false), outbox.ErrNotFound)
			err := s.Destinations.Resend(ctx, o, 0, id, false)
			if test.want == "" {
				ok(t, err)
				want(t, s.Destinations.Resend(ctx, o, 0, id, false), outbox.ErrNotFound)
			} else if !errors.Is(err, outbox.ErrUnsendable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
			}
		}
	})
}
