// Package directory knows which people are in which group, who owns which package, by which other names people are
// known, and how they can be reached.
//
// Filters say "my packages" and "packages of my groups", and messages name people by nick, mail address or OpenID.
// Both need facts that are not in the messages. They come from where a community keeps them: a [Source] fetches [Facts]
// from one place, such as an owners' list on the web or an LDAP server, and [Merge] makes one [Snapshot] of all:
//
//	s := directory.Merge(directory.Policy{Bots: []string{"*bot"}},
//		directory.Part{Name: "file", Facts: ours},        // has precedence
//		directory.Part{Name: "dist-git", Facts: theirs},
//		directory.Part{Name: "fas", Facts: nil})          // not fetched yet: unknown
//	s.Groups("alice")                                     // [infra]
//
// A small site writes a YAML file, which [Parse] reads:
//
//	groups:
//	  infra: [carol, alice]
//	packages:
//	  bash: {owner: [alice], commit: [bob, "@infra"]}    # a role and its owners; @ names a group
//	accounts:
//	  ally@example.org: alice                            # another name of an account
//	people:
//	  alice: {mails: [alice@example.org], nicks: ["irc:/ally"]}
//
// To add a kind of source: a folder with a Driver, on the list in directory/all, whose test calls directorytest.Run.
//
// # What holds
//
//   - A [Snapshot] is immutable. A reader takes one and uses it for a whole message, so that it never sees half a
//     change.
//   - Unknown is not empty. A source that cannot be asked keeps its last good Facts; one that was never reached has
//     none, and what depends on it is unknown: nobody "owns nothing" because of it.
//   - A value with a mistake is refused whole. A group that loses its members for a minute would silence filters
//     without a trace.
//   - Groups are expanded when the Snapshot is made: a look-up takes one step, and rings do no harm.
//   - An alias leads to one account. Two would send one person's notices to another.
//   - Nothing is looked up while a message is matched: no network, no lock, no clock.
//
// # Large files
//
// A distribution has some hundred thousand packages, and the YAML parser takes about 250 bytes of memory for each
// byte of text. Parse therefore cuts a file between the entries of its sections and reads it in chunks. The cutter
// guesses by how lines begin. The tree of each chunk shows whether the guess was right. If one was wrong, the file is
// read whole.
package directory

import (
	"iter"
	"maps"
	"slices"
)

// A Snapshot is the directory at one moment. It never changes and is safe for concurrent use. Its slices must
// not be changed.
type Snapshot struct {
	members map[string][]string // of each group, sorted
	groups  map[string][]string // of each person, sorted
	owners  map[string][]Owner  // of each package, in the order of roles and then of the source
	roles   map[string]bool
	// accounts has the accounts by their other names: nicks, mail addresses, OpenIDs.
	accounts map[string]string
	people   map[string]Person
	bots     bots
	lacks    []string // sources without facts
}

// The bounds on a directory's file.
const (
	MaxFile = 32 << 20 // bytes
	MaxName = 256      // bytes of any name in it
)

// Groups returns the groups that user is a member of, sorted.
func (s *Snapshot) Groups(user string) []string { return s.groups[user] }

// Members returns the members of a group, sorted; none for an unknown group.
func (s *Snapshot) Members(group string) []string { return s.members[group] }

// HasGroup reports whether the group is known, with members or without.
func (s *Snapshot) HasGroup(group string) bool {
	_, known := s.members[group]
	return known
}

// HasRole reports whether some package lists the role, with owners or without.
func (s *Snapshot) HasRole(role string) bool { return s.roles[role] }

// Owners returns the owners of pkg with their roles, sorted by role: a person by name, a group as "@" and its name.
// An owner with two roles comes twice.
func (s *Snapshot) Owners(pkg string) iter.Seq2[string, string] {
	return func(yield func(name, role string) bool) {
		for _, o := range s.owners[pkg] {
			if !yield(o.Name, o.Role) {
				return
			}
		}
	}
}

// Accounts returns the account of each nick, mail address, OpenID URL and the like that the directory knows.
// Addresses and URLs are in small letters. A nil Snapshot has none. The map must not be changed.
func (s *Snapshot) Accounts() map[string]string {
	if s == nil {
		return nil
	}
	return s.accounts
}

// Known returns all packages, in no particular order.
func (s *Snapshot) Known() iter.Seq[string] { return maps.Keys(s.owners) }

// Packages returns the packages in which owner (a person, or a group as "@" and its name) has a role, sorted. It
// looks through all packages: it is for pages, not for matching.
func (s *Snapshot) Packages(name string) []string {
	var found []string
	for pkg, owners := range s.owners {
		if slices.ContainsFunc(owners, func(o Owner) bool { return o.Name == name }) {
			found = append(found, pkg)
		}
	}
	slices.Sort(found)
	return found
}
