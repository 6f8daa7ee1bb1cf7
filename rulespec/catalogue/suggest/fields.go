package suggest

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
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

func actorOf(e *catalogue.Event) string { return e.Actor }

// learnActor looks for who did it. What fits all messages of the application goes before what fits these alone: in few
// messages many fields have the same name in them. It says whether that fits.
func (f *fields) learnActor(shared []*candidate) bool {
	want := wanted(f, actorOf)
	f.actor = f.again(shared)
	missed := len(missedBy(f.actor, want)) > 0
	if missed {
		f.actor = chain(want, f.people(want, convention.ActorFields, false), mostAlternatives)
	}
	f.doubt("actor", f.actor, missedBy(f.actor, want), want)
	if len(f.actor) == 0 {
		f.learnWho()
	}
	return !missed
}

// learnWho looks for whom sentences name, though it is nobody's account.
func (f *fields) learnWho() {
	var want []string
	for _, m := range f.messages {
		want = append(want, convention.Read(topics.Divide(m.Topic).Words, m.Body).Who())
	}
	var among []*candidate
	for _, p := range f.paths {
		if p.list == "" && p.mentions(want) {
			among = append(among, f.candidates(p, rankIn(convention.ActorFields, p), "person")...)
		}
	}
	f.who = chain(want, among, mostAlternatives)
}

// again gives candidates as they are on these messages; those that find nothing in any are left out.
func (f *fields) again(shared []*candidate) []*candidate {
	var out []*candidate
	for _, c := range shared {
		if here := f.candidate(c.path, c.rank, c.turn, c.f); here != nil {
			out = append(out, here)
		}
	}
	return out
}

// sharedActor gives the fields that say who did it in all messages of an application, and more that have the name of
// such a field, for the messages to come.
func (f *fields) sharedActor() []*candidate {
	want := wanted(f, actorOf)
	among := f.people(want, convention.ActorFields, false)
	out := chain(want, among, mostAlternatives)
	slices.SortFunc(among, func(a, b *candidate) int { return order(a, b, 0, 0) })
	for _, c := range among {
		if len(out) < 3 && c.rank < unnamed && !c.isWrong(want) && !sameAs(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (f *fields) learnUsers() {
	want := wanted(f, func(e *catalogue.Event) []string { return e.Users })
	f.users = f.members("users", want, f.people(joined(want), convention.UserFields, true))
	if len(f.actor) > 0 { // the actor is counted in
		f.users = slices.DeleteFunc(f.users, func(c *candidate) bool { return sameAs(f.actor, c) && f.counted(c) })
	}
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
	f.doubt(field, fresh, missed, joined(want)) // what is not sure about the actor is said there
	return out
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
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// rankIn gives the place of a field among names: that of the object whose name it is, or that of its own name. Those at
// the top come first.
func rankIn(names []string, p *path) int {
	const deeper = 200
	place := func(key string) int {
		return slices.IndexFunc(names, func(name string) bool { return joinedWord(name) == joinedWord(key) })
	}
	if i := place(p.parent()); i >= 0 && slices.Contains(naming, p.key()) {
		return 10*i + 5 + deeper*(len(p.keys)-2)
	}
	if i := place(p.key()); i >= 0 {
		return 10*i + deeper*(len(p.keys)-1)
	}
	return unnamed
}
