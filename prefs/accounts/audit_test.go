package accounts_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// trail is an audit in a fresh database, at a time that the test sets.
func trail(d *migrations.DB) (*accounts.Audit, *time.Time) {
	at := noon
	return accounts.NewAudit(d.Writer, d.Reader, func() time.Time { return at }), &at
}

func all(t *testing.T, a *accounts.Audit, user uint, since time.Time) []accounts.Entry {
	t.Helper()
	var list []accounts.Entry
	for e, err := range a.Walk(t.Context(), user, since) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func TestAnEntrySaysWhoDidWhatFromWhere(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, _ := trail(d)
		ctx := accounts.WithActor(t.Context(),
			accounts.Actor{Kind: accounts.Person, ID: 3, Name: "carol", Role: "helper", Network: "192.0.2.0/24"})
		tx := d.Writer.WithContext(ctx)
		e := accounts.Entry{User: 7, What: accounts.FilterOff, Object: "filter 12",
			Before: accounts.Fields{"on": "yes", "name": "Everything"},
			After:  accounts.Fields{"on": "no", "name": "Everything", "reason": "too much"}}
		if err := a.Add(tx, e); err != nil {
			t.Fatal(err)
		}
		own := accounts.Entry{User: 3, What: accounts.TokenNew, After: accounts.Fields{"name": "laptop"}}
		if err := a.Add(tx, own); err != nil {
			t.Fatal(err)
		}
		got, err := a.Of(ctx, 7, 0, 10)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		e.ID, e.At = got[0].ID, noon
		e.By = accounts.Actor{Kind: accounts.Operator, ID: 3, Name: "carol", Role: "helper", Network: "192.0.2.0/24"}
		if !reflect.DeepEqual(got[0], e) {
			t.Errorf("got  %+v\nwant %+v", got[0], e)
		}
		want := []accounts.Difference{{"on", "yes", "no"}, {"reason", "", "too much"}}
		if diff := got[0].Differences(); !reflect.DeepEqual(diff, want) {
			t.Errorf("differences %v", diff)
		}
		if by := got[0].By.By(); by != "helper carol" {
			t.Errorf("by %q", by)
		}
		if mine, _ := a.Of(ctx, 3, 0, 10); len(mine) != 1 || mine[0].By.By() != "you" {
			t.Errorf("one's own: %v", mine)
		}
	})
}

func TestAnEntryIsPartOfTheTransaction(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, _ := trail(d)
		tx := d.Writer.WithContext(t.Context()).Begin()
		if err := a.Add(tx, accounts.Entry{User: 1, What: accounts.AccountZone}); err != nil {
			t.Fatal(err)
		}
		tx.Rollback()
		if got := all(t, a, 0, time.Time{}); len(got) != 0 {
			t.Errorf("what did not happen: %v", got)
		}
	})
}

func TestEntriesAreBounded(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, _ := trail(d)
		long := accounts.Fields{}
		for c := 'a'; c <= 'z'; c++ {
			long[string(c)] = strings.Repeat("\x00ü", 1<<20)
		}
		e := accounts.Entry{User: 1, What: accounts.FilterSave, Object: strings.Repeat("x", 1<<20), After: long}
		if err := a.Add(d.Writer.WithContext(t.Context()), e); err != nil {
			t.Fatal(err)
		}
		var size int
		if err := d.Reader.Raw("SELECT length(object) + length(after) FROM audit").Scan(&size).Error; err != nil {
			t.Fatal(err)
		}
		if size > 16<<10 {
			t.Errorf("%d characters of a huge change", size)
		}
	})
}

func TestWalkPagesThrough(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, at := trail(d)
		tx := d.Writer.WithContext(t.Context())
		for i := range 1203 {
			*at = noon.Add(time.Duration(i) * time.Second)
			if err := a.Add(tx, accounts.Entry{User: 1 + uint(i%3), What: accounts.AccountZone}); err != nil {
				t.Fatal(err)
			}
		}
		if got := all(t, a, 0, time.Time{}); len(got) != 1203 || got[1202].ID <= got[0].ID {
			t.Errorf("%d of all", len(got))
		}
		if got := all(t, a, 2, time.Time{}); len(got) != 401 {
			t.Errorf("%d of one", len(got))
		}
		if got := all(t, a, 0, noon.Add(1200*time.Second)); len(got) != 3 {
			t.Errorf("%d since", len(got))
		}
		page, err := a.Of(t.Context(), 2, 0, 10)
		if err != nil || len(page) != 10 {
			t.Fatal(len(page), err)
		}
		if next, err := a.Of(t.Context(), 2, page[9].ID, 10); err != nil || next[0].ID >= page[9].ID {
			t.Errorf("the next page begins at %d, %v", next[0].ID, err)
		}
	})
}

func TestPruneKeepsWhatIsYoung(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, at := trail(d)
		for range 3 {
			if err := a.Add(d.Writer.WithContext(t.Context()), accounts.Entry{User: 1, What: accounts.LoginNew}); err != nil {
				t.Fatal(err)
			}
			*at = at.Add(time.Hour)
		}
		gone, err := a.Prune(t.Context(), 2*time.Hour)
		if err != nil || gone != 1 || len(all(t, a, 0, time.Time{})) != 2 {
			t.Errorf("%d gone, %v", gone, err)
		}
	})
}

func TestForgetLeavesNothingThatSaysWhoItWas(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, _ := trail(d)
		bob := accounts.Actor{Kind: accounts.Person, ID: 1, Name: "bobsecret", Role: "admin", Network: "192.0.2.99"}
		tx := d.Writer.WithContext(accounts.WithActor(t.Context(), bob))
		fields := accounts.Fields{"address": "bobsecret@example.org"}
		for _, e := range []accounts.Entry{
			{User: 1, What: accounts.DestinationAdd, Object: "bobsecret", Before: fields, After: fields},
			{User: 2, What: accounts.FilterOff, After: accounts.Fields{"on": "no"}},
			{User: 1, What: accounts.AccountDelete},
		} {
			if err := a.Add(tx, e); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Forget(tx, 1); err != nil {
			t.Fatal(err)
		}
		var dump []map[string]any
		if err := d.Reader.Raw("SELECT * FROM audit").Scan(&dump).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range dump {
			for column, value := range row {
				if s, ok := value.(string); ok && (strings.Contains(s, "bobsecret") || strings.Contains(s, "192.0.2")) {
					t.Errorf("%s still says %q", column, s)
				}
			}
		}
		left := all(t, a, 1, time.Time{})
		if len(left) != 2 || left[1].What != accounts.AccountDelete || left[1].By.Kind != accounts.Person {
			t.Errorf("left: %+v", left)
		}
		if other := all(t, a, 2, time.Time{}); other[0].After["on"] != "no" || other[0].By.Role != "admin" {
			t.Errorf("of the other account: %+v", other)
		}
	})
}

func TestAddRefusesWhatHasNoWords(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		a, _ := trail(d)
		tx := d.Writer.WithContext(context.WithoutCancel(t.Context()))
		for _, e := range []accounts.Entry{{User: 1, What: "account.tickle"}, {What: accounts.LoginNew}} {
			if err := a.Add(tx, e); err == nil {
				t.Errorf("%+v is taken", e)
			}
		}
	})
}
