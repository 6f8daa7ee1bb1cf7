package rulespec

import "strings"

var kindTopic = &RuleKind{
	Name:  "topic",
	Title: "Topic",
	Doc:   "The whole topic of the message, as it came over the bus.",
	Params: []Param{{
		Name: "pattern", Title: "Topic", Many: true,
		Doc: "A topic or a pattern: * stands for any characters, dots too, ? for one character, [abc] for one of these. " +
			"*.git.receive is every topic that ends so.",
	}},
	Compile: compileTopic,
	Sentence: func(args Args, not bool) string {
		if not {
			return "the topic does not fit " + either(args["pattern"])
		}
		return "the topic fits " + either(args["pattern"])
	},
}

func compileTopic(_ Env, args Args) (Predicate, error) {
	for _, pattern := range args["pattern"] {
		// A filter for the whole bus must say so, by `everything`.
		if strings.Trim(pattern, "*") == "" {
			return Predicate{}, problem("pattern", "%q fits every message: write `everything: true`", pattern)
		}
	}
	globs, err := compileGlobs("pattern", args["pattern"])
	if err != nil {
		return Predicate{}, err
	}
	p := globs.predicate("topic", selectivityTopic, func(s *Subject) []string { return []string{s.Topic} })
	p.Match = func(s *Subject) (bool, error) { return globs.match(s.Topic) }
	return p, nil
}
