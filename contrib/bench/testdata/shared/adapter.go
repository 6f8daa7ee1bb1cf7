// Program shared lets notifyd's engine take part in the comparison of ../shared/tools/match-workload, with the filters and
// messages of that tool: its naive loop checks the answers, and the ratio to it is of one run. See ../../shared.sh.
package main

import (
	"benchmatch/bench"
	"benchmatch/eng"
	"benchmatch/gen"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

func main() {
	eng.Register(eng.Factory{Name: "notifyd", New: func(*gen.World) eng.Engine { return newEngine() }})
	bench.Main()
}

// An engine is an index behind the tool's interface. Its ids start at 1, the tool's at 0.
type engine struct {
	index   *rules.Index
	waiting []rules.Change
	result  rules.Result
	ids     []rulespec.FilterID
	event   *catalogue.Event // of the message that was asked about last
	asked   *gen.Message
	loaded  bool
}

// atOnce is how many filters are loaded at once.
const atOnce = 10_000

func newEngine() *engine { return &engine{index: rules.NewIndex(rulespec.Env{})} }

func (e *engine) Add(f gen.Filter) error {
	e.waiting = append(e.waiting, rules.Change{Filter: filterOf(f)})
	if len(e.waiting) == atOnce || e.loaded {
		return e.flush()
	}
	return nil
}

func (e *engine) flush() error {
	broken := e.index.Apply(e.waiting...)
	clear(e.waiting)
	e.waiting = e.waiting[:0]
	if len(broken) > 0 {
		return broken[0].Err
	}
	return nil
}

func (e *engine) Finish() {
	if err := e.flush(); err != nil {
		panic(err)
	}
	e.waiting, e.loaded = nil, true
}

func (e *engine) Remove(f gen.Filter) {
	e.index.Apply(rules.Change{Filter: rulespec.Filter{ID: rulespec.FilterID(f.ID + 1)}, Gone: true})
}

func (e *engine) Match(m *gen.Message, out []uint32) []uint32 {
	e.find(m)
	e.ids = e.result.AppendTo(e.ids[:0])
	for _, id := range e.ids {
		out = append(out, uint32(id-1))
	}
	return out
}

// Lazy is Match by reference.
func (e *engine) Lazy(m *gen.Message) int {
	e.find(m)
	return 0
}

// Recipients gives one filter of each owner.
func (e *engine) Recipients(m *gen.Message, ids, out []uint32) (all, chosen []uint32) {
	return ids, e.PackedRecipients(m, out)
}

func (e *engine) PackedRecipients(m *gen.Message, out []uint32) []uint32 {
	e.find(m)
	for id := range e.result.OnePerOwner {
		out = append(out, uint32(id-1))
	}
	return out
}

func (e *engine) find(m *gen.Message) {
	if m != e.asked {
		e.asked, e.event = m, eventOf(m)
	}
	e.index.Find(&e.result, e.event, nil)
}

// eventOf makes an event whose summary is the whole text that the tool's expressions look at, byte for byte.
func eventOf(m *gen.Message) *catalogue.Event {
	e := &catalogue.Event{Message: &bus.Message{Topic: m.Topic}, App: m.App, Users: m.Users, Packages: m.Packages, Severity: catalogue.Info}
	e.SetProse(catalogue.Prose{Summary: string(m.Body)})
	return e
}

func filterOf(f gen.Filter) rulespec.Filter {
	made := rulespec.Filter{ID: rulespec.FilterID(f.ID + 1), Owner: gen.UserName(int(f.Owner)), Rules: make([]rulespec.Rule, len(f.Rules))}
	for i, r := range f.Rules {
		made.Rules[i] = ruleOf(r)
		made.Rules[i].Not = r.Neg
	}
	return made
}

func ruleOf(r gen.Rule) rulespec.Rule {
	of := func(kind, param string, values ...string) rulespec.Rule {
		return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
	}
	switch r.Kind {
	case gen.TopicEq:
		return of("topic", "pattern", r.Arg)
	case gen.TopicPrefix:
		return of("topic", "pattern", r.Arg, r.Arg+".*")
	case gen.PkgEq, gen.PkgGlob:
		return of("package", "name", r.Arg)
	case gen.UserEq:
		return of("user", "name", r.Arg)
	case gen.PkgRegex:
		made := of("package_regex", "pattern", r.Arg)
		made.Args["case"] = []string{"sensitive"}
		return made
	case gen.TextRegex:
		made := of("regex", "pattern", r.Arg)
		made.Args["case"], made.Args["in"] = []string{"sensitive"}, []string{"summary"}
		return made
	}
	panic("the tool makes filters of a kind that has no counterpart here: " + r.Arg)
}
