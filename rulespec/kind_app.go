package rulespec

var kindApp = &RuleKind{
	Name:  "app",
	Title: "Application",
	Doc:   "The application that sent the message, such as bodhi.",
	Params: []Param{{
		Name: "name", Title: "Application", Many: true,
		Doc: "The exact name: mostly the fourth word of the topic.",
	}},
	Compile: func(_ Env, args Args) (Predicate, error) {
		p := exactOne("app", args["name"], func(s *Subject) string { return s.App })
		p.Selectivity = selectivityOf(args["name"], 4*selectivityTopic)
		return p, nil
	},
	Sentence: func(args Args, not bool) string {
		return "the application " + is(not) + either(args["name"])
	},
}
