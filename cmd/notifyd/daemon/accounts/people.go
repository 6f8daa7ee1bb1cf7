package accounts

import (
	"context"
	"net"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// People is the directory as accounts ask it; nil where none is configured.
type People struct {
	*directory.Snapshot
	Backends func() []backends.Info // that are configured; nil: nobody is asked where people can be reached
	Sure     func(backend string) bool
}

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

// The backends whose addresses the directory has.
const (
	mailBackend = "email"
	ircBackend  = "irc"
)

// Reach returns where the directory says that an account can be reached. An address that is another person's too, or
// that the backend does not take, is not among them. What a private person hides is not known.
func (p People) Reach(name string) (list []accounts.Reach) {
	person, there := p.Snapshot.Person(name)
	if !there || person.Disabled || p.Backends == nil {
		return nil
	}
	for _, b := range p.Backends() {
		var found []string
		switch {
		case b.Name == mailBackend && isKnown(person.Mails, person.Private):
			found = p.mails(name, person, b)
		case b.Name == ircBackend && isKnown(person.Nicks, person.Private):
			found = p.nicks(name, person, b)
		default:
			continue
		}
		list = append(list, accounts.Reach{Backend: b.Name, Addresses: found, Sure: p.Sure != nil && p.Sure(b.Name)})
	}
	return list
}

func isKnown[T any](list []T, private bool) bool { return list != nil && (!private || len(list) > 0) }

func (p People) mails(name string, person directory.Person, b backends.Info) (found []string) {
	for _, mail := range person.Mails {
		address, err := b.CheckAddress(mail)
		same := accounts.Reach{Addresses: found}
		if err == nil && p.AccountOf(mail) == name && !same.Has(address) {
			found = append(found, address)
		}
	}
	return found
}

func (p People) nicks(name string, person directory.Person, b backends.Info) (found []string) {
	for _, nick := range person.Nicks {
		address := ircAddress(nick, b)
		if address != "" && !slices.Contains(found, address) && !p.isOfOthers(name, nick, address, b) {
			found = append(found, address)
		}
	}
	return found
}

// isOfOthers reports whether somebody else has a nick, too. It looks at all people: it is for pages, not for matching.
func (p People) isOfOthers(name string, nick directory.Nick, address string, b backends.Info) bool {
	same := func(other directory.Nick) bool {
		return strings.EqualFold(other.Name, nick.Name) && ircAddress(other, b) == address
	}
	for who, person := range p.People() {
		if who != name && slices.ContainsFunc(person.Nicks, same) {
			return true
		}
	}
	return false
}

// ircAddress is the address of a nick, "" where its network is none of ours, or not said.
func ircAddress(nick directory.Nick, b backends.Info) string {
	if nick.Protocol != directory.IRC || nick.Server == "" {
		return ""
	}
	host := nick.Server
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := b.CheckAddress(nick.Name + "@" + host)
	if err != nil {
		return ""
	}
	return address
}

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
		groups = People{Snapshot: f.Directory()}.Groups(name)
	}
	if role := roles.Of(name, nil); role == accounts.Admin || len(roles.Admins.Groups)+len(roles.Helpers.Groups) == 0 {
		return role, nil
	}
	known, err := f.Accounts.Identities(ctx, u.ID)
	if err != nil {
		return roles.Of(name, nil), err
	}
	return roles.Of(name, accounts.GroupsFor(groups, known)), nil
}
