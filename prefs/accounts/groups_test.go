package accounts_test

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs/accounts"
)

func TestSignedInGroups(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		exec := func(query string, args ...any) {
			t.Helper()
			if err := d.Writer.Exec(query, args...).Error; err != nil {
				t.Fatal(err)
			}
		}
		person := func(id int, name, proof, disabled string) {
			exec("INSERT INTO users (id, name, zone, created_at, proof, disabled) VALUES (?, ?, '', 0, ?, ?)", id, name, proof,
				disabled)
		}
		identity := func(user int, issuer, groups string) {
			exec("INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at) "+
				"VALUES (?, ?, 's', '', ?, 0, 0)", user, issuer+strconv.Itoa(user), groups)
		}
		person(1, "alice", "provider", "")
		person(2, "bob", "directory", "")
		person(3, "carol", "claimed", "") // her name may be another's
		person(4, "dave", "provider", "has left")
		person(5, "", "", "")
		identity(1, "a", `["qa","packager"]`)
		identity(1, "b", `["qa"]`)
		identity(2, "a", `["qa"]`)
		identity(3, "a", `["qa","admins"]`)
		identity(4, "a", `["admins"]`)
		identity(5, "a", `["admins"]`)
		got, err := accounts.SignedInGroups(t.Context(), d.Reader, "")
		want := map[string][]string{"qa": {"alice", "bob"}, "packager": {"alice"}}
		if err != nil || !reflect.DeepEqual(got.Members, want) {
			t.Errorf("%v, %v", got.Members, err)
		}
		again, err := accounts.SignedInGroups(t.Context(), d.Reader, got.Mark)
		if err != nil || again.Mark != got.Mark || again.Members != nil {
			t.Errorf("nothing has changed: %+v, %v", again, err)
		}
		for _, change := range []string{"UPDATE identities SET used_at = 1 WHERE user_id = 2",
			"UPDATE revisions SET value = value + 1", "DELETE FROM identities WHERE user_id = 3"} {
			exec(change)
			next, err := accounts.SignedInGroups(t.Context(), d.Reader, again.Mark)
			if err != nil || next.Mark == again.Mark || next.Members == nil {
				t.Errorf("%s: %+v, %v", change, next, err)
			}
			again = next
		}
	})
}
