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
