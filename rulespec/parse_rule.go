package rulespec

import (
	"errors"

	"github.com/goccy/go-yaml/ast"

	"github.com/notifyd/notifyd/internal/yamltext"
)

// unread stands for a rule that could not be read: no kind has this name, so its filter is broken.
const unread = ""

// rule reads `kind: values`, `kind: {param: values}`, and either of them under `not`.
func (r *reader) rule(n ast.Node) Rule {
	e, ok := r.onlyEntry(n)
	if !ok {
		return Rule{Kind: unread}
	}
	if e.Key != "not" {
		return r.kindRule(e)
	}
	inner, ok := r.onlyEntry(e.Value)
	if !ok {
		return Rule{Kind: unread}
	}
	if inner.Key == "not" {
		r.wrong(inner.Position(), "`not` stands twice; leave both out")
		return Rule{Kind: unread}
	}
	rule := r.kindRule(inner)
	rule.Not = true
	return rule
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

// kindRule reads and checks one rule without its `not`.
func (r *reader) kindRule(e yamltext.Entry) Rule {
	rule := Rule{Kind: e.Key}
	kind := LookupRuleKind(e.Key)
	if kind == nil {
		r.wrongRule(e.Position(), e.Key, unknown("kind of rule", e.Key, ruleKindNames()))
		return rule
	}
	args, positions, ok := r.args(kind, e)
	if !ok {
		return Rule{Kind: unread}
	}
	rule.Args = args
	for _, err := range checkRule(r.env, rule) {
		var wrong *Error
		at := e.Position()
		if errors.As(err, &wrong) {
			if param, known := positions[wrong.Param]; known {
				at = param
			}
		}
		r.report(err, at)
	}
	return rule
}

// args reads a rule's arguments and the position of each.
func (r *reader) args(kind *RuleKind, e yamltext.Entry) (Args, map[string]yamltext.Position, bool) {
	if len(kind.Params) == 0 {
		if b, ok := e.Value.(*ast.BoolNode); ok && b.Value {
			return nil, nil, true
		}
		r.wrongRule(yamltext.PositionOf(e.Value), kind.Name, "takes no arguments: write `"+kind.Name+": true`")
		return nil, nil, false
	}
	before := len(r.errs)
	args, positions := Args{}, map[string]yamltext.Position{}
	if _, ok := e.Value.(ast.MapNode); ok {
		for _, param := range r.Mapping(e.Value, "") {
			args[param.Key], _ = r.values(param.Value)
			positions[param.Key] = param.Position()
		}
	} else {
		first := kind.Params[0].Name
		args[first], _ = r.values(e.Value)
		positions[first] = yamltext.PositionOf(e.Value)
	}
	return args, positions, len(r.errs) == before
}
