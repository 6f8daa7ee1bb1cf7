package suggest

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// What a draft takes at most of each field.
const (
	mostAlternatives = 8 // of an actor or a link
	mostMembers      = 8 // of users or packages
)

// fields are the fields of an entry as expressions, learned from messages and what the convention makes of them: a
// draft must never find less than no entry does.
type fields struct {
	catalogue *catalogue.Catalogue
	app       string
	messages  []*bus.Message
	events    []*catalogue.Event // what the convention makes of them
	paths     []*path

	actor, users, packages, link []*candidate
	who                          []*candidate // the actor's name in sentences, where the actor has no account
	unsure                       []string
}

// fieldsOf looks at messages and what the convention makes of them.
func fieldsOf(c *catalogue.Catalogue, app string, messages []*bus.Message) *fields {
	f := &fields{catalogue: c, app: app, messages: messages}
	var bodies []any
	for _, m := range messages {
		bare := *m // what the headers state goes before any entry
		bare.Headers = nil
		bodies = append(bodies, m.Body)
		f.events = append(f.events, c.Describe(&bare))
	}
	f.paths = pathsOf(bodies)
	return f
}

// wanted gives of each event what one field of it is.
func wanted[T any](f *fields, field func(*catalogue.Event) T) []T {
	out := make([]T, len(f.events))
	for i, e := range f.events {
		out[i] = field(e)
	}
	return out
}

func (f *fields) learnUsers() {
	want := wanted(f, func(e *catalogue.Event) []string { return e.Users })
	among := f.people(joined(want), convention.UserFields, true)
	f.users = f.members("users", want, slices.DeleteFunc(among, f.isNoPerson))
	if len(f.actor) > 0 { // the actor is counted in
		f.users = slices.DeleteFunc(f.users, func(c *candidate) bool { return sameAs(f.actor, c) && f.counted(c) })
	}
}

// isNoPerson says whether a field that no name speaks for is one of a result, or finds only the actor, whom others that
// are named do: where every text is blotted out, each is like the actor's.
func (f *fields) isNoPerson(c *candidate) bool {
	words := parts(c.path.keys[len(c.path.keys)-1])
	return c.rank >= unnamed && (len(words) > 0 && slices.Contains(resultFields, words[len(words)-1]) ||
		len(f.actor) > 0 && f.counted(c))
}

// counted says whether a candidate finds nobody but the actor.
func (f *fields) counted(c *candidate) bool {
	for i, names := range c.names {
		for _, name := range names {
			if values.Name(name) != firstOf(f.actor, i) {
				return false
			}
		}
	}
	return true
}

func (f *fields) learnPackages() {
	want := wanted(f, func(e *catalogue.Event) []string { return e.Packages })
	var among []*candidate
	for _, p := range f.paths {
		if p.mentions(joined(want)) {
			among = append(among, f.candidates(p, rankIn(packageFields, p), "", "nvr_name", "name")...)
		}
	}
	if _, missed := cover(want, among, mostMembers); len(missed) > 0 {
		among = append(among, f.guarded(want, among)...)
	}
	f.packages = f.members("packages", want, among)
	if p := f.buildField(); p != nil && len(f.packages) < mostMembers {
		if c := f.candidate(p, 0, 0, "nvr_name"); c != nil && !sameAs(f.packages, c) && f.newHere(c) {
			f.packages = append(f.packages, c)
		}
	}
}

// newHere says whether a candidate finds a package in a message in which nothing else does.
func (f *fields) newHere(c *candidate) bool {
	for i := range f.messages {
		if c.first(i) != "" && firstOf(f.packages, i) == "" {
			return true
		}
	}
	return false
}

// packageFields are the names of fields that hold packages, and builds of them.
var packageFields = append(slices.Clone(convention.PackageFields), "nvr")

// members chooses candidates for a set: those that are needed for the names wanted, and those that have the name of
// such a field and find the same names here, but perhaps not in the next message.
func (f *fields) members(field string, want [][]string, among []*candidate) []*candidate {
	out, missed := cover(want, among, mostMembers)
	for _, c := range among {
		if len(out) < mostMembers && c.rank < unnamed && c.within(want) && !sameAs(out, c) && !ofAnother(c.path) {
			out = append(out, c)
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(out), func(c *candidate) bool { return sameAs(f.actor, c) })
	missed = slices.DeleteFunc(missed, func(i int) bool { return f.isActor(want[i], i) })
	f.doubt(field, fresh, missed, joined(want)) // what is not sure about the actor is said there
	return out
}

// isActor says whether names are the actor's alone, who is counted in anyway.
func (f *fields) isActor(names []string, message int) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return name != firstOf(f.actor, message) })
}

func joined(sets [][]string) []string {
	out := make([]string, len(sets))
	for i, names := range sets {
		out[i] = strings.Join(names, "\n")
	}
	return out
}

func (f *fields) learnLink() {
	want := wanted(f, func(e *catalogue.Event) string { return e.Prose().Link })
	var among []*candidate
	for _, p := range f.paths {
		if p.list == "" && p.mentions(want) {
			among = append(among, f.candidates(p, rankIn(values.PageKeys, p), "url")...)
		}
	}
	f.link = chain(want, among, mostAlternatives)
	if len(f.link) == 0 {
		f.link = f.linkByValue()
	}
	f.doubt("link", f.link, missedBy(f.link, want), want)
}

// linkByValue takes a field for the link because it holds the whole URL of a page, where no name says so.
func (f *fields) linkByValue() []*candidate {
	var best *path
	most := 0
	for _, p := range f.paths {
		if ofAnother(p) {
			continue
		}
		if n := p.pages(); n > most || n == most && n > 0 && len(p.keys) < len(best.keys) {
			best, most = p, n
		}
	}
	if best == nil {
		return nil
	}
	return f.candidates(best, unnamed, "url")
}

// people gives the candidates that may name the people wanted.
func (f *fields) people(wanted, names []string, lists bool) []*candidate {
	var out []*candidate
	for _, p := range f.paths {
		if (lists || p.list == "") && p.mentions(wanted) {
			out = append(out, f.candidates(p, rankIn(names, p), "account", "login", "person", "")...)
		}
	}
	return out
}

// candidates read a path by each of the functions that find something there.
func (f *fields) candidates(p *path, rank int, functions ...string) []*candidate {
	var out []*candidate
	for i, function := range functions {
		if c := f.candidate(p, rank, i, function); c != nil {
			out = append(out, c)
		}
	}
	return out
}

func (f *fields) candidate(p *path, rank, turn int, function string) *candidate {
	return f.tried(&candidate{path: p, f: function, rank: rank, turn: turn})
}

// tried tries a candidate on the messages; nil where it finds nothing in any.
func (f *fields) tried(c *candidate) *candidate {
	probe, err := catalogue.NewProbe(f.app, c.expression())
	if err != nil {
		return nil
	}
	c.names = nil
	some := false
	for _, m := range f.messages {
		names := probe.Texts(f.catalogue, m)
		c.names = append(c.names, names)
		some = some || len(names) > 0
	}
	if !some {
		return nil
	}
	return c
}

// naming are the fields of an object that hold its name.
var naming = []string{"name", "username", "login", "nick", "nickname", "full_name", "title", "nvr", "id"}

// joinedWord makes names of fields comparable: createdBy and created_by are createdby.
func joinedWord(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return r
	}, name))
}

// sameWord reports whether joinedWord makes the same of both. Drafting asks it some million times.
func sameWord(a, b string) bool {
	a, b = strings.TrimLeft(a, "_-"), strings.TrimLeft(b, "_-")
	return a == b || len(a) > 0 && len(b) > 0 && a[0]|' ' == b[0]|' ' && joinedWord(a) == joinedWord(b)
}

// rankIn gives the place of a field among names: that of the object whose name it is, or that of its own name. Those at
// the top come first.
func rankIn(names []string, p *path) int {
	const deeper = 200
	place := func(key string) int {
		return slices.IndexFunc(names, func(name string) bool { return sameWord(name, key) })
	}
	if i := place(p.parent()); i >= 0 && slices.Contains(naming, p.key()) {
		return 10*i + 5 + deeper*(len(p.keys)-2)
	}
	if i := place(p.key()); i >= 0 {
		return 10*i + deeper*(len(p.keys)-1)
	}
	return unnamed
}
