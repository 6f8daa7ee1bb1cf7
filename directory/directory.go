// Package directory knows who is in which group, who owns which package, and by what other names people are known.
//
// It keeps snapshots: a reader gets one immutable Snapshot, and a source that fails leaves the last good one in place.
package directory

import (
	"iter"
	"maps"
	"slices"
)

// A Snapshot is the directory at one moment. It never changes and is safe for concurrent use. Whoever takes its slices
// must not change them either.
type Snapshot struct {
	members map[string][]string // of each group, sorted
	groups  map[string][]string // of each person, sorted
	owners  map[string][]owner  // of each package, in the order of roles and then of the file
	roles   map[string]bool
	// accounts has the accounts that people know by what else they are called: nicks, mail addresses, OpenIDs.
	accounts map[string]string
}

// An owner is a person, or a group as "@" and its name, in a role.
type owner struct{ name, role string }

// The bounds on a directory's file.
const (
	MaxFile = 32 << 20 // bytes
	MaxName = 256      // bytes of any name in it
)

// Groups gives the groups that user is a member of, sorted.
func (s *Snapshot) Groups(user string) []string { return s.groups[user] }

// Members gives the members of a group, sorted; none for a group that is not known.
func (s *Snapshot) Members(group string) []string { return s.members[group] }

// HasGroup says whether the group is known, with members or without.
func (s *Snapshot) HasGroup(group string) bool {
	_, known := s.members[group]
	return known
}

// HasRole says whether the role is known: whether some package lists it, with owners or without.
func (s *Snapshot) HasRole(role string) bool { return s.roles[role] }

// Owners gives who owns pkg, each with the role: a person by name, a group as "@" and its name. Sorted by role;
// somebody with two roles comes twice.
func (s *Snapshot) Owners(pkg string) iter.Seq2[string, string] {
	return func(yield func(name, role string) bool) {
		for _, o := range s.owners[pkg] {
			if !yield(o.name, o.role) {
				return
			}
		}
	}
}

// Accounts gives the account of each nick, mail address, OpenID URL and the like that the directory knows. Addresses
// and URLs are in small letters. A nil Snapshot has none. Whoever takes the map must not change it.
func (s *Snapshot) Accounts() map[string]string {
	if s == nil {
		return nil
	}
	return s.accounts
}

// Known gives all packages, in no particular order.
func (s *Snapshot) Known() iter.Seq[string] { return maps.Keys(s.owners) }

// Packages gives the packages in which owner (a person, or a group as "@" and its name) has a role, sorted. It looks
// through all packages: it is for pages, not for matching.
func (s *Snapshot) Packages(name string) []string {
	var found []string
	for pkg, owners := range s.owners {
		if slices.ContainsFunc(owners, func(o owner) bool { return o.name == name }) {
			found = append(found, pkg)
		}
	}
	slices.Sort(found)
	return found
}
