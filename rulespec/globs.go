package rulespec

// globs are the patterns of one rule, of which one must match.
type globs struct {
	field string
	exact func(string) bool // those without a wildcard
	wild  []*glob
	names []string // the values without a wildcard; with no wild, they are index keys
}

func compileGlobs(param string, patterns []string) (*globs, error) {
	g := &globs{field: param}
	for _, pattern := range patterns {
		compiled, wrong := compileGlob(pattern)
		switch {
		case wrong != "":
			return nil, problem(param, "%q: %s", pattern, wrong)
		case compiled.parts == nil:
			g.names = append(g.names, pattern)
		default:
			g.wild = append(g.wild, compiled)
		}
	}
	g.exact = oneOf(g.names)
	return g, nil
}

// match reports whether one of the patterns matches name.
func (g *globs) match(name string) (bool, error) {
	if g.exact(name) {
		return true, nil
	}
	if len(g.wild) > 0 && len(name) > MaxName {
		return false, tooLong(g.field)
	}
	for _, w := range g.wild {
		if w.match(name) {
			return true, nil
		}
	}
	return false, nil
}

// predicate makes the predicate that one value of a field matches. It is exact where no pattern has a wildcard.
func (g *globs) predicate(field string, each int, get func(*Subject) []string) Predicate {
	g.field = field
	p := anyName(field, g.match, get)
	p.Search = &Search{Fields: []string{field}, Matches: g.match, Literals: g.literals()}
	p.Selectivity = max(selectivityPattern, each)
	if len(g.wild) == 0 {
		p.exact(field, g.names, each)
	}
	return p
}

// literals returns what each name that matches contains: of every pattern the longest run without a wildcard.
func (g *globs) literals() [][]string {
	set := make([]string, 0, len(g.names)+len(g.wild))
	for _, name := range g.names {
		set = append(set, string(Fold(nil, name)))
	}
	for _, w := range g.wild {
		longest := w.longest()
		if longest == "" {
			return nil
		}
		set = append(set, string(Fold(nil, longest)))
	}
	return [][]string{set}
}
