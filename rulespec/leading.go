package rulespec

import "regexp/syntax"

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
