package language

import (
	"github.com/expr-lang/expr/ast"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// loopStep gives the step of a predicate run over a list, which functions have bounded to values.MaxList elements.
func loopStep(n *ast.BuiltinNode) step {
	if len(n.Arguments) != 2 || n.Map != nil || n.Threshold != nil {
		return nil
	}
	predicate, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return nil
	}
	list, of := compileStep(n.Arguments[0]), compileStep(predicate.Node)
	if list == nil || of == nil {
		return nil
	}
	switch n.Name {
	case "map":
		return mapStep(list, of)
	case "filter":
		return filterStep(list, of)
	case "find":
		return findStep(list, of)
	}
	return quantifierStep(n.Name, list, of)
}

// each calls visit with each element and the value that of computes of it, until visit gives false.
func (sc *Scope) each(list, of step, visit func(element, v any) bool) {
	outer := sc.element
	elements, _ := list(sc).([]any)
	for _, e := range elements {
		if !sc.spend(1) {
			break // Eval makes it an error
		}
		sc.element = e
		if !visit(e, of(sc)) {
			break
		}
	}
	sc.element = outer
}

func mapStep(list, of step) step {
	return func(sc *Scope) any {
		var out []any
		sc.each(list, of, func(_, v any) bool {
			out = append(out, v)
			sc.steps += keepCost
			return true
		})
		return out
	}
}

func filterStep(list, of step) step {
	return func(sc *Scope) any {
		var out []any
		sc.each(list, of, func(e, v any) bool {
			if values.Truthy(v) {
				out = append(out, e)
				sc.steps += keepCost
			}
			return true
		})
		return out
	}
}

func findStep(list, of step) step {
	return func(sc *Scope) any {
		var found any
		sc.each(list, of, func(e, v any) bool {
			if values.Truthy(v) {
				found = e
				return false
			}
			return true
		})
		return found
	}
}

// quantifierStep counts the elements that hold, and answers by the count.
func quantifierStep(name string, list, of step) step {
	answers := map[string]func(held, all int) any{
		"all":   func(held, all int) any { return held == all },
		"any":   func(held, _ int) any { return held > 0 },
		"none":  func(held, _ int) any { return held == 0 },
		"one":   func(held, _ int) any { return held == 1 },
		"count": func(held, _ int) any { return held },
	}
	answer := answers[name]
	if answer == nil {
		return nil
	}
	return func(sc *Scope) any {
		held, all := 0, 0
		sc.each(list, of, func(_, v any) bool {
			all++
			if values.Truthy(v) {
				held++
			}
			return true
		})
		return answer(held, all)
	}
}
