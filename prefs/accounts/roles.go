package accounts

import "slices"

// A Role is what somebody may do beyond their own account.
type Role int

// A Helper reads what belongs to others, and explains it; an Admin changes it.
const (
	User Role = iota
	Helper
	Admin
)

// String returns the role as configuration and pages write it.
func (r Role) String() string { return [...]string{"user", "helper", "admin"}[r] }

// Roles says who has a role: people by their names, and the members of groups.
type Roles struct {
	Admins, Helpers Members
}

// Members are people by their names on the bus, and those in groups.
type Members struct {
	Names  []string `yaml:"names"`
	Groups []string `yaml:"groups"`
}

// Of returns the role of a person. name must be proved, or "": a name that somebody has chosen gives no role. groups
// are those that a provider or the directory says.
func (r Roles) Of(name string, groups []string) Role {
	switch {
	case r.Admins.has(name, groups):
		return Admin
	case r.Helpers.has(name, groups):
		return Helper
	}
	return User
}

// Names are all names that have a role. Nobody may choose one that looks like these.
func (r Roles) Names() []string { return slices.Concat(r.Admins.Names, r.Helpers.Names) }

// GroupsFor are the groups that count for a role of a person: those of the directory and of the identities, but none
// that is only known from before, because a provider did not say its groups when they signed in last. Unknown is not
// "no", and no reason to let somebody do more either.
func GroupsFor(directory []string, known []Known) []string {
	var groups, before []string
	for _, k := range known {
		if k.GroupsUnknown {
			before = append(before, k.Groups...)
		}
	}
	for _, g := range directory { // it has what providers have said, as the source signed-in
		if !slices.Contains(before, g) {
			groups = append(groups, g)
		}
	}
	for _, k := range known {
		if !k.GroupsUnknown {
			groups = append(groups, k.Groups...)
		}
	}
	return groups
}

func (m Members) has(name string, groups []string) bool {
	return name != "" && slices.Contains(m.Names, name) ||
		slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(m.Groups, g) })
}
