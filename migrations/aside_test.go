package migrations_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestIndexesSetAside: they are made again by Restore, and by the next daemon after a kill; nobody else uses the
// database meanwhile.
func TestIndexesSetAside(t *testing.T) {
	path := migratest.SQLite(t)
	open := func(bare bool) *migrations.DB {
		t.Helper()
		d, err := migrations.Config{DSN: path, Bare: bare}.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	indexes := func(d *migrations.DB) (all []string) {
		t.Helper()
		err := d.Reader.Raw("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name").
			Scan(&all).Error
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	d := open(false)
	before := indexes(d)
	for range 2 { // as an import does that is begun again after a kill
		if err := d.SetAside(t.Context(), "messages", "message_users"); err != nil {
			t.Fatal(err)
		}
		some, err := d.IsAside(t.Context())
		if left := indexes(d); err != nil || !some || len(left) >= len(before)-5 || len(left) == 0 {
			t.Fatalf("aside %v, %v; %d of %d indexes are left", some, err, len(left), len(before))
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := migrations.Join(t.Context(), path); !errors.Is(err, migrations.ErrAside) {
			t.Fatalf("a command beside it: %v", err)
		}
		d = open(true)
	}
	said := 0
	if err := d.Restore(t.Context(), func(string) { said++ }); err != nil {
		t.Fatal(err)
	}
	if after := indexes(d); !slices.Equal(after, before) || said < 6 {
		t.Errorf("%d indexes are made, now there are %q, want %q", said, after, before)
	}
	if err := d.SetAside(t.Context(), "messages"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(false) // a daemon
	defer d.Close()
	some, err := d.IsAside(t.Context())
	if after := indexes(d); err != nil || some || !slices.Equal(after, before) {
		t.Errorf("aside %v, %v; indexes %q, want %q", some, err, after, before)
	}
}
