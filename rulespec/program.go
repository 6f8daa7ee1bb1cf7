package rulespec

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// CompileProgram makes a program of the Expression of a Search, for machines that find out only whether it matches.
// leading is literals of which, after Fold, every match begins with one; none: nothing is known.
func CompileProgram(expression string) (program *syntax.Prog, leading []string, err error) {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, nil, fmt.Errorf("parse expression: %w", err)
	}
	tree = tree.Simplify()
	if program, err = syntax.Compile(tree); err != nil {
		return nil, nil, fmt.Errorf("compile expression: %w", err)
	}
	if leading = leadingOf(tree); shortest(leading) < MinLiteral {
		leading = nil
	}
	return program, leading, nil
}

// joined gives one expression that matches what one of r does; "" where there is none. Each is written anew from what it
// means: as it stands, a \Q in it would quote what comes behind it.
func (r regexes) joined() string {
	if len(r) == 1 {
		return r[0].String()
	}
	all := make([]string, len(r))
	for i, one := range r {
		tree, err := syntax.Parse(one.String(), syntax.Perl)
		if err != nil {
			return ""
		}
		all[i] = "(?:" + tree.String() + ")"
	}
	return strings.Join(all, "|")
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
