package rulespec

var kindKind = &RuleKind{
	Name:  "kind",
	Title: "Kind of message",
	Doc:   "The kind of message, by the name it has in the catalogue, such as buildsys.build.failed.",
	Params: []Param{{
		Name: "name", Title: "Kind", Many: true,
		Doc: "The exact name of a kind, as the catalogue has it.",
	}},
	Compile: compileKind,
	Sentence: func(args Args, not bool) string {
		return "the kind of message " + is(not) + either(args["name"])
	},
}

func compileKind(env Env, args Args) (Predicate, error) {
	for _, name := range args["name"] {
		if env.KnowsKind != nil && !env.KnowsKind(name) {
			return Predicate{}, problem("name", "the catalogue has no kind of message %q", name)
		}
	}
	p := exactOne("kind", args["name"], func(s *Subject) string { return s.Kind })
	plain := p.Why
	p.Why = func(s *Subject) string {
		if s.KindName == "" {
			return plain(s)
		}
		return plain(s) + ", " + quoted(s.KindName)
	}
	return p, nil
}
