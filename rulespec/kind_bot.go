package rulespec

var kindBot = &RuleKind{
	Name:  "bot",
	Title: "A program did it",
	Doc: "Whoever did what the message is about is a program: the site's list of bots or one of its directories says so. " +
		"Where nobody did it, or where there is no list, no program did.",
	Compile: func(Env, Args) (Predicate, error) {
		return Predicate{
			Match: func(s *Subject) (bool, error) { return s.byBot(), nil },
			Why: func(s *Subject) string {
				if s.Actor == "" {
					return "nobody did it"
				}
				return "actor " + word(s.Actor)
			},
			Keys: []Key{{Field: fieldBot}}, Exact: true,
			Selectivity: selectivityAll, Cost: CostExact,
		}, nil
	},
	Sentence: func(_ Args, not bool) string {
		if not {
			return "no bot did it"
		}
		return "a bot did it"
	},
}

// byBot reports whether a program did what the message is about.
func (s *Subject) byBot() bool {
	return s.Directory != nil && s.Actor != "" && s.Directory.IsBot(s.Actor)
}
