// Package language has the three small languages of the catalogue's entries. Each compiles a text once, and runs it
// over a [Scope] of one message.
//
//   - An [Expression] computes a value: msg.update.builds, map(msg.builds, nvr_name(.nvr)), msg.state == "failed". Its
//     syntax is that of github.com/expr-lang/expr.
//   - A [Sentence] writes a text: {{.who}} built {{series .packages}}. Its syntax is that of text/template.
//   - A [DigestTemplate] is the sentence about several events, in a part of the same syntax. It is compiled to parts
//     that are data, because a backend fills them in that does not know templates.
//
// # Total and bounded
//
// A message may lack any field, or hold something else in it. Compiling therefore replaces each construct that could
// fail by a call of a total function: x.y is get(x, "y"), == is eq(), a condition is truthy(). Sources, loops, lists
// and results have bounds, and only the functions of the table can be called, so neither an entry nor a message can
// take more than a known amount of work.
//
// # Two ways to run
//
// Nearly all expressions are compiled into steps: closures over closures, which do not use reflection and compute a
// variable only in the branch that needs it. What the compiler does not know is run by the library that owns the
// syntax. A test holds the two ways together: each must give the same on every message of the catalogue's fixtures.
//
// Sentences are compiled into writers in the same manner, and have no other way: text/template parses them, but cannot
// leave out a part in which something is missing, nor tell what a sentence lacks (see [Scope.Mended]).
//
//	x, err := language.Compile(`nvr_name(msg.build.nvr)`, map[string]bool{"msg": true})
//	...
//	scope := language.NewScope(message.Body, variables)
//	v, err := x.Eval(&scope)
package language

// Variables computes variables.
type Variables interface {
	// Compute gives a variable's value, nil where it has none. It is called once for each name.
	Compute(name string) any
}

// A Scope is what expressions and sentences see of one message: the variables, each computed when it is first asked
// for. One goroutine at a time uses it.
type Scope struct {
	message   any // the variable msg
	variables Variables
	known     map[string]any // those computed so far

	stack   []any    // arguments of the calls under way
	element any      // of the loop under way, in expressions
	dot     any      // in sentences
	out     []byte   // the sentence under way
	holes   []hole   // where it has nothing to say
	spans   []span   // what in it came from the message
	left    []string // the optional parts that it does without
	link    bool     // it is a URL
	steps   int      // taken so far: see MaxSteps
	refused int      // how often there were no more
}

// NewScope gives the Scope of a message's body, which is the variable msg.
func NewScope(body any, variables Variables) Scope {
	return Scope{message: body, variables: variables, known: map[string]any{}}
}

// Set gives a variable its value.
func (sc *Scope) Set(name string, v any) { sc.known[name] = v }

// Variable gives a variable's value.
func (sc *Scope) Variable(name string) any {
	v, have := sc.known[name]
	if !have {
		if name == "msg" {
			v = sc.message
		} else {
			v = sc.variables.Compute(name)
		}
		sc.known[name] = v
	}
	return v
}

// need computes the variables named, for a library that wants all of them beforehand.
func (sc *Scope) need(names []string) {
	for _, name := range names {
		sc.Variable(name)
	}
}
