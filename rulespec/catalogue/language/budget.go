package language

import (
	"encoding/json"
	"errors"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// MaxSteps is how many steps one message may take: at most some 2 ms. A step is a node of an expression that is
// computed, an element that a loop looks at, or some bytes of a text that a function reads: 3 to 15 ns. They are
// counted and not timed, so that it does not depend on the computer or its load what is said of a message. The messages
// of real buses that we have take 1400 at most, and one with a comment of 16 KiB takes 70,000.
const MaxSteps = 120_000

// ErrSteps is why a value has none: the message holds more than anybody reads, and has used up its steps.
var ErrSteps = errors.New("the message took all steps that it may take")

// What things cost, in steps.
const (
	keepCost  = 2  // an element that goes into a new list
	keyCost   = 16 // a key of an object, which may have to be sorted
	textBytes = 4  // bytes of a text, one step
	slowTimes = 8  // of a function that reads texts slowly, so many times that
)

// Steps gives how many steps were taken so far.
func (sc *Scope) Steps() int { return sc.steps }

// TakeSteps adds steps that were taken for the same message elsewhere.
func (sc *Scope) TakeSteps(n int) { sc.steps += n }

// Spent reports whether the steps of the message are used up.
func (sc *Scope) Spent() bool { return sc.steps > MaxSteps }

// spend takes steps, and reports whether there were as many.
func (sc *Scope) spend(n int) bool {
	if sc.steps += n; sc.steps <= MaxSteps {
		return true
	}
	sc.refused++
	return false
}

// Read takes the steps to read a value whole, and reports whether there were as many.
func (sc *Scope) Read(v any) bool { return sc.spend(weigh(v, MaxSteps-sc.steps)) }

// weigh gives the steps to read a value whole, or more than most.
func weigh(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += min(len(v), values.MaxText) / textBytes
	case json.Number:
		n += min(len(v), values.MaxText) / textBytes
	case []any:
		for _, x := range v {
			if n += weigh(x, most-n); n > most {
				break
			}
		}
	case map[string]any:
		if n += keyCost * len(v); n > most {
			break
		}
		for k, x := range v {
			if n += len(k)/textBytes + weigh(x, most-n); n > most {
				break
			}
		}
	}
	return n
}

// A costClass says how the steps of a function follow from its arguments.
type costClass int

const (
	readsAll   costClass = iota // it may read all of its arguments
	looks                       // it looks at the arguments, and not into them
	readsSlow                   // it reads all, and texts byte by byte
	readsStart                  // it does so with the first KiB
	searches                    // it reads the first argument for each element of the second
)

// costClasses are those of the functions by name; readsAll where there is none.
var costClasses = map[string]costClass{
	"default": looks, "dig": looks, "first": looks, "get": looks, "is_list": looks, "is_object": looks, "last": looks,
	"list": looks, "truthy": looks, "and": looks, "or": looks, "not": looks,
	"capture": readsSlow, "captures": readsSlow, "first_line": readsSlow, "json": readsSlow, "matches": readsSlow,
	"part": readsSlow, "path": readsSlow, "query": readsSlow, "slice": readsSlow, "split": readsSlow, "trim": readsSlow,
	"account": readsStart, "address": readsStart, "local_part": readsStart, "person": readsStart,
	"member": searches,
}

// cost gives the steps of a call.
func (sc *Scope) cost(class costClass, args []any) int {
	n, most := 1, MaxSteps-sc.steps
	if class == looks {
		return n
	}
	for _, arg := range args {
		n += weigh(arg, most)
	}
	switch class {
	case readsSlow:
		n *= slowTimes
	case readsStart:
		n += (slowTimes - 1) * min(n, 1024/textBytes)
	case searches:
		if list, ok := args[len(args)-1].([]any); ok {
			n += weigh(args[0], most) * min(len(list), values.MaxList)
		}
	}
	return n
}

// library takes the steps of what a library runs, which cannot be counted, for the worst: that each of its nested loops
// goes over all lists of the message.
func (sc *Scope) library(loops int) bool {
	if byLibrary {
		return true
	}
	n, elements := 1, elementsIn(sc.message, MaxSteps)
	for range loops {
		n = min(n*elements, MaxSteps)
	}
	return sc.spend(n + weigh(sc.message, MaxSteps))
}

// elementsIn counts the elements of all lists in a value, up to most.
func elementsIn(v any, most int) (n int) {
	switch v := v.(type) {
	case []any:
		n = len(v)
		for _, x := range v {
			if n += elementsIn(x, most); n > most {
				break
			}
		}
	case map[string]any:
		for _, x := range v {
			if n += elementsIn(x, most); n > most {
				break
			}
		}
	}
	return min(n, most)
}
