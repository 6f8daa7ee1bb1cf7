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

// accountFunction gets the map of accounts as its first argument.
func accountFunction(args ...any) (any, error) {
	accounts, _ := args[0].(map[string]string)
	return values.Account(accounts, values.Text(args[1])), nil
}
