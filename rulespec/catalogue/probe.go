package catalogue

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// A Probe is an expression that is tried on messages before it stands in an entry.
type Probe struct {
	expression *language.Expression
	entry      *entry
}

// NewProbe compiles an expression as it would be in an entry of an application that has no variables.
func NewProbe(of, expression string) (*Probe, error) {
	names := map[string]bool{language.Accounts: true}
	for _, name := range given {
		names[name] = true
	}
	x, err := language.Compile(expression, names)
	if err != nil {
		return nil, err
	}
	return &Probe{x, &entry{app: &app{name: of}}}, nil
}

// Texts gives the names that the expression finds in a message, as a set would take them.
func (p *Probe) Texts(c *Catalogue, m *bus.Message) []string {
	s := c.scope(p.entry, m, topics.Divide(m.Topic))
	v, err := p.expression.Eval(&s.Scope)
	if err != nil {
		return nil
	}
	return values.Texts(v)
}
