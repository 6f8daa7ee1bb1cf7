package accounts_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	people "github.com/notifyd/notifyd/prefs/accounts"
)

// TestKeeper: operators are warned of claimed names where names must be proved, and only there; roles come from proved
// names and from groups.
func TestKeeper(t *testing.T) {
	d := migratest.Copy(t)
	dir, err := directory.Parse([]byte("groups: {sysadmin: [alice]}\naccounts: {alice@example.org: alice}\n"))
	if err != nil {
		t.Fatal(err)
	}
	store := prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader,
		People: func() people.People { return accounts.People{Snapshot: dir} }})
	alice, err := store.Accounts.Register(t.Context(), "", "", "email", "alice@example.org")
	if err != nil || alice.Name != "alice" || alice.Proof != people.OfDirectory {
		t.Fatalf("%+v, %v", alice, err)
	}
	err = d.Writer.Exec("INSERT INTO users (name, proof, zone, created_at) VALUES ('carol', 'claimed', '', 1)").Error
	if err != nil {
		t.Fatal(err)
	}
	carol, err := store.Accounts.ByName(t.Context(), "carol")
	if err != nil {
		t.Fatal(err)
	}
	logs := &exectest.Log{}
	k := &accounts.Keeper{Accounts: store.Accounts, Directory: func() *directory.Snapshot { return dir },
		Log: slog.New(slog.NewTextHandler(logs, nil))}
	const warned = "1 account has a name that is only claimed"
	if all := k.Warnings(t.Context()); len(all) != 1 || !strings.HasPrefix(all[0], warned) {
		t.Errorf("warnings: %q", all)
	}
	k.Claimed = true
	if all := k.Warnings(t.Context()); len(all) != 0 {
		t.Errorf("warnings where names are claimed: %q", all)
	}
	roles := people.Roles{Admins: people.Members{Names: []string{"carol"}, Groups: []string{"sysadmin"}}}
	find := accounts.RoleFinder{Roles: func() people.Roles { return roles }, Directory: k.Directory,
		Accounts: store.Accounts}
	for user, want := range map[*prefs.User]people.Role{&alice: people.Admin, &carol: people.User} {
		if got, err := find.Of(t.Context(), *user); got != want || err != nil {
			t.Errorf("%s is %s, %v; want %s", user.Name, got, err, want)
		}
	}
	entrance, err := store.Accounts.SignInAs(t.Context(),
		people.Identity{Issuer: "https://id", Subject: "1", Groups: []string{"sysadmin"}, GroupsKnown: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := find.Of(t.Context(), entrance.User); got != people.Admin || err != nil {
		t.Errorf("by a group of a provider: %s, %v", got, err)
	}
}

// TestProvedAndDisabledAtOnce: an account whose name the directory proves is looked at under that name at once, since
// the directory may have disabled it.
func TestProvedAndDisabledAtOnce(t *testing.T) {
	d := migratest.Copy(t)
	dir, err := directory.Parse([]byte("people:\n  alice: {mails: [alice@example.org], disabled: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(p func() people.People) *prefs.Store {
		return prefs.Open(prefs.Config{Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader, People: p,
			ClaimedNames: func() bool { return p == nil }})
	}
	alice, err := open(nil).Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
	if err != nil {
		t.Fatal(err)
	}
	store := open(func() people.People { return accounts.People{Snapshot: dir} })
	k := &accounts.Keeper{Accounts: store.Accounts, Directory: func() *directory.Snapshot { return dir },
		Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	exectest.Eventually(t, time.Minute, "alice is disabled", func() bool {
		now, err := store.Accounts.User(t.Context(), alice.ID)
		return err == nil && now.Proof == people.OfDirectory && now.Disabled != ""
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	if err := accounts.Defaults().Check(); err != nil {
		t.Error(err)
	}
	for problem, change := range map[string]func(*accounts.Settings){
		"names:":             func(s *accounts.Settings) { s.Names = "free" },
		"sign_up:":           func(s *accounts.Settings) { s.SignUp = "all" },
		"needs some in dom":  func(s *accounts.Settings) { s.SignUp = people.SignUpDomains },
		"needs some in grou": func(s *accounts.Settings) { s.SignUp = people.SignUpGroups },
		"domains:":           func(s *accounts.Settings) { s.Domains = []string{"a@b"} },
		"admins.names:":      func(s *accounts.Settings) { s.Admins.Names = []string{"a b"} },
		"invitations.keep:":  func(s *accounts.Settings) { s.Invited.Life = time.Second },
		"would give a role to whoever": func(s *accounts.Settings) {
			s.Names, s.Helpers.Names = accounts.Claimed, []string{"bob"}
		},
	} {
		s := accounts.Defaults()
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v, want %q", err, problem)
		}
	}
}
