package rulespec

var kindPackageRegex = &RuleKind{
	Name:  "package_regex",
	Title: "Package (regular expression)",
	Doc:   "A package that the message is about, by a regular expression that is searched in its name.",
	Params: []Param{
		{Name: "pattern", Title: "Expression", Many: true, Searched: InNames,
			Doc: "RE2 syntax. ^ and $ tie it to the beginning and the end of the name."},
		paramCase,
	},
	Compile: compilePackageRegex,
	Sentence: func(args Args, not bool) string {
		if not {
			return "no package name matches " + slashed(args["pattern"])
		}
		return "a package name matches " + slashed(args["pattern"])
	},
}

func compilePackageRegex(_ Env, args Args) (Predicate, error) {
	regexes, err := compileRegexes(args)
	if err != nil {
		return Predicate{}, err
	}
	matches := func(name string) (bool, error) {
		if len(name) > MaxName {
			return false, tooLong("package")
		}
		return regexes.match(name), nil
	}
	p := anyName("package", matches, func(s *Subject) []string { return s.Packages })
	p.Search = regexes.search("package")
	// A name that is too long may have the literal and yet match nothing.
	p.Search.Matches, p.Search.Plain, p.Search.Expression = matches, false, ""
	p.Selectivity = selectivityPattern
	return p, nil
}
