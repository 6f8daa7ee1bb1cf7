package rules_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
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

// some chooses one to three values, seldom none.
func (c *chooser) some(from ...string) []string {
	if c.below(40) == 0 {
		return nil
	}
	values := []string{c.one(from...)}
	for len(values) < 3 && c.below(3) == 0 {
		values = append(values, c.one(from...))
	}
	return values
}

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
`

var (
	people = []string{"alice", "bob", "carol", "dave", "Kim", "@g1"}
	things = []string{"bash", "zsh", "kernel", "kernel-rt", "python-six", "K", "straße"}
	topics = []string{"org.x.prod.git.receive", "org.x.stg.git.receive", "org.x.prod.wiki.edit", "git", ""}
	globs  = []string{"*.git.*", "org.?.prod*", "org.x.prod.*", "a[", "*", "*git", "org.x.*.edit", "[!o]*"}
	names  = []string{"kernel*", "?sh", "[bz]*", "*", "*-*", "python-*", "k*l", "*ß*", "thing1*", "*9"}
	texts  = []string{"push", "EDIT", "x+", ".*", "alice.*zsh", `\bbob\b`, "^alice", "(push|pull)ed", "[kK]ernel", "s[io]x", "kernel", "a", "(?i)ſ", "pu(sh)?ed", "(al|bo)ice", "é+t", `"n":\s*1`, "a(", "b{2}", "(ab|cd)(ef|gh)ij", `\x{FFFD}`, "thing[0-9]", "kernel.{0,9}rt$", "(?s)long.*kernel"}
	told   = []string{"", "alice pushed to zsh", "bob edited", "\u212aernel of straße", "\u017fix ÉT", "abefij", "pull", "PUSHED by alice \xff", strings.Repeat("long ", 20) + "kernel", "thing1 thing22 kernel-rt"}
)

// drawn draws the arguments of a rule of each kind, right ones and wrong ones.
var drawn = map[string]func(*chooser) rulespec.Args{
	"app":   func(c *chooser) rulespec.Args { return rulespec.Args{"name": c.some("git", "wiki")} },
	"kind":  func(c *chooser) rulespec.Args { return rulespec.Args{"name": c.some("git.receive", "wiki.edit")} },
	"actor": func(c *chooser) rulespec.Args { return rulespec.Args{"name": c.some(c.persons()...)} },
	"user":  func(c *chooser) rulespec.Args { return rulespec.Args{"name": c.some(c.persons()...)} },
	"topic": func(c *chooser) rulespec.Args {
		return rulespec.Args{"pattern": c.some(slices.Concat(globs, topics)...)}
	},
	"group":      func(c *chooser) rulespec.Args { return rulespec.Args{"name": c.some("g1", "g2", "g3", "gone")} },
	"owner":      drawOwner,
	"field":      drawField,
	"everything": func(*chooser) rulespec.Args { return rulespec.Args{} },
	"package": func(c *chooser) rulespec.Args {
		return rulespec.Args{"name": c.some(c.numbered("thing", slices.Concat(names, things)...)...)}
	},
	"package_regex": func(c *chooser) rulespec.Args {
		return c.caseOf(rulespec.Args{"pattern": c.some("sh$", "^KERNEL", "(", "-rt|-six", "ker.*rt", "k", "^thing[0-4]")})
	},
	"regex": func(c *chooser) rulespec.Args {
		args := rulespec.Args{"pattern": c.some(c.numbered("thing[0-9]?", texts...)...)}
		if c.below(3) == 0 {
			args["in"] = c.some("summary", "body", "link")
		}
		return c.caseOf(args)
	},
	"severity": func(c *chooser) rulespec.Args {
		return rulespec.Args{"least": {c.one("info", "warning", "error", "critical", "debug")}}
	},
}

func (c *chooser) persons() []string {
	return append([]string{rulespec.Me, rulespec.Me}, c.numbered("p", people...)...)
}

func (c *chooser) caseOf(args rulespec.Args) rulespec.Args {
	if c.below(2) == 0 {
		args["case"] = []string{c.one("sensitive", "insensitive")}
	}
	return args
}

func drawOwner(c *chooser) rulespec.Args {
	args := rulespec.Args{}
	if c.below(4) > 0 {
		args["user"] = c.some(c.persons()...)
	}
	if c.below(3) == 0 {
		args["group"] = c.some("g1", "g2", "g3", "gone")
	}
	if c.below(3) == 0 {
		args["role"] = c.some("owner", "commit", "watch", "gone")
	}
	if c.below(3) == 0 {
		args["via"] = []string{c.one("person", "group")}
	}
	return args
}

func drawField(c *chooser) rulespec.Args {
	args := rulespec.Args{"path": c.some("n", "text", "by.name", "..", "gone")}
	if c.below(2) == 0 {
		args["is"] = c.some("1", "*e*", "[", "pull", "AL*")
	}
	if c.below(2) == 0 {
		args["topic"] = c.some(slices.Concat(globs, topics)...)
	}
	return c.caseOf(args)
}

func (c *chooser) rule() rulespec.Rule {
	r := rulespec.Rule{Kind: rulespec.RuleKinds[c.below(len(rulespec.RuleKinds))].Name, Not: c.below(3) == 0}
	if draw := drawn[r.Kind]; draw != nil {
		r.Args = draw(c)
	}
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

// event draws an event whose sets may be nil, or empty, and whose body may be missing.
func (c *chooser) event() *catalogue.Event {
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
		Message: &bus.Message{Topic: c.one(topics...)},
		App:     c.one("git", "wiki", ""), Kind: c.one("git.receive", "wiki.edit", ""), Actor: c.one(c.numbered("p", append(people, "")...)...),
		Users: set("p", people), Packages: set("thing", things), Severity: catalogue.Severity(10 * c.below(7)),
	}
	switch c.below(8) {
	case 0:
	case 1:
		e.Message.Body = map[string]any{}
	case 2:
		e.Message.Body = map[string]any{"by": []any{map[string]any{"name": c.one(people...)}, nil}, "n": nil}
	default:
		e.Message.Body = map[string]any{"n": c.below(3), "text": c.one(told...)}
	}
	if c.below(6) == 0 { // too long a name to be tried on patterns, before and behind one that may fit
		long := strings.Repeat("kernel", rulespec.MaxName/5)
		e.Packages = slices.Insert(e.Packages, c.below(len(e.Packages)+1), long)
	}
	e.SetProse(catalogue.Prose{Summary: c.one(told...), Link: c.one(told...)})
	return e
}

var oracleDirectories = []string{
	worldDirectory,
	"groups: {}\n",
	"groups: {g1: [carol, dave], g2: [], g3: [alice, p1, p2]}\npackages: {K: {watch: [alice, \"@g3\", \"@g1\"], commit: [Kim]}, bash: {owner: [\"@g2\"]}, thing1: {owner: [p1, \"@g3\"]}}\n",
}
