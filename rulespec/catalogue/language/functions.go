package language

import (
	"fmt"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Accounts is the hidden variable with what is known about accounts (*values.Accounts), for account, login and person.
// No variable of an entry can have such a name.
const Accounts = "$accounts"

// A function is one of expressions and sentences. All are total: a missing or strange argument is the empty value.
type function struct {
	Name     string
	Args     string // for the manual: "text, max"
	Doc      string // one sentence for the manual
	Min, Max int    // number of arguments; Max < 0: any
	Pattern  bool   // the second argument is a regular expression, compiled at load; expressions only
	Accounts bool   // gets what is known about accounts as a hidden first argument
	Variable bool   // a variable may have that name too

	call func(args ...any) (any, error)
}

// arity gives the problem with n arguments, "" for none.
func (f *function) arity(n int) string {
	if n >= f.Min && (n <= f.Max || f.Max < 0) {
		return ""
	}
	return fmt.Sprintf("%s takes (%s), not %d arguments", f.Name, f.Args, n)
}

func functionNamed(name string) *function {
	for i := range functions {
		if functions[i].Name == name {
			return &functions[i]
		}
	}
	return nil
}

// IsFunction says whether a function has that name, so that no variable may.
func IsFunction(name string) bool {
	f := functionNamed(name)
	return f != nil && !f.Variable
}

// The makers of functions from plain Go ones.

// ofText makes a function of a text: of nothing it is nothing.
func ofText(f func(string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		return f(values.Text(args[0])), nil
	}
}

// ofTexts makes a function of a text and another that says what to do with it: of nothing it is nothing.
func ofTexts(f func(a, b string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		if args[0] == nil {
			return nil, nil
		}
		return f(values.Text(args[0]), values.Text(args[1])), nil
	}
}

func ofValue(f func(any) any) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(args[0]), nil }
}

func ofValues(f func(a, b any) bool) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(args[0], args[1]), nil }
}

func ofCompared(f func(int) bool) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		order, ok := values.Compare(args[0], args[1])
		return ok && f(order), nil
	}
}

// optional gives argument i as a number, or otherwise.
func optional(args []any, i, otherwise int) int {
	if i < len(args) {
		if n, ok := values.Integer(args[i]); ok {
			return n
		}
	}
	return otherwise
}
