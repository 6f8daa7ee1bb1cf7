package language

import (
	"encoding/json"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// jsonFunction gives the value of a JSON text: some senders put their arguments into a text once more. A text that is
// no JSON, longer than values.MaxText or nested deeper than a message may be is nothing.
func jsonFunction(v any) any {
	s, ok := v.(string)
	if !ok || len(s) > values.MaxText {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil || d.More() || !shallow(out, bus.MaxDepth) {
		return nil
	}
	return out
}

// shallow says whether a value is nested at most depth deep.
func shallow(v any, depth int) bool {
	if depth < 0 {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			if !shallow(x, depth-1) {
				return false
			}
		}
	case []any:
		for _, x := range v {
			if !shallow(x, depth-1) {
				return false
			}
		}
	}
	return true
}

// The functions about people get what is known about accounts as their first argument.

func accountFunction(args ...any) (any, error) { return accountsIn(args).Account(args[1]), nil }

func loginFunction(args ...any) (any, error) { return accountsIn(args).Login(args[1]), nil }

func personFunction(args ...any) (any, error) { return accountsIn(args).Person(args[1]), nil }

// accountsIn gives what is known about accounts; nothing is where a sentence or expression stands alone.
func accountsIn(args []any) *values.Accounts {
	if known, ok := args[0].(*values.Accounts); ok && known != nil {
		return known
	}
	return new(values.Accounts)
}
