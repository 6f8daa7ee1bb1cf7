package mail

import (
	"github.com/notifyd/notifyd/bus/expression"
)

// An object is the body of a message, or an object in it: names, and how their values are made.
type object map[string]value

// A value is an expression, or an object.
type value struct {
	expression expression.Expression
	object     object
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
