package rulespec

var kindEverything = &RuleKind{
	Name:  "everything",
	Title: "Everything",
	Doc:   "Holds for every message. It is what a filter needs that names only what it does not want.",
	Compile: func(Env, Args) (Predicate, error) {
		return Predicate{
			Match:       func(*Subject) (bool, error) { return true, nil },
			Why:         func(*Subject) string { return "every message" },
			Keys:        []Key{{Field: fieldEverything}},
			Exact:       true,
			Selectivity: selectivityAll,
			Cost:        CostExact,
		}, nil
	},
	Sentence: func(_ Args, not bool) string {
		if not {
			return "nothing happens"
		}
		return "anything happens"
	},
}
