package accounts_test

import (
	"os"
	"slices"
	"testing"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func TestMain(m *testing.M) { os.Exit(migratest.Main(m)) }

// TestSignedIn: the groups of who signed in are in the directory, behind what others say of a group.
func TestSignedIn(t *testing.T) {
	db := migratest.Copy(t)
	exec := func(query string) {
		t.Helper()
		if err := db.Writer.Exec(query).Error; err != nil {
			t.Fatal(err)
		}
	}
	source := accounts.SignedIn(db.Reader)
	none, err := source.Fetch(t.Context(), nil)
	if err != nil || none.Groups == nil || len(none.Groups) != 0 {
		t.Fatalf("nobody has signed in: %+v, %v", none, err)
	}
	exec("INSERT INTO users (id, name, zone, created_at, proof) VALUES (1, 'alice', '', 0, 'provider')")
	exec(`INSERT INTO identities (user_id, issuer, subject, name, groups, created_at, used_at)
		VALUES (1, 'i', 's', 'alice', '["qa","infra"]', 0, 0)`)
	first, err := source.Fetch(t.Context(), none)
	if err != nil || !slices.Equal(first.Groups["qa"], []string{"alice"}) {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := source.Fetch(t.Context(), first); err != nil || again != first {
		t.Errorf("nothing has changed: %+v, %v", again, err)
	}
	file := &directory.Facts{Groups: map[string][]string{"infra": {"bob"}}}
	s := directory.Merge(directory.Policy{}, directory.Part{Name: "file", Facts: file},
		directory.Part{Name: "signed-in", Facts: first})
	if !slices.Equal(s.Groups("alice"), []string{"qa"}) || !slices.Equal(s.Members("infra"), []string{"bob"}) {
		t.Errorf("alice is in %q, and in infra are %q", s.Groups("alice"), s.Members("infra"))
	}
	exec("UPDATE identities SET groups = '[]', used_at = 1")
	if last, err := source.Fetch(t.Context(), first); err != nil || len(last.Groups) != 0 {
		t.Errorf("she has left: %+v, %v", last, err)
	}
}
