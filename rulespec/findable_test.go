package rulespec_test

import (
	"strings"
	"testing"

	"github.com/notifyd/notifyd/rulespec"
)

// An expression that says nothing about what a text has needs a rule beside it that narrows.
func TestExpressionsThatCannotBeFound(t *testing.T) {
	regex := func(pattern string, not bool) rulespec.Rule {
		return rulespec.Rule{Kind: "regex", Args: rulespec.Args{"pattern": {pattern}}, Not: not}
	}
	everything := rulespec.Rule{Kind: "everything"}
	app := rulespec.Rule{Kind: "app", Args: rulespec.Args{"name": {"git"}}}
	severe := rulespec.Rule{Kind: "severity", Args: rulespec.Args{"least": {"info"}}}
	for name, test := range map[string]struct {
		rules   []rulespec.Rule
		refused bool
	}{
		"a word":                   {[]rulespec.Rule{regex("urgent", false)}, false},
		"no literal":               {[]rulespec.Rule{regex(`[a-z]+\d`, false)}, true},
		"beside an application":    {[]rulespec.Rule{app, regex(`[a-z]+\d`, false)}, false},
		"beside another, a word":   {[]rulespec.Rule{regex("urgent", false), regex(`[a-z]+\d`, false)}, false},
		"beside everything":        {[]rulespec.Rule{everything, regex(`[a-z]+\d`, false)}, true},
		"beside a severity":        {[]rulespec.Rule{severe, regex("ab", false)}, true},
		"under not, of everything": {[]rulespec.Rule{everything, regex(`[a-z]+\d`, true)}, true},
		"a word under not":         {[]rulespec.Rule{everything, regex("urgent", true)}, false},
	} {
		errs := rulespec.Check(rulespec.Env{}, rulespec.Filter{Owner: "alice", Rules: test.rules})
		if refused := len(errs) > 0; refused != test.refused {
			t.Errorf("%s: refused %v, want %v: %v", name, refused, test.refused, errs)
		}
		if len(errs) > 0 && !strings.Contains(errs[0].Error(), "every message would have to be searched") {
			t.Errorf("%s: %v", name, errs[0])
		}
	}
}
