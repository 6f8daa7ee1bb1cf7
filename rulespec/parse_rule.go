package rulespec

import (
	"errors"

	"github.com/goccy/go-yaml/ast"
)

// unread stands for a rule that could not be read: no kind has this name, so its filter is broken.
const unread = ""

// rule reads `kind: values`, `kind: {param: values}`, and either of them under `not`.
func (r *reader) rule(n ast.Node) Rule {
	e, ok := r.onlyEntry(n)
	if !ok {
		return Rule{Kind: unread}
	}
	if e.key != "not" {
		return r.kindRule(e)
	}
	inner, ok := r.onlyEntry(e.value)
	if !ok {
		return Rule{Kind: unread}
	}
	if inner.key == "not" {
		r.wrong(inner.at, "`not` stands twice; leave both out")
		return Rule{Kind: unread}
	}
	rule := r.kindRule(inner)
	rule.Not = true
	return rule
}

func (r *reader) onlyEntry(n ast.Node) (entry, bool) {
	before := len(r.errs)
	entries := r.entries(n, "a rule is a mapping such as `package: bash`")
	if len(entries) > 1 {
		r.wrong(entries[1].at, "a rule has one key, its kind; begin each rule with a dash")
	}
	if len(entries) == 0 && len(r.errs) == before {
		r.wrong(placeOf(n), "this rule is empty")
	}
	if len(entries) != 1 {
		return entry{}, false
	}
	return entries[0], true
}

// kindRule reads and checks one rule without its `not`.
func (r *reader) kindRule(e entry) Rule {
	rule := Rule{Kind: e.key}
	kind := LookupRuleKind(e.key)
	if kind == nil {
		r.wrongRule(e.at, e.key, unknown("kind of rule", e.key, ruleKindNames()))
		return rule
	}
	args, places, ok := r.args(kind, e)
	if !ok {
		return Rule{Kind: unread}
	}
	rule.Args = args
	for _, err := range checkRule(r.env, rule) {
		var wrong *Error
		at := e.at
		if errors.As(err, &wrong) {
			if param, known := places[wrong.Param]; known {
				at = param
			}
		}
		r.place(err, at)
	}
	return rule
}

// args reads a rule's arguments and where each stands.
func (r *reader) args(kind *RuleKind, e entry) (Args, map[string]place, bool) {
	if len(kind.Params) == 0 {
		if b, ok := e.value.(*ast.BoolNode); ok && b.Value {
			return nil, nil, true
		}
		r.wrongRule(placeOf(e.value), kind.Name, "takes no arguments: write `"+kind.Name+": true`")
		return nil, nil, false
	}
	before := len(r.errs)
	args, places := Args{}, map[string]place{}
	if _, ok := e.value.(ast.MapNode); ok {
		for _, param := range r.entries(e.value, "") {
			args[param.key], _ = r.values(param.value)
			places[param.key] = param.at
		}
	} else {
		first := kind.Params[0].Name
		args[first], _ = r.values(e.value)
		places[first] = placeOf(e.value)
	}
	return args, places, len(r.errs) == before
}
