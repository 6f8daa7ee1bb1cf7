package rulespec

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// MinLiteral is the length, in bytes after Fold, from which on an index can look a literal up.
const MinLiteral = 3

// maxLiterals bounds a set of literals, and the number of sets: [ab][cd][ef] alone makes eight.
const maxLiterals = 16

// required is what each text that matches an expression contains after Fold.
type required struct {
	exact []string   // not nil: the whole match is one of these
	sets  [][]string // else one of each set, as in Search.Literals
}

// requiredOf finds the literals in a simplified syntax tree, as in R. Cox, "Regular Expression Matching with a Trigram
// Index" (2012).
func requiredOf(re *syntax.Regexp) required {
	switch re.Op {
	case syntax.OpLiteral:
		return required{exact: []string{string(Fold(nil, string(re.Rune)))}}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return required{exact: []string{""}}
	case syntax.OpCharClass:
		return requiredOfClass(re.Rune)
	case syntax.OpCapture:
		return requiredOf(re.Sub[0])
	case syntax.OpPlus:
		return required{sets: requiredOf(re.Sub[0]).asSets()}
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required{sets: requiredOf(re.Sub[0]).asSets()}
		}
	case syntax.OpQuest:
		if inner := requiredOf(re.Sub[0]); inner.exact != nil && len(inner.exact) < maxLiterals {
			return required{exact: append(slices.Clone(inner.exact), "")}
		}
	case syntax.OpAlternate:
		return requiredOfAny(re.Sub)
	case syntax.OpConcat:
		return requiredOfAll(re.Sub)
	}
	return required{}
}

// requiredOfClass lists the members of a class of few characters, such as a letter in both cases.
func requiredOfClass(ranges []rune) required {
	var members []string
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= maxLiterals {
			return required{}
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			members = append(members, string(Fold(nil, string(r))))
		}
	}
	slices.Sort(members)
	if members = slices.Compact(members); len(members) == 0 || len(members) > maxLiterals {
		return required{}
	}
	return required{exact: members}
}

// requiredOfAny joins alternatives: a text that matches contains what one of them requires.
func requiredOfAny(subs []*syntax.Regexp) required {
	var exact, set []string
	whole, known := true, true
	for _, sub := range subs {
		r := requiredOf(sub)
		if r.exact == nil {
			whole = false
		}
		exact = append(exact, r.exact...)
		best := longest(r.asSets())
		known = known && best != nil
		set = append(set, best...)
	}
	switch {
	case whole && len(exact) <= maxLiterals:
		return required{exact: exact}
	case !known || len(set) > maxLiterals:
		return required{}
	}
	return required{sets: [][]string{set}}
}

// requiredOfAll joins a sequence: neighbours that are exact become one literal, each of the others has its own.
func requiredOfAll(subs []*syntax.Regexp) required {
	run, all := []string{""}, required{}
	exact := true
	for _, sub := range subs {
		r := requiredOf(sub)
		if r.exact != nil && len(run)*len(r.exact) <= maxLiterals {
			run = product(run, r.exact)
			continue
		}
		exact = false
		all.sets = append(all.sets, required{exact: run}.asSets()...)
		run = []string{""}
		if r.exact != nil {
			run = r.exact
			continue
		}
		all.sets = append(all.sets, r.sets...)
	}
	if exact {
		return required{exact: run}
	}
	all.sets = append(all.sets, required{exact: run}.asSets()...)
	all.sets = all.sets[:min(len(all.sets), maxLiterals)]
	return all
}

func product(heads, tails []string) []string {
	all := make([]string, 0, len(heads)*len(tails))
	for _, head := range heads {
		for _, tail := range tails {
			all = append(all, head+tail)
		}
	}
	return all
}

// asSets returns the sets, also of what is exact. A set with a literal that is too short to look up is left out.
func (r required) asSets() [][]string {
	if r.exact == nil {
		return r.sets
	}
	if shortest(r.exact) < MinLiteral {
		return nil
	}
	return [][]string{r.exact}
}

// longest returns the set whose shortest literal is longest, nil where there is no set.
func longest(sets [][]string) []string {
	var best []string
	for _, set := range sets {
		if best == nil || shortest(set) > shortest(best) {
			best = set
		}
	}
	return best
}

func shortest(set []string) int {
	n := -1
	for _, s := range set {
		if n < 0 || len(s) < n {
			n = len(s)
		}
	}
	return max(n, 0)
}

// isPlain reports whether a tree matches its literals, in upper or lower case, and requires nothing else.
func isPlain(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return !slices.ContainsFunc(re.Rune, func(r rune) bool {
			return r == utf8.RuneError || re.Flags&syntax.FoldCase == 0 && unicode.SimpleFold(r) != r
		})
	case syntax.OpCapture, syntax.OpConcat, syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !isPlain(sub) })
	}
	return false
}

// search makes the Search of expressions over the given fields.
func (r regexes) search(fields ...string) *Search {
	matches := func(text string) (bool, error) { return r.match(text), nil }
	s := &Search{Fields: fields, Matches: matches, Plain: true, Expression: r.joined()}
	var set []string
	for _, one := range r {
		tree, err := syntax.Parse(one.String(), syntax.Perl)
		if err != nil {
			return &Search{Fields: fields, Matches: s.Matches, Expression: s.Expression}
		}
		tree = tree.Simplify()
		need := requiredOf(tree)
		s.Plain = s.Plain && need.exact != nil && isPlain(tree)
		s.Literals = need.asSets()
		set = append(set, longest(s.Literals)...)
		if len(s.Literals) == 0 || len(set) > 4*maxLiterals {
			return &Search{Fields: fields, Matches: s.Matches, Expression: s.Expression}
		}
	}
	if len(r) > 1 {
		s.Literals = [][]string{set}
	}
	return s
}

// selectivityOfSearch returns selectivityAll where no literals are known, because every text must be searched then.
func selectivityOfSearch(s *Search) int {
	if s.Literals == nil {
		return selectivityAll
	}
	return selectivityText
}
