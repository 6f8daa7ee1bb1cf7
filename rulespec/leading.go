package rulespec

import (
	"regexp"
	"regexp/syntax"
	"sync"
	"unicode/utf8"
)

// leading gives literals, long enough to be found, of which every match of the expression begins with one; nil when it
// is not known.
func leading(r *regexp.Regexp) []string {
	tree, err := syntax.Parse(r.String(), syntax.Perl)
	if err != nil {
		return nil
	}
	run := leadingOf(tree.Simplify())
	if shortest(run) < MinLiteral {
		return nil
	}
	return run
}

// leadingOf gives the literals that a match of a tree begins with, perhaps too short ones.
func leadingOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return leadingOf(re.Sub[0])
	case syntax.OpConcat:
		run := []string{""}
		for _, sub := range re.Sub {
			exact := requiredOf(sub).exact
			if exact == nil {
				if len(run) == 1 && run[0] == "" { // nothing but the edges of words and lines before it
					return leadingOf(sub)
				}
				return run
			}
			if len(run)*len(exact) > maxLiterals {
				return run
			}
			run = product(run, exact)
		}
		return run
	}
	return requiredOf(re).exact
}

// from makes the function that says whether a match begins at a place. It gives the expression the character before the
// place too: whether a word or a line begins there depends on it.
func from(r *regexp.Regexp) func(text string, at int) bool {
	var once sync.Once
	var first, later *regexp.Regexp
	return func(text string, at int) bool {
		once.Do(func() {
			first = regexp.MustCompile(`\A(?:` + r.String() + `)`)
			later = regexp.MustCompile(`\A(?s:.)(?:` + r.String() + `)`)
		})
		if at == 0 {
			return first.MatchString(text)
		}
		_, size := utf8.DecodeLastRuneInString(text[:at])
		return later.MatchString(text[at-size:])
	}
}
