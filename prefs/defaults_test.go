package prefs_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

func TestNewcomersBeginWithWhatCanMatch(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := prefs.Open(prefs.Config{
			Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
			DefaultFilter: func(f prefs.Filter) bool { return len(rulespec.Missing(f.Filter, nil)) == 0 },
		})
		alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		filters, err := store.Filters.List(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(filters) != 1 || filters[0].Name != "About me" {
			t.Errorf("without a directory a newcomer begins with %+v, want About me alone", filters)
		}
	})
}
