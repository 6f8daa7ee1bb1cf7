package directory

import (
	"maps"
	"slices"
)

// A Change is one thing that has become different since a Snapshot was made.
type Change struct {
	// Package is whose owners change; or Group is whose members change.
	Package, Group string
	// Who is a person by name, or a group as "@" and its name, that owns a package.
	Who string
	// Role is what Who has in the package, or no longer has. Of a removal "" is every role.
	Role string
	Gone bool // Who is no longer it
	Only bool // nobody else has the role
}

// With returns a Snapshot that differs by changes. Packages and groups that it does not know stay unknown, and who is
// put into a group becomes no member of the groups that this group is in.
func (s *Snapshot) With(changes []Change) *Snapshot {
	if s == nil || len(changes) == 0 {
		return s
	}
	next := *s
	next.owners, next.members, next.groups = maps.Clone(s.owners), maps.Clone(s.members), maps.Clone(s.groups)
	for _, c := range changes {
		if before, known := next.owners[c.Package]; known && c.Package != "" {
			next.owners[c.Package] = changedOwners(before, c)
		}
		if before, known := next.members[c.Group]; known && c.Group != "" {
			next.members[c.Group] = changedNames(before, c.Who, c.Gone)
			next.groups[c.Who] = changedNames(next.groups[c.Who], c.Group, c.Gone)
		}
	}
	return &next
}

// changedOwners returns owners with a change, sorted by role as before.
func changedOwners(before []Owner, c Change) []Owner {
	after := slices.DeleteFunc(slices.Clone(before), func(o Owner) bool {
		return (c.Role == "" || o.Role == c.Role) && (c.Only || o.Name == c.Who)
	})
	if c.Gone || c.Who == "" {
		return after
	}
	at := slices.IndexFunc(after, func(o Owner) bool { return o.Role > c.Role })
	if at < 0 {
		at = len(after)
	}
	return slices.Insert(after, at, Owner{c.Who, c.Role})
}

// changedNames returns sorted names with one more, or without one.
func changedNames(before []string, name string, gone bool) []string {
	at, there := slices.BinarySearch(before, name)
	switch {
	case there && gone:
		return slices.Delete(slices.Clone(before), at, at+1)
	case !there && !gone:
		return slices.Insert(slices.Clone(before), at, name)
	}
	return before
}
