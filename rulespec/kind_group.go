package rulespec

var kindGroup = &RuleKind{
	Name:  "group",
	Title: "Group",
	Doc:   "A member of a group has to do with the message in any way.",
	Params: []Param{{
		Name: "name", Title: "Group", Many: true,
		Doc: "The exact name of a group that the directory knows.",
	}},
	Compile: compileGroup,
	Missing: func(args Args, dir Directory) error {
		return missingGroups("name", args["name"], dir)
	},
	Sentence: func(args Args, not bool) string {
		if not {
			return "no member of " + either(args["name"]) + " is involved"
		}
		return "a member of " + either(args["name"]) + " is involved"
	},
}

func compileGroup(_ Env, args Args) (Predicate, error) {
	in := oneOf(args["name"])
	member := func(s *Subject) (user, group string, ok bool) {
		for _, user := range s.Users {
			for _, group := range s.Directory.Groups(user) {
				if in(group) {
					return user, group, true
				}
			}
		}
		return "", "", false
	}
	return Predicate{
		Match: func(s *Subject) (bool, error) {
			if s.Directory == nil {
				return false, errNoDirectory
			}
			if _, _, ok := member(s); ok {
				return true, nil
			}
			return false, unevaluable(unsure(missingGroups("name", args["name"], s.Directory), s.Directory))
		},
		Why: func(s *Subject) string {
			if s.Directory == nil {
				return listing("user", s.Users)
			}
			if user, group, ok := member(s); ok {
				return "user " + word(user) + " of group " + word(group)
			}
			return listing("user", s.Users)
		},
		Keys:        keys(fieldGroup, args["name"]),
		Exact:       true,
		Requires:    requires(args["name"], nil),
		Selectivity: selectivityOf(args["name"], 2*selectivityTopic),
		Cost:        CostExact,
	}, nil
}
