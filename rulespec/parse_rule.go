package rulespec

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// unread is the kind of a rule that could not be read. No kind has this name, so the filter is broken.
const unread = ""

// A ruleAt is where a rule is in the text.
type ruleAt struct {
	unread bool // the reason is reported already
	kind   yamltext.Position
	params map[string]yamltext.Position
}

// position returns that of a parameter, or that of the kind where the rule has no such parameter.
func (r ruleAt) position(param string) yamltext.Position {
	if at, ok := r.params[param]; ok {
		return at
	}
	return r.kind
}

// rule reads `kind: values`, `kind: {param: values}`, and either of them under `not`.
func (r *reader) rule(n ast.Node) (Rule, ruleAt) {
	before := len(r.errs)
	rule, at := r.readRule(n)
	if len(r.errs) > before {
		return Rule{Kind: unread}, ruleAt{unread: true}
	}
	return rule, at
}

// readRule reports what it cannot read. Then its results mean nothing.
func (r *reader) readRule(n ast.Node) (Rule, ruleAt) {
	e, ok := r.onlyEntry(n)
	if !ok {
		return Rule{}, ruleAt{}
	}
	if e.Key != "not" {
		return r.kindRule(e)
	}
	inner, ok := r.onlyEntry(e.Value)
	if !ok {
		return Rule{}, ruleAt{}
	}
	if inner.Key == "not" {
		r.wrong(inner.Position(), "`not` stands twice; leave both out")
		return Rule{}, ruleAt{}
	}
	rule, at := r.kindRule(inner)
	rule.Not = true
	return rule, at
}

func (r *reader) onlyEntry(n ast.Node) (yamltext.Entry, bool) {
	before := len(r.errs)
	entries := r.Mapping(n, "a rule is a mapping such as `package: bash`")
	if len(entries) > 1 {
		r.wrong(entries[1].Position(), "a rule has one key, its kind; begin each rule with a dash")
	}
	if len(entries) == 0 && len(r.errs) == before {
		r.wrong(yamltext.PositionOf(n), "this rule is empty")
	}
	if len(entries) != 1 {
		return yamltext.Entry{}, false
	}
	return entries[0], true
}

// kindRule reads one rule without its `not`. It does not read the arguments of an unknown kind.
func (r *reader) kindRule(e yamltext.Entry) (Rule, ruleAt) {
	rule, at := Rule{Kind: e.Key}, ruleAt{kind: e.Position(), params: map[string]yamltext.Position{}}
	kind := LookupRuleKind(e.Key)
	switch {
	case kind == nil:
		return rule, at
	case len(kind.Params) == 0:
		if b, ok := e.Value.(*ast.BoolNode); !ok || !b.Value {
			r.errs = append(r.errs, r.noArguments(kind, e))
		}
		return rule, at
	}
	if b, ok := e.Value.(*ast.BoolNode); ok && kind.Bare {
		if !b.Value {
			r.wrong(yamltext.PositionOf(e.Value), "write `not: {"+kind.Name+": true}`")
		}
		return rule, at
	}
	rule.Args = Args{}
	if _, ok := e.Value.(ast.MapNode); ok {
		for _, param := range r.Mapping(e.Value, "") {
			rule.Args[param.Key], _ = r.values(param.Value)
			at.params[param.Key] = param.Position()
		}
		if len(rule.Args) == 0 && kind.Bare {
			rule.Args = nil
		}
	} else {
		first := kind.Params[0].Name
		rule.Args[first], _ = r.values(e.Value)
		at.params[first] = yamltext.PositionOf(e.Value)
	}
	return rule, at
}

func (r *reader) noArguments(kind *RuleKind, e yamltext.Entry) *Error {
	at := yamltext.PositionOf(e.Value)
	return &Error{
		Filter: r.filter, Line: at.Line, Column: at.Column, Kind: kind.Name,
		Problem: "takes no arguments: write `" + kind.Name + ": true`",
	}
}
