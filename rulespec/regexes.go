package rulespec

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync/atomic"
)

const caseSensitive = "sensitive"

// paramCase is the parameter that the kinds with regular expressions share.
var paramCase = Param{
	Name: "case", Title: "Upper and lower case", Optional: true, Choices: []string{"insensitive", caseSensitive},
	Doc: "Without it: insensitive.",
}

// regexes are the expressions of one rule, of which one must match somewhere in a text.
type regexes []*regex

// A regex is an expression that is known to be right. It is compiled when it is first needed: of millions of
// expressions most never meet a text that has their literals, and compiled they take ten times the memory.
type regex struct {
	pattern  string
	compiled atomic.Pointer[regexp.Regexp]
}

// String returns the expression.
func (r *regex) String() string { return r.pattern }

func (r *regex) get() *regexp.Regexp {
	known := r.compiled.Load()
	if known == nil {
		known = regexp.MustCompile(r.pattern) // parsed and compiled to a program before: see compilePattern
		r.compiled.Store(known)
	}
	return known
}

// compileRegexes compiles the parameter pattern as the parameter case asks.
func compileRegexes(args Args) (regexes, error) {
	fold := !slices.Contains(args["case"], caseSensitive)
	var compiled regexes
	for _, pattern := range args["pattern"] {
		r, wrong := compilePattern(pattern, fold)
		if wrong != "" {
			return nil, problem("pattern", "%q: %s", pattern, wrong)
		}
		compiled = append(compiled, r)
	}
	return compiled, nil
}

// compilePattern checks one pattern, which must stay within MaxProgram; wrong describes what is wrong with it.
func compilePattern(pattern string, fold bool) (r *regex, wrong string) {
	if strings.HasPrefix(pattern, "(i?)") {
		return nil, "(i?) is an optional letter i; the flag is (?i), and it is not needed: " +
			"upper and lower case are the same unless the rule says `case: sensitive`"
	}
	flags := syntax.Perl
	if fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(pattern, flags)
	if err != nil {
		return nil, regexProblem(pattern, err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, regexProblem(pattern, err)
	}
	if len(program.Inst) > MaxProgram {
		return nil, fmt.Sprintf("the expression is too large: it takes %d instructions, and %d are allowed; "+
			"counted repeats such as {100} make it grow", len(program.Inst), MaxProgram)
	}
	if fold {
		pattern = "(?i)" + pattern
	}
	return &regex{pattern: pattern}, ""
}

// regexProblem describes what is wrong with a pattern, with a hint where it is right in another dialect.
func regexProblem(pattern string, err error) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	for _, mistake := range dialects {
		if strings.Contains(e.Expr, mistake.has) {
			return mistake.hint
		}
	}
	switch e.Code {
	case syntax.ErrMissingRepeatArgument:
		return "nothing stands before " + quoted(e.Expr) + " that it could repeat; " +
			"any characters are .* and a star that stands for itself is \\*"
	case syntax.ErrMissingParen:
		return "a ( has no ); one that stands for itself is \\("
	case syntax.ErrUnexpectedParen:
		return "a ) has no (; one that stands for itself is \\)"
	case syntax.ErrMissingBracket:
		return "a [ has no ]; one that stands for itself is \\["
	case syntax.ErrTrailingBackslash:
		return "a \\ stands at the end; one that stands for itself is \\\\"
	case syntax.ErrInvalidRepeatSize, syntax.ErrLarge, syntax.ErrNestingDepth:
		return "the expression is too large; counted repeats such as {100} make it grow"
	}
	return string(e.Code) + ": " + quoted(e.Expr)
}

// dialects are what other dialects of regular expressions have and RE2 lacks, by what the parser's error quotes.
var dialects = []struct{ has, hint string }{
	{"(?=", "RE2 cannot look ahead; several rules in one filter must all hold, in any order"},
	{"(?!", "RE2 cannot look ahead; say what must not be there in a rule of its own, under `not`"},
	{"(?<=", "RE2 cannot look behind; several rules in one filter must all hold"},
	{"(?<!", "RE2 cannot look behind; say what must not be there in a rule of its own, under `not`"},
	{"(?#", "RE2 has no comments in expressions"},
	{"(?>", "RE2 has no atomic groups and needs none: it never backtracks; write (?: instead"},
	{`\Z`, `the end of the text is \z`},
	{`\1`, "RE2 cannot refer back to a group"},
	{`\2`, "RE2 cannot refer back to a group"},
	{`\<`, `the edge of a word is \b`},
	{`\>`, `the edge of a word is \b`},
	{`\h`, `a blank is [ \t]`},
}

func (r regexes) match(text string) bool {
	for _, one := range r {
		if one.get().MatchString(text) {
			return true
		}
	}
	return false
}

// find returns the part of text that the first expression matches.
func (r regexes) find(text string) (string, bool) {
	for _, one := range r {
		if at := one.get().FindStringIndex(text); at != nil {
			return text[at[0]:at[1]], true
		}
	}
	return "", false
}
