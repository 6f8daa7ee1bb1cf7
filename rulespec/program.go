package rulespec

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// CompileProgram makes a program of the Expression of a Search, for machines that find out only whether it matches; leading
// is what Search.Leading says of it.
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

// joined gives one expression that matches what one of r does.
func (r regexes) joined() string {
	if len(r) == 1 {
		return r[0].String()
	}
	var b strings.Builder
	for i, one := range r {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString("(?:" + one.String() + ")")
	}
	return b.String()
}
