package rules_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// A chooser makes the choices of a story: from a fuzzer's bytes while there are any, then by chance.
type chooser struct {
	data   []byte
	random *rand.Rand
	wide   int // how many numbered people and packages there are beside those with a name
}

func newChooser(data []byte) *chooser {
	var seed [8]byte
	copy(seed[:], data)
	return &chooser{data: data, random: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), uint64(len(data))))}
}

// below chooses a number below n.
func (c *chooser) below(n int) int {
	if len(c.data) > 0 && n <= 256 {
		b := c.data[0]
		c.data = c.data[1:]
		return int(b) % n
	}
	return c.random.IntN(n)
}

func (c *chooser) one(from ...string) string { return from[c.below(len(from))] }

// numbered adds a numbered name to those there are to choose from, in stories that have such.
func (c *chooser) numbered(sort string, from ...string) []string {
	if c.wide == 0 {
		return from
	}
	return append(slices.Clone(from), fmt.Sprint(sort, c.below(c.wide)), fmt.Sprint(sort, c.below(c.wide)))
}

// What stories happen with: little, so that rules and events meet.
const worldDirectory = `
groups: {g1: [alice, bob], g2: [carol], g3: []}
packages:
  bash: {owner: [alice], commit: [bob, "@g2"]}
  zsh: {owner: ["@g1"]}
  kernel: {watch: [carol]}
people: {carol: {bot: true}}
`

var (
	people = []string{"alice", "bob", "carol", "dave", "Kim", "@g1"}
	things = []string{"bash", "zsh", "kernel", "kernel-rt", "python-six", "K", "straße"}
	topics = []string{"org.x.prod.git.receive", "org.x.stg.git.receive", "org.x.prod.wiki.edit", "git", ""}
	prose  = []string{
		"", "alice pushed to zsh", "bob edited", "\u212aernel of straße", "\u017fix ÉT", "abefij", "pull",
		"PUSHED by alice \xff", strings.Repeat("long ", 20) + "kernel", "thing1 thing22 kernel-rt",
	}
)

// kinds are the vectors of all rule kinds: what rules are drawn from, and some of the events.
var kinds = sync.OnceValue(func() []*kindtest.Vectors {
	all, err := kindtest.ReadAll("../rulespec/testdata/kinds")
	if err != nil {
		panic(err)
	}
	return all
})

func (c *chooser) rule() rulespec.Rule {
	v := kinds()[c.below(len(kinds()))]
	r := rulespec.Rule{Kind: v.Kind.Name, Not: c.below(3) == 0, Args: v.Draw(c.below, c.wide)}
	switch c.below(90) {
	case 0:
		r.Kind = "weather"
	case 1:
		r.Args = rulespec.Args{"nme": {"x"}}
	case 2:
		r.Args = nil
	}
	return r
}

func (c *chooser) filter(id rulespec.FilterID) rulespec.Filter {
	f := rulespec.Filter{ID: id, Owner: c.one(c.numbered("p", append(people, "")...)...)}
	for range c.below(5) {
		f.Rules = append(f.Rules, c.rule())
	}
	return f
}

// event draws an event whose sets may be nil, or empty, and whose body may be missing; or one of a rule kind's vectors.
func (c *chooser) event() *catalogue.Event {
	if c.below(8) == 0 {
		events := kinds()[c.below(len(kinds()))].Events()
		return events[c.below(len(events))]
	}
	set := func(sort string, from []string) []string {
		var values []string
		switch n := c.below(5); n {
		case 0:
		case 1:
			values = []string{}
		default:
			for range n - 1 {
				values = append(values, c.one(c.numbered(sort, from...)...))
			}
		}
		slices.Sort(values)
		return slices.Compact(values)
	}
	e := &catalogue.Event{
		Message: &bus.Message{Topic: c.one(topics...), Standing: bus.Standing{
			Verdict: bus.Verdict(c.one("signed", "trusted", "unsigned", "")), Signer: c.one("bodhi", "koji", ""),
		}},
		App: c.one("git", "wiki", ""), Kind: c.one("git.receive", "wiki.edit", ""),
		Keyword: catalogue.Keyword(c.one("commit", "build", "other")),
		Actor:   c.one(c.numbered("p", append(people, "")...)...),
		Users:   set("p", people), Packages: set("thing", things), Severity: catalogue.Severity(10 * c.below(7)),
	}
	switch c.below(8) {
	case 0:
	case 1:
		e.Message.Body = map[string]any{}
	case 2:
		e.Message.Body = map[string]any{"by": []any{map[string]any{"name": c.one(people...)}, nil}, "n": nil}
	default:
		e.Message.Body = map[string]any{"n": c.below(3), "text": c.one(prose...)}
	}
	if c.below(6) == 0 { // too long a name to be tried on patterns, before and behind one that may fit
		long := strings.Repeat("kernel", rulespec.MaxName/5)
		e.Packages = slices.Insert(e.Packages, c.below(len(e.Packages)+1), long)
	}
	e.SetProse(catalogue.Prose{Summary: c.one(prose...), Link: c.one(prose...)})
	return e
}

var oracleDirectories = []string{
	worldDirectory,
	"groups: {}\n",
	"groups: {g1: [carol, dave], g2: [], g3: [alice, p1, p2]}\n" +
		"packages: {K: {watch: [alice, \"@g3\", \"@g1\"], commit: [Kim]}, bash: {owner: [\"@g2\"]}, " +
		"thing1: {owner: [p1, \"@g3\"]}}\n",
}
