package rulespec

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// CompileProgram makes a program of the Expression of a Search, for automata that decide only whether it matches. Every
// match begins, after Fold, with one of leading; none: nothing is known.
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

// joined returns one expression that matches what any of r matches; "" where there is none. Each is printed from its
// syntax tree, because a \Q as it is written would quote the expressions behind it.
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

// leadingOf returns the literals that a match of a tree begins with. They may be too short to look up.
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
