package rulespec

var kindActor = &RuleKind{
	Name:  "actor",
	Title: "Person who did it",
	Doc:   "The person who did what the message is about. Unlike \"person involved\" this is one person at most.",
	Params: []Param{{
		Name: "name", Title: "Person", Many: true,
		Doc: "The exact name of an account; @me is yours.",
	}},
	Compile: func(env Env, args Args) (Predicate, error) {
		names, err := persons(env, "name", args["name"])
		if err != nil {
			return Predicate{}, err
		}
		p := exactOne("actor", names, func(s *Subject) string { return s.Actor })
		p.Selectivity = selectivityOf(names, selectivityName)
		return p, nil
	},
	Sentence: func(args Args, not bool) string {
		return who(args["name"], not) + " the one who did it"
	},
}
