package mail

import (
	"fmt"
	"maps"
	"slices"

	"github.com/notifyd/notifyd/bus/expression"
)

// An object is the body of a message, or an object in it: names, and how their values are made.
type object map[string]value

// A value is an expression, or an object.
type value struct {
	expression expression.Expression
	object     object
}

// maxNested is how deep objects may be in each other.
const maxNested = 5

// compileObject checks the fields of an object. key is where it stands.
func compileObject(key string, fields map[string]any, depth int) (object, error) {
	if depth > maxNested {
		return nil, fmt.Errorf("%s: objects deeper than %d in each other", key, maxNested)
	}
	made := object{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := key + "." + name
		switch field := fields[name].(type) {
		case string:
			e, err := expression.Parse(field, Kinds)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			made[name] = value{expression: e}
		case map[string]any:
			inner, err := compileObject(at, field, depth+1)
			if err != nil {
				return nil, err
			}
			made[name] = value{object: inner}
		default:
			return nil, fmt.Errorf("%s: an expression was expected, or an object", at)
		}
	}
	return made, nil
}

// of makes the object of a mail. Fields that give nothing are left out; nil is an object without fields.
func (o object) of(s expression.Scope) map[string]any {
	made := map[string]any{}
	for name, v := range o {
		if v.object == nil {
			if found := v.expression.Value(s); found != nil {
				made[name] = found
			}
		} else if inner := v.object.of(s); inner != nil {
			made[name] = inner
		}
	}
	if len(made) == 0 {
		return nil
	}
	return made
}
