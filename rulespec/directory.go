package rulespec

import (
	"fmt"
	"slices"
)

// errNoDirectory says that a rule asks a directory and there is none.
var errNoDirectory = fmt.Errorf("%w: no directory is configured", ErrUnevaluable)

// persons gives names with @me replaced by the owner of the filter.
func persons(env Env, param string, names []string) ([]string, error) {
	if !slices.Contains(names, Me) {
		return names, nil
	}
	if env.Owner == "" {
		return nil, problem(param, "%s stands for the owner of the filter, but the filter has none", Me)
	}
	names = slices.Clone(names)
	for i, name := range names {
		if name == Me {
			names[i] = env.Owner
		}
	}
	return names, nil
}

// missingGroups says which of groups the directory does not know; dir may be nil.
func missingGroups(param string, groups []string, dir Directory) error {
	if dir == nil {
		return problem("", "needs a directory, and none is configured")
	}
	for _, group := range groups {
		if !dir.HasGroup(group) {
			return problem(param, "the directory has no group %q", group)
		}
	}
	return nil
}

// missingRoles says in which of roles nobody owns anything; dir may be nil.
func missingRoles(param string, roles []string, dir Directory) error {
	if dir == nil {
		return problem("", "needs a directory, and none is configured")
	}
	for _, role := range roles {
		if !dir.HasRole(role) {
			return problem(param, "the directory has no role %q", role)
		}
	}
	return nil
}

// unevaluable makes a Match error of what a rule needs and the directory has not.
func unevaluable(missing error) error {
	if missing == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnevaluable, missing)
}

// The fields of a Predicate's Requires, beside fieldGroup.
const (
	requireDirectory = "directory"
	requireRole      = "role"
)

// Has says whether the subject has what a Predicate Requires.
func (s *Subject) Has(need Key) bool {
	switch {
	case s.Directory == nil:
		return false
	case need.Field == fieldGroup:
		return s.Directory.HasGroup(need.Value)
	case need.Field == requireRole:
		return s.Directory.HasRole(need.Value)
	}
	return true
}

// requires gives the Requires of a predicate that asks for these groups and roles.
func requires(groups, roles []string) []Key {
	return slices.Concat([]Key{{Field: requireDirectory}}, keys(fieldGroup, groups), keys(requireRole, roles))
}
