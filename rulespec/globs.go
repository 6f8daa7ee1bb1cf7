package rulespec

// globs are the patterns of one rule, of which one must fit.
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

// fit says whether one of the patterns fits name.
func (g *globs) fit(name string) (bool, error) {
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

// predicate makes the predicate of a field of which one value fits. Where no pattern has a wildcard it is exact.
func (g *globs) predicate(field string, get func(*Subject) []string) Predicate {
	g.field = field
	p := anyName(field, g.fit, get)
	if len(g.wild) == 0 {
		p.Keys, p.Cost = keys(field, g.names), CostExact
	}
	return p
}
