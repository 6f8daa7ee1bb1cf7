package rulespec

import (
	"fmt"
	"slices"
)

// errNoDirectory is the error of rules that need a directory where there is none.
var errNoDirectory = fmt.Errorf("%w: no directory is configured", ErrUnevaluable)

// persons returns names with @me replaced by the owner of the filter.
func persons(env Env, param string, names []string) ([]string, error) {
	if !slices.Contains(names, Me) {
		return names, nil
	}
	if env.Owner == "" {
		return nil, problem(param, "%s stands for the proved name of the filter's owner, and there is none", Me)
	}
	names = slices.Clone(names)
	for i, name := range names {
		if name == Me {
			names[i] = env.Owner
		}
	}
	return names, nil
}

// SaysMe reports whether a rule names its owner. Where the owner has no proved name, the rule is unknown.
func SaysMe(rules []Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		for _, values := range r.Args {
			if slices.Contains(values, Me) {
				return true
			}
		}
		kind := LookupRuleKind(r.Kind)
		return kind != nil && slices.ContainsFunc(kind.Params, func(p Param) bool {
			return p.Default == Me && len(r.Args[p.Name]) == 0
		})
	})
}

// missingGroups returns an error when dir does not know one of groups; dir may be nil.
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

// missingRoles returns an error when nobody owns anything in one of roles; dir may be nil.
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

// unsure returns why it cannot be said that somebody is not in a group, or does not own a package: missing, or a source
// of the directory that was not reached yet. nil: it can be said.
func unsure(missing error, dir Directory) error {
	if lacks := dir.Lacks(); missing == nil && len(lacks) > 0 {
		return problem("", "the directory has not reached its source %q yet", lacks[0])
	}
	return missing
}

// unevaluable makes an error of Match of what the directory lacks; nil for nothing.
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

// Has reports whether the subject's directory has one of the things that a Predicate Requires.
func (s *Subject) Has(need Key) bool {
	switch {
	case s.Directory == nil:
		return false
	case need.Field == fieldGroup:
		return s.Directory.HasGroup(need.Value)
	case need.Field == requireRole:
		return s.Directory.HasRole(need.Value)
	case need.Field == requireDirectory:
		return len(s.Directory.Lacks()) == 0
	}
	return true
}

// requires returns the Requires of a predicate that needs these groups and roles.
func requires(groups, roles []string) []Key {
	return slices.Concat([]Key{{Field: requireDirectory}}, keys(fieldGroup, groups), keys(requireRole, roles))
}
