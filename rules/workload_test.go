package rules_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A world is what benchmarks happen in: applications, packages, people and words, of which few are frequent and most
// are rare, as everywhere. The same size gives the same world.
type world struct {
	apps, packages, words []string
	topics                [][]string
	globs                 []rulespec.Rule
	people                int
	app, pkg, word        skew
	person, glob          skew
}

// A mix is of how many of 100 filters are of which sort; the rest search in texts.
type mix struct{ exact, personal, broad, patterns int }

var mixes = []struct {
	name string
	mix
}{
	{"exact", mix{75, 25, 0, 0}},
	{"broad", mix{68, 22, 10, 0}},
	{"default", mix{60, 20, 10, 8}},
}

// perPerson is how many filters a person has.
const perPerson = 10

func newWorld(filters int) *world {
	random := rand.New(rand.NewPCG(11, 12))
	w := &world{people: max(100, filters/perPerson)}
	for i := range 30 {
		app := fmt.Sprintf("app%02d", i)
		w.apps = append(w.apps, app)
		var topics []string
		for j := range 4 + random.IntN(8) {
			topics = append(topics, fmt.Sprintf("org.example.prod.%s.thing%d.changed", app, j))
		}
		w.topics = append(w.topics, topics)
	}
	w.words = distinct(50_000, func() string { return invent(random, 2+random.IntN(3)) })
	w.packages = distinct(24_000, func() string {
		prefixes := []string{"", "", "", "python-", "rubygem-", "perl-", "lib", "golang-", "rust-", "texlive-"}
		return prefixes[random.IntN(len(prefixes))] + invent(random, 2+random.IntN(3))
	})
	w.app, w.pkg, w.word = newSkew(30, 1, 1), newSkew(len(w.packages), .9, 10), newSkew(len(w.words), .9, 20)
	w.person = newSkew(w.people, .9, 50)
	for range 30_000 {
		w.globs = append(w.globs, w.inventPattern(random))
	}
	w.glob = newSkew(len(w.globs), .7, 5)
	return w
}

// syllables are so few that words share most of their runs: it makes searches by runs harder than a language does.
var syllables = strings.Fields("ba ben bor cal cem dar del dor elk far fen fol gal ger gor hak hel hin ir jan ken " +
	"kol lam lem lun mar mel mir nal ne nor " +
	"olm ond or pas pel pin ram ren rig sal se sin sor tar tel tig tor un urs van vel vir wal wen xan yen zal zel zir zor")

// invent makes a word of syllables, of which one in three has a number behind it.
func invent(random *rand.Rand, length int) string {
	var b strings.Builder
	for range length {
		b.WriteString(syllables[random.IntN(len(syllables))])
	}
	if random.IntN(3) == 0 {
		b.WriteString(strconv.Itoa(random.IntN(100)))
	}
	return b.String()
}

func distinct(n int, next func() string) []string {
	seen := map[string]bool{}
	list := make([]string, 0, n)
	for try := 0; len(list) < n; try++ {
		s := next()
		if try > 2*n {
			s += fmt.Sprint(try)
		}
		if !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	return list
}

// A skew draws the i-th thing with a share of 1/(i+offset)^power.
type skew []float64

func newSkew(n int, power, offset float64) skew {
	s, sum := make(skew, n), 0.0
	for i := range s {
		sum += math.Pow(float64(i)+offset, -power)
		s[i] = sum
	}
	return s
}

func (s skew) draw(random *rand.Rand) int {
	return sort.SearchFloat64s(s, random.Float64()*s[len(s)-1])
}

func personName(i int) string { return fmt.Sprintf("p%06d", i) }

func (w *world) inventPattern(random *rand.Rand) rulespec.Rule {
	name := w.packages[w.pkg.draw(random)]
	half := len(name) / 2
	switch random.IntN(6) {
	case 0, 1:
		return rule("package", "name", name[:4+random.IntN(max(1, len(name)-4))]+"*")
	case 2:
		return rule("package", "name", "*"+name[len(name)-4:]+"*")
	case 3:
		return rule("package_regex", "pattern", "^"+name[:4]+".*"+name[len(name)-3:]+"$")
	case 4:
		return rule("package_regex", "pattern", "^("+name+"|"+w.packages[w.pkg.draw(random)]+")(-devel|-libs)?$")
	}
	return rule("package_regex", "pattern", name[half:]+"[0-9]*$")
}

// textPattern draws an expression over texts, mostly of rare words: of a hundred, not quite one fits a text.
func (w *world) textPattern(random *rand.Rand) string {
	word := func() string {
		if random.IntN(10) == 0 {
			return w.words[w.word.draw(random)]
		}
		return w.words[random.IntN(len(w.words))]
	}
	switch k := random.IntN(100); {
	case k < 45:
		return word()
	case k < 65:
		return word() + ".*" + word()
	case k < 78:
		return word() + " (" + word() + "|" + word() + "|" + word() + ")"
	case k < 86:
		return word() + "-[0-9]+"
	case k < 92:
		return `\b` + word() + `\b.{0,40}` + word()
	case k < 96:
		return "(" + word() + "|" + word() + `)[:=] ?"?[a-z]+`
	}
	return `cve-20[0-9]{2}-[0-9]{4,}.*` + word()
}

// filter draws the i-th filter; it has the id i + 1.
func (w *world) filter(random *rand.Rand, i int, m mix) rulespec.Filter {
	me := i / perPerson % w.people
	f := rulespec.Filter{ID: rulespec.FilterID(i + 1), Owner: personName(me)}
	app := w.app.draw(random)
	topic := w.topics[app][random.IntN(len(w.topics[app]))]
	switch k := random.IntN(100); {
	case k < m.exact:
		f.Rules = []rulespec.Rule{rule("app", "name", w.apps[app]), rule("package", "name", w.packages[w.pkg.draw(random)])}
		if random.IntN(3) == 0 {
			f.Rules[0] = rule("topic", "pattern", topic)
		}
	case k < m.exact+m.personal:
		who := rulespec.Me
		if random.IntN(7) == 0 {
			who = personName(w.person.draw(random))
		}
		f.Rules = []rulespec.Rule{rule("user", "name", who)}
	case k < m.exact+m.personal+m.broad:
		f.Rules = []rulespec.Rule{
			rule("app", "name", w.apps[app]), not(rule("user", "name", rulespec.Me)), not(rule("topic", "pattern", topic)),
		}
	case k < m.exact+m.personal+m.broad+m.patterns:
		f.Rules = []rulespec.Rule{w.globs[w.glob.draw(random)]}
	default:
		f.Rules = []rulespec.Rule{rule("regex", "pattern", w.textPattern(random))}
	}
	return f
}

// filters calls with for n filters, in the order of their ids.
func (w *world) filters(n int, m mix, with func(rulespec.Filter)) {
	random := rand.New(rand.NewPCG(21, uint64(n)))
	for i := range n {
		with(w.filter(random, i, m))
	}
}

// index makes an Index of n filters.
func (w *world) index(n int, m mix) *rules.Index {
	x := rules.NewIndex(rulespec.Env{})
	if broken, err := x.Load(w.stored(n, m)); err != nil || len(broken) > 0 {
		panic(fmt.Sprint(broken, err))
	}
	return x
}

// events makes n events with bodies of one to eight KiB, the same for the same seed, whose texts have been asked for:
// the engine is not to be charged for what the history asks too.
func (w *world) events(n int, seed ...uint64) []*catalogue.Event {
	random := rand.New(rand.NewPCG(31, append(seed, 32)[0]))
	list := make([]*catalogue.Event, n)
	for i := range list {
		app := w.app.draw(random)
		e := &catalogue.Event{App: w.apps[app], Kind: w.apps[app] + ".changed", Severity: catalogue.Info}
		for range []int{0, 1, 1, 1, 1, 1, 1, 1, 1, 3}[random.IntN(10)] {
			e.Packages = append(e.Packages, w.packages[w.pkg.draw(random)])
		}
		for range 1 + random.IntN(3) {
			e.Users = append(e.Users, personName(w.person.draw(random)))
		}
		e.Actor = e.Users[0]
		e.Message = &bus.Message{Topic: w.topics[app][random.IntN(len(w.topics[app]))], Body: w.body(random, e)}
		e.SetProse(catalogue.Prose{Summary: e.Actor + " changed something"})
		e.BodyText()
		e.Prose()
		list[i] = e
	}
	return list
}

// body makes the data of a message: some fields, and lines of words and numbers.
func (w *world) body(random *rand.Rand, e *catalogue.Event) map[string]any {
	size := 700 + int(6000*random.Float64()*random.Float64())
	var lines []any
	for size > 0 {
		var line strings.Builder
		for range 4 + random.IntN(12) {
			if random.IntN(12) == 0 {
				line.WriteString(strconv.Itoa(random.IntN(100_000)))
			} else {
				line.WriteString(w.words[w.word.draw(random)])
			}
			line.WriteByte(" -:"[max(0, random.IntN(6)-3)])
		}
		size -= line.Len() + len(`{"line01":""},`)
		lines = append(lines, map[string]any{fmt.Sprint("line", len(lines)): line.String()})
	}
	packages := []any{}
	for _, name := range e.Packages {
		packages = append(packages, name)
	}
	return map[string]any{
		"agent": e.Actor, "packages": packages, "build": random.IntN(3_000_000),
		"task":  map[string]any{"method": "buildArch", "arch": "x86_64", "id": random.IntN(200_000_000)},
		"lines": lines,
	}
}
