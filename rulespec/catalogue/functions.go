package catalogue

import "fmt"

// The bounds on what functions hand out.
const (
	maxList = 1000     // elements of a list; more are not looked at
	maxText = 16 << 10 // bytes of a string
)

// accountsName is the hidden variable that holds the map of accounts. No name of a catalogue can be like it.
const accountsName = "$accounts"

// A Function is a function of expressions and sentences. All are total: a missing or strange argument is the empty value.
type Function struct {
	Name     string
	Args     string // for the manual: "text, max"
	Doc      string // one sentence for the manual
	Min, Max int    // number of arguments; Max < 0: any
	Pattern  bool   // the second argument is a regular expression, compiled at load; expressions only
	Accounts bool   // gets the map of accounts as a hidden first argument; expressions only

	call func(args ...any) (any, error)
}

// arity says what is wrong with n arguments, or "".
func (f *Function) arity(n int) string {
	if n >= f.Min && (n <= f.Max || f.Max < 0) {
		return ""
	}
	return fmt.Sprintf("%s takes (%s), not %d arguments", f.Name, f.Args, n)
}

func functionNamed(name string) *Function {
	for i := range functions {
		if functions[i].Name == name {
			return &functions[i]
		}
	}
	return nil
}

// Functions lists the functions of expressions and sentences, sorted by name, for the manual and its test.
func Functions() []Function { return functions }

// The makers of functions from plain Go ones.

func ofText(f func(string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(textOf(args[0])), nil }
}

func ofTexts(f func(a, b string) string) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(textOf(args[0]), textOf(args[1])), nil }
}

func ofValue(f func(any) any) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(args[0]), nil }
}

func ofValues(f func(a, b any) bool) func(...any) (any, error) {
	return func(args ...any) (any, error) { return f(args[0], args[1]), nil }
}

func ofCompared(f func(int) bool) func(...any) (any, error) {
	return func(args ...any) (any, error) {
		order, ok := compare(args[0], args[1])
		return ok && f(order), nil
	}
}

// optional gives argument i as a number, or otherwise.
func optional(args []any, i, otherwise int) int {
	if i < len(args) {
		if n, ok := integer(args[i]); ok {
			return n
		}
	}
	return otherwise
}
