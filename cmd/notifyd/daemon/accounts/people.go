package accounts

import (
	"context"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// People is the directory as accounts ask it; nil where none is configured.
type People struct{ *directory.Snapshot }

// Groups returns the groups of an account.
func (p People) Groups(name string) []string {
	if p.Snapshot == nil {
		return nil
	}
	return p.Snapshot.Groups(name)
}

// Person reports whether the directory has an account, and whether it calls it switched off.
func (p People) Person(name string) (there, disabled bool) {
	person, there := p.Snapshot.Person(name)
	return there, there && person.Disabled
}

// Whole reports whether there is a directory, and all its sources have answered.
func (p People) Whole() bool { return p.Snapshot != nil && len(p.Lacks()) == 0 }

// A RoleFinder finds what somebody may do beyond their own account.
type RoleFinder struct {
	Roles     func() accounts.Roles
	Directory func() *directory.Snapshot
	Accounts  *prefs.Accounts
}

// Of returns the role of a user: by the proved name, and by the groups that the directory or a provider says.
func (f RoleFinder) Of(ctx context.Context, u prefs.User) (accounts.Role, error) {
	roles := f.Roles()
	name := u.Me(false)
	var groups []string
	if name != "" {
		groups = People{f.Directory()}.Groups(name)
	}
	if role := roles.Of(name, groups); role == accounts.Admin || len(roles.Admins.Groups)+len(roles.Helpers.Groups) == 0 {
		return role, nil
	}
	known, err := f.Accounts.Identities(ctx, u.ID)
	for _, k := range known {
		groups = append(groups, k.Groups...)
	}
	return roles.Of(name, groups), err
}
