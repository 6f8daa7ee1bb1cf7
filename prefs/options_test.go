package prefs_test

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/looks"
)

// TestOptionsReachTheOutbox sets options as a page does, and reads them as a sender does: another node within a while.
func TestOptionsReachTheOutbox(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, db *migrations.DB, clock *clock) {
		alice, mail := person(t, s, "alice")
		now := clock.now()
		cache := looks.NewCache(db.Reader, func() time.Time { return now })
		of := func() map[string]string {
			t.Helper()
			options, err := cache.Of(t.Context(), prefs.Key(mail.ID))
			if err != nil {
				t.Fatal(err)
			}
			return options
		}
		if got := of(); len(got) != 0 {
			t.Errorf("nothing was chosen, and it is %v", got)
		}
		chosen := map[string]string{"format": "text", "list": "package"}
		if err := s.Destinations.SetOptions(t.Context(), alice.ID, mail.ID, chosen); err != nil {
			t.Fatal(err)
		}
		now = now.Add(looks.Fresh)
		if got := of(); got["format"] != "text" || got["list"] != "package" {
			t.Errorf("after a while it is %v", got)
		}
		stored := must[prefs.Destination](t)(s.Destinations.Get(t.Context(), alice.ID, mail.ID))
		if looks.Words(stored.Options) != "format text, list package" {
			t.Errorf("the destination has %v", stored.Options)
		}
		mallory, _ := person(t, s, "mallory")
		want(t, s.Destinations.SetOptions(t.Context(), mallory.ID, mail.ID, nil), prefs.ErrNotFound)
	})
}
