package rulespec

var kindPackage = &RuleKind{
	Name:  "package",
	Title: "Package",
	Doc:   "A package that the message is about.",
	Params: []Param{{
		Name: "name", Title: "Package", Many: true,
		Doc: "A name or a pattern: * stands for any characters, ? for one, [abc] for one of these. " +
			"python-* is every package whose name begins so, * any message about a package.",
	}},
	Compile: func(_ Env, args Args) (Predicate, error) {
		globs, err := compileGlobs("name", args["name"])
		if err != nil {
			return Predicate{}, err
		}
		return globs.predicate("package", selectivityName, func(s *Subject) []string { return s.Packages }), nil
	},
	Sentence: func(args Args, not bool) string {
		if not {
			return "no package is " + either(args["name"])
		}
		return "a package is " + either(args["name"])
	},
}
