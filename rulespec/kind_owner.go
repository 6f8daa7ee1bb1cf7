package rulespec

import (
	"slices"
	"strings"
)

var kindOwner = &RuleKind{
	Name:  "owner",
	Title: "Package owner",
	Doc:   "A package that the message is about belongs to a person or a group, as the directory has it.",
	Params: []Param{
		{Name: "user", Title: "Person", Many: true, Optional: true, Doc: "The exact name of an account; @me is yours."},
		{Name: "group", Title: "Group", Many: true, Optional: true,
			Doc: "The exact name of a group that the directory knows."},
		{Name: "role", Title: "Role", Many: true, Optional: true,
			Doc: "In which role, in the directory's words, such as owner or commit. Without it: any."},
		{Name: "via", Title: "How a person owns it", Optional: true, Choices: []string{viaPerson, viaGroup},
			Doc: "person: the package names the person; group: it names a group the person is in. Without it: either."},
	},
	Compile: compileOwner,
	Missing: func(args Args, dir Directory) error {
		if err := missingGroups("group", args["group"], dir); err != nil {
			return err
		}
		return missingRoles("role", args["role"], dir)
	},
	Sentence: sentenceOwner,
}

const (
	viaPerson = "person"
	viaGroup  = "group"
)

// An ownership is a compiled owner rule.
type ownership struct {
	users []string
	user  func(string) bool
	group func(string) bool
	role  func(string) bool // nil: any role
	via   string
}

func compileOwner(env Env, args Args) (Predicate, error) {
	if len(args["user"]) == 0 && len(args["group"]) == 0 {
		return Predicate{}, problem("user", "neither a user nor a group is named; your own packages are `owner: \"@me\"`")
	}
	if len(args["via"]) > 0 && len(args["user"]) == 0 {
		return Predicate{}, problem("via", "says how a user owns a package, but no user is named")
	}
	users, err := persons(env, "user", args["user"])
	if err != nil {
		return Predicate{}, err
	}
	o := ownership{users: users, user: oneOf(users), group: oneOf(args["group"]), via: strings.Join(args["via"], "")}
	if len(args["role"]) > 0 {
		o.role = oneOf(args["role"])
	}
	return Predicate{
		Match: func(s *Subject) (bool, error) {
			if s.Directory == nil {
				return false, errNoDirectory
			}
			if _, _, _, ok := o.find(s); ok {
				return true, nil
			}
			if err := missingGroups("group", args["group"], s.Directory); err != nil {
				return false, unevaluable(err)
			}
			return false, unevaluable(unsure(missingRoles("role", args["role"], s.Directory), s.Directory))
		},
		Why: func(s *Subject) string {
			if s.Directory != nil {
				if pkg, owner, role, ok := o.find(s); ok {
					return "package " + word(pkg) + " of " + word(owner) + " (" + word(role) + ")"
				}
			}
			return listing("package", s.Packages)
		},
		Keys:        slices.Concat(keys(fieldOwner, users), keys(fieldOwnerGroup, args["group"])),
		Exact:       o.role == nil && o.via == "",
		Names:       true,
		Requires:    requires(args["group"], args["role"]),
		Selectivity: selectivityOf(users, 2*selectivityName) + len(args["group"])*selectivityPattern,
		Cost:        CostPattern,
	}, nil
}

// find returns the first package that is owned as the rule asks, its owner and the owner's role.
func (o *ownership) find(s *Subject) (pkg, owner, role string, ok bool) {
	for _, pkg := range s.Packages {
		for owner, role := range s.Directory.Owners(pkg) {
			if (o.role == nil || o.role(role)) && o.covers(owner, s.Directory) {
				return pkg, owner, role, true
			}
		}
	}
	return "", "", "", false
}

// owners yields everybody who owns a package of the subject, in person or through a group.
func (s *Subject) owners(yield func(string) bool) {
	if s.Directory == nil {
		return
	}
	for _, pkg := range s.Packages {
		for owner := range s.Directory.Owners(pkg) {
			if group, isGroup := strings.CutPrefix(owner, "@"); !isGroup {
				if !yield(owner) {
					return
				}
			} else {
				for _, member := range s.Directory.Members(group) {
					if !yield(member) {
						return
					}
				}
			}
		}
	}
}

// ownerGroups yields the groups that own a package of the subject.
func (s *Subject) ownerGroups(yield func(string) bool) {
	if s.Directory == nil {
		return
	}
	for _, pkg := range s.Packages {
		for owner := range s.Directory.Owners(pkg) {
			if group, isGroup := strings.CutPrefix(owner, "@"); isGroup && !yield(group) {
				return
			}
		}
	}
}

func (o *ownership) covers(owner string, dir Directory) bool {
	group, isGroup := strings.CutPrefix(owner, "@")
	if !isGroup {
		return o.via != viaGroup && o.user(owner)
	}
	if o.group(group) {
		return true
	}
	if o.via == viaPerson {
		return false
	}
	for _, user := range o.users {
		if slices.Contains(dir.Groups(user), group) {
			return true
		}
	}
	return false
}

func sentenceOwner(args Args, not bool) string {
	owners := you(args["user"])
	for _, group := range args["group"] {
		owners = append(owners, "the group "+word(group))
	}
	s := "a package belongs to " + or(owners)
	if not {
		s = "no package belongs to " + or(owners)
	}
	switch strings.Join(args["via"], "") {
	case viaPerson:
		s += " in person"
	case viaGroup:
		s += " through a group"
	}
	if roles := args["role"]; len(roles) > 0 {
		s += " as " + either(roles)
	}
	return s
}
