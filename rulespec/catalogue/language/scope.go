package language

// Variables computes variables.
type Variables interface {
	// Compute gives a variable's value, nil where it has none. It is called once for each name.
	Compute(name string) any
}

// A Scope is what expressions and sentences see of one message: the variables, each computed when it is first asked for.
// One goroutine at a time uses it.
type Scope struct {
	message   any // the variable msg
	variables Variables
	known     map[string]any // those computed so far

	stack   []any  // arguments of the calls under way
	element any    // of the loop under way, in expressions
	dot     any    // in sentences
	out     []byte // the sentence under way
	holes   []int  // where it has nothing to say
	visited int    // elements that loops have looked at
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
