package rules_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A chooser makes the choices of a case: from a fuzzer's bytes while there are any, then by chance.
type chooser struct {
	data   []byte
	random *rand.Rand
}

func newChooser(data []byte) *chooser {
	var seed [8]byte
	copy(seed[:], data)
	return &chooser{data: data, random: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), uint64(len(data))))}
}

// below chooses a number below n.
func (c *chooser) below(n int) int {
	if len(c.data) > 0 {
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

var (
	people = []string{"alice", "bob", "carol", "dave", "Kim", "@g1"}
	things = []string{"bash", "zsh", "kernel", "kernel-rt", "python-six", "K", "straße"}
	topics = []string{"org.x.prod.git.receive", "org.x.stg.git.receive", "org.x.prod.wiki.edit", "git", ""}
	globs  = []string{"*.git.*", "org.?.prod*", "org.x.prod.*", "a[", "*", "*git", "org.x.*.edit", "[!o]*"}
	names  = []string{"kernel*", "?sh", "[bz]*", "*", "*-*", "python-*", "k*l", "*ß*"}
	texts  = []string{"push", "EDIT", "x+", ".*", "alice.*zsh", `\bbob\b`, "^alice", "(push|pull)ed", "[kK]ernel", "s[io]x", "kernel", "a", "(?i)ſ", "pu(sh)?ed", "(al|bo)ice", "é+t", `"n":\s*1`, "a(", "b{2}", "(ab|cd)(ef|gh)ij", `\x{FFFD}`}
	told   = []string{"", "alice pushed to zsh", "bob edited", "\u212aernel of straße", "\u017fix ÉT", "abefij", "pull", "PUSHED by alice \xff", strings.Repeat("long ", 20) + "kernel"}
)

func (c *chooser) rule() rulespec.Rule {
	r := rulespec.Rule{Kind: rulespec.Kinds[c.below(len(rulespec.Kinds))].Name, Not: c.below(3) == 0, Args: rulespec.Args{}}
	me := append([]string{rulespec.Me, rulespec.Me}, people...)
	switch r.Kind {
	case "app":
		r.Args["name"] = c.some("git", "wiki")
	case "kind":
		r.Args["name"] = c.some("git.receive", "wiki.edit")
	case "actor", "user":
		r.Args["name"] = c.some(me...)
	case "topic":
		r.Args["pattern"] = c.some(append(globs, topics...)...)
	case "package":
		r.Args["name"] = c.some(append(names, things...)...)
	case "package_regex":
		r.Args["pattern"] = c.some("sh$", "^KERNEL", "(", "-rt|-six", "ker.*rt", "k")
		c.caseOf(r.Args)
	case "group":
		r.Args["name"] = c.some("g1", "g2", "g3", "gone")
	case "owner":
		c.owner(r.Args, me)
	case "regex":
		r.Args["pattern"] = c.some(texts...)
		if c.below(3) == 0 {
			r.Args["in"] = c.some("summary", "body", "link")
		}
		c.caseOf(r.Args)
	case "field":
		r.Args["path"] = c.some("n", "text", "by.name", "..")
		if c.below(2) == 0 {
			r.Args["is"] = c.some("1", "*e*", "[", "pull")
		}
		if c.below(2) == 0 {
			r.Args["topic"] = c.some(append(globs, topics...)...)
		}
	case "severity":
		r.Args["least"] = []string{c.one("info", "warning", "error", "critical", "debug")}
	}
	if c.below(60) == 0 {
		r.Kind = "weather"
	}
	return r
}

func (c *chooser) caseOf(args rulespec.Args) {
	if c.below(2) == 0 {
		args["case"] = []string{c.one("sensitive", "insensitive")}
	}
}

func (c *chooser) owner(args rulespec.Args, me []string) {
	if c.below(4) > 0 {
		args["user"] = c.some(me...)
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
}

func (c *chooser) filter(id rulespec.FilterID) rulespec.Filter {
	f := rulespec.Filter{ID: id, Owner: c.one(append(people, "")...)}
	for range c.below(5) {
		f.Rules = append(f.Rules, c.rule())
	}
	return f
}

func (c *chooser) event() *catalogue.Event {
	set := func(from []string) []string {
		var values []string
		for range c.below(4) {
			values = append(values, c.one(from...))
		}
		slices.Sort(values)
		return slices.Compact(values)
	}
	e := &catalogue.Event{
		Message: &bus.Message{Topic: c.one(topics...), Body: map[string]any{"n": c.below(3), "text": c.one(told...)}},
		App:     c.one("git", "wiki", ""), Kind: c.one("git.receive", "wiki.edit", ""), Actor: c.one(append(people, "")...),
		Users: set(people), Packages: set(things), Severity: catalogue.Severity(10 * c.below(7)),
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
	"groups: {g1: [carol, dave], g2: [], g3: [alice]}\npackages: {K: {watch: [alice, \"@g3\", \"@g1\"], commit: [Kim]}, bash: {owner: [\"@g2\"]}}\n",
}

// checkCase plays one case: filters come, change and go, and between that events are matched and compared with the loop.
func checkCase(t *testing.T, data []byte) (events int) {
	c := newChooser(data)
	dirs := []rulespec.Directory{nil}
	for _, text := range oracleDirectories {
		dirs = append(dirs, parseDirectory(t, text))
	}
	var plain loop
	m := new(rules.Matcher)
	for range 2 + c.below(30) {
		var changes []rules.Change
		for range c.below(6) {
			change := rules.Change{Filter: c.filter(rulespec.FilterID(c.below(25)) << (c.below(2) * 40)), Gone: c.below(5) == 0}
			plain.apply(change)
			changes = append(changes, change)
		}
		m.Apply(changes...)
		for range c.below(4) {
			checkEvent(t, m, plain, c.event(), dirs[c.below(len(dirs))])
			events++
		}
	}
	return events
}

// checkEvent compares all that a Matcher says of an event with what the loop says.
func checkEvent(t *testing.T, m *rules.Matcher, plain loop, e *catalogue.Event, dir rulespec.Directory) {
	t.Helper()
	want, owners := plain.match(e, dir)
	got := m.Match(e, dir)
	if !slices.Equal(got, want) {
		t.Fatalf("Match = %v, want %v for %+v", got, want, *e.Message)
	}
	var r rules.Result
	m.Find(&r, e, dir)
	if n := r.Len(); n != len(want) {
		t.Fatalf("Len = %d, want %d", n, len(want))
	}
	var all []rulespec.FilterID
	people := map[string]bool{}
	for ids := range r.PerOwner {
		for _, id := range ids {
			if owners[id] != owners[ids[0]] || people[owners[id]] {
				t.Fatalf("PerOwner gives %v, which are of %q, %q or were there before", ids, owners[id], owners[ids[0]])
			}
		}
		people[owners[ids[0]]] = true
		all = append(all, ids...)
	}
	if slices.Sort(all); !slices.Equal(all, want) {
		t.Fatalf("PerOwner = %v, want %v", all, want)
	}
	for i := range plain {
		checkNarrow(t, &plain[i], &rulespec.Subject{Event: e, Directory: dir}, slices.Contains(want, plain[i].id))
	}
	each := map[string]bool{}
	for id := range r.OneEach {
		owner, matches := owners[id]
		if !matches || each[owner] {
			t.Fatalf("OneEach gives %d of %q, wanted: %v", id, owner, matches)
		}
		each[owner] = true
	}
	if len(each) != len(people) {
		t.Fatalf("OneEach gives %d owners, want %d", len(each), len(people))
	}
}

// checkNarrow holds Narrow to its promise: an event that the filter matches has one of the keys.
func checkNarrow(t *testing.T, f *looped, s *rulespec.Subject, matches bool) {
	t.Helper()
	if !matches {
		return
	}
	keys := rules.Narrow(rulespec.Env{}, f.text, "topic", "app", "kind", "user", "package", "actor")
	has := func(k rulespec.Key) bool { return slices.Contains(slices.Collect(s.Values(k.Field)), k.Value) }
	if keys != nil && !slices.ContainsFunc(keys, has) {
		t.Fatalf("%+v matches an event with none of %v", f.text, keys)
	}
}

// TestOracle plays random cases; NOTIFYD_CASES says how many.
func TestOracle(t *testing.T) {
	cases, _ := strconv.Atoi(os.Getenv("NOTIFYD_CASES"))
	seed := uint64(1)
	if cases == 0 {
		cases = 300
	} else {
		seed = rand.Uint64()
	}
	events := 0
	for i := range cases {
		var data [8]byte
		binary.LittleEndian.PutUint64(data[:], seed+uint64(i))
		events += checkCase(t, data[:])
		if t.Failed() {
			t.Fatalf("seed %d", seed+uint64(i))
		}
	}
	t.Logf("%d cases, %d events, from seed %d", cases, events, seed)
}

func FuzzOracle(f *testing.F) {
	for _, seed := range []string{"", "a", "filters", "0123456789abcdefghijklmnopqrstuvwxyz"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkCase(t, data[:min(len(data), 4096)]) })
}
