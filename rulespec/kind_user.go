package rulespec

var kindUser = &RuleKind{
	Name:  "user",
	Title: "Person involved",
	Doc:   "A person who has to do with the message in any way: who did it, whom it was done to, who is mentioned.",
	Params: []Param{{
		Name: "name", Title: "Person", Many: true,
		Doc: "The exact name of an account; @me is yours.",
	}},
	Compile: func(env Env, args Args) (Predicate, error) {
		names, err := persons(env, "name", args["name"])
		if err != nil {
			return Predicate{}, err
		}
		return exactAny("user", names, func(s *Subject) []string { return s.Users }), nil
	},
	Sentence: func(args Args, not bool) string {
		return who(args["name"], not) + " involved"
	},
}
