package rulespec

import "github.com/notifyd/notifyd/rulespec/catalogue"

var kindKeyword = &RuleKind{
	Name:  "keyword",
	Title: "Sort of thing",
	Doc:   "What sort of thing the message tells, in one word for all applications; the catalogue says it of each kind.",
	Params: []Param{{
		Name: "name", Title: "Sort of thing", Many: true, Choices: keywords(),
		Doc: "What none of the words fits is other.",
	}},
	Compile: func(_ Env, args Args) (Predicate, error) {
		p := exactOne("keyword", args["name"], func(s *Subject) string { return string(s.Keyword) })
		p.Selectivity = selectivityOf(args["name"], selectivityAll/4)
		return p, nil
	},
	Sentence: func(args Args, not bool) string {
		about := make([]string, len(args["name"]))
		for i, name := range args["name"] {
			about[i] = catalogue.Keyword(name).Words()
		}
		return "the message " + is(not) + "about " + or(about)
	},
}

func keywords() []string {
	words := make([]string, len(catalogue.Keywords))
	for i, k := range catalogue.Keywords {
		words[i] = string(k)
	}
	return words
}
