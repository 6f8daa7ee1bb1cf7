package accounts_test

import (
	"crypto/rand"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	known "github.com/notifyd/notifyd/prefs/accounts"
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
	exec("UPDATE revisions SET value = value + 1") // as each change of anybody's filters does
	if again, err := source.Fetch(t.Context(), first); err != nil || again != first {
		t.Errorf("the groups have not changed: %+v, %v", again, err)
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

// TestUnknownGroupsGiveNoRole: a provider that leaves the groups out, since there are too many, has not said that
// somebody left them, nor that an operator still is one.
func TestUnknownGroupsGiveNoRole(t *testing.T) {
	db := migratest.Copy(t)
	s := prefs.Open(prefs.Config{Writer: db.Writer, Reader: db.Reader, Now: time.Now, Random: rand.Reader})
	source, seen := accounts.SignedIn(db.Reader), &directory.Facts{}
	var snapshot *directory.Snapshot
	find := accounts.RoleFinder{Accounts: s.Accounts, Directory: func() *directory.Snapshot { return snapshot },
		Roles: func() known.Roles {
			return known.Roles{Admins: known.Members{Groups: []string{"operators"}},
				Helpers: known.Members{Names: []string{"alice"}}}
		}}
	id := known.Identity{Way: "hub", Issuer: "https://id.example.org", Subject: "1", Name: "alice"}
	signIn := func(groups []string, said bool, want known.Role) {
		t.Helper()
		id.Groups, id.GroupsKnown = groups, said
		in, err := s.Accounts.SignInAs(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if seen, err = source.Fetch(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
		snapshot = directory.Merge(directory.Policy{}, directory.Part{Name: "signed-in", Facts: seen})
		if role, err := find.Of(t.Context(), in.User); role != want || err != nil {
			t.Errorf("groups %q, said: %v: %s, %v", groups, said, role, err)
		}
	}
	signIn([]string{"operators", "qa"}, true, known.Admin)
	signIn(nil, false, known.Helper) // what her name gives stays
	if got := snapshot.Groups("alice"); !slices.Equal(got, []string{"operators", "qa"}) {
		t.Errorf("filters know her in %q", got)
	}
	signIn([]string{"operators"}, true, known.Admin)
	signIn([]string{"qa"}, true, known.Helper)
}
