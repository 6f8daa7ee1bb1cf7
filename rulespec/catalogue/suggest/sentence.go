package suggest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// What the fields of a sentence are called, the best name first.
var (
	titleFields = []string{"title", "subject", "display_title", "synopsis", "headline", "summary", "name", "message",
		"text", "description", "reason", "state_reason"}
	whereFields = []string{"repository", "repo", "project", "collection", "product", "wiki", "server_name", "namespace",
		"group"}
	idFields   = []string{"number", "iid", "id", "index", "key", "nvr", "uuid"}
	factFields = []string{"branch", "ref_type", "ref", "tag", "stream", "test", "build", "machine", "arch", "chroot",
		"distro", "target", "flavor", "group_id", "environment", "hostname", "host"}
)

// A wording is what the sentence of an entry is made of.
type wording struct {
	noun, verb string // of the topic's words; verb may be an action
	action     *path  // the field that says what was done: opened
	title      []*path
	where, id  *path
	own        *path // what the topic's thing is called where id is that of another
	whom       *path // somebody else who is involved
	active     bool  // somebody did it to the thing; otherwise the thing did it
	result     *path
	facts      []*path
}

// word finds the words of a sentence.
func (d *draftEntry) word() *wording {
	w := &wording{result: d.result, id: d.identity, own: d.ownName()}
	w.nounAndVerb(d)
	w.title = slices.DeleteFunc(d.role(titleFields, 3, 2), d.isPackage)
	if where := d.role(whereFields, 2, 1); len(where) > 0 {
		w.where = where[0]
	}
	if len(w.title) == 0 || w.noun == "" {
		w.facts = d.factsFor(w)
	}
	w.active = w.verb != "" && !byItself(w.verb) && 2*max(d.known(d.actor), d.known(d.who)) >= len(d.messages)
	for _, c := range d.users {
		if w.active && w.whom == nil && len(w.title) == 0 && c.path.list == "" && !sameAs(d.actor, c) &&
			!ofAnother(c.path) {
			w.whom = c.path
		}
	}
	return w
}

// nounAndVerb divides the words of the topic after the application: pull request and created. What the body has as the
// action goes before the topic's verb.
func (w *wording) nounAndVerb(d *draftEntry) {
	var nouns []string
	for i, word := range d.seen.words[1:] {
		if word == "" {
			nouns = append(nouns, "{{.word"+strconv.Itoa(i+2)+"}}")
			continue
		}
		nouns = append(nouns, parts(word)...)
	}
	if a := d.role([]string{"action"}, 2, 1); len(a) > 0 {
		w.action = a[0]
	}
	last := len(nouns) - 1
	if w.action != nil && d.areVerbs(w.action) {
		w.verb = "{{" + w.action.inSentence("") + "}}"
		if last > 0 && d.saysAgain(nouns[last]) {
			nouns = nouns[:last] // assigned the issue, not the issue assign
		}
		w.action = nil
	} else if last >= 0 {
		if v, ok := convention.VerbOf(nouns[last]); ok {
			w.verb, nouns = v.Past, nouns[:last]
		}
	}
	w.noun = strings.Join(nouns, " ")
}

// areVerbs says whether a field says what was done, each time in one word that can stand behind a name.
func (d *draftEntry) areVerbs(p *path) bool {
	for i := range d.messages {
		word := strings.ToLower(p.text(i))
		if word != "" && (pastOf(word) != word || len(parts(word)) > 1) {
			return false
		}
	}
	return true
}

func pastOf(word string) string {
	v, _ := convention.VerbOf(word)
	return v.Past
}

// saysAgain says whether the actions are the same verb as a word of the topic.
func (d *draftEntry) saysAgain(noun string) bool {
	actions := d.role([]string{"action"}, 2, 1)
	for i := range d.messages {
		action := strings.ToLower(actions[0].text(i))
		if action != pastOf(noun) && action != noun+"ed" && action != noun+"d" && action != "un"+noun+"ed" {
			return false
		}
	}
	return true
}

// write gives the sentence.
func (w *wording) write(d *draftEntry) string {
	var b strings.Builder
	switch {
	case w.active && w.noun != "":
		b.WriteString("{{.who}} " + w.act())
	case w.active:
		b.WriteString("{{.who}} " + w.verb)
	default:
		if len(d.actor)+len(d.who) > 0 {
			b.WriteString("[{{.who}}: ]")
		}
		b.WriteString(strings.TrimSpace(d.app + " " + w.noun))
	}
	if w.noun == "" {
		w.writeFacts(&b)
	}
	w.thing(&b, d)
	switch {
	case w.active || w.verb == "":
	case strings.HasPrefix(w.verb, "{{"):
		b.WriteString("[ " + w.verb + "]")
	default:
		b.WriteString(" " + w.verb)
	}
	if len(d.packages) > 0 && (w.own == nil || w.own != d.buildField()) { // the name of a build begins with its package
		b.WriteString("[ for {{series .pkgs 3}}]")
	}
	if w.noun != "" {
		w.writeFacts(&b)
	}
	w.rest(&b)
	return b.String()
}

// act gives what somebody did to what: opened the issue; commented on the issue.
func (w *wording) act() string {
	noun := convention.Singular(w.noun)
	for _, said := range []string{"comment", "note"} {
		if on, ok := strings.CutSuffix(noun, said); ok && strings.HasPrefix(w.verb, "{{") {
			on = strings.TrimSpace(cmp.Or(strings.TrimSpace(on), "a thread"))
			field := strings.Trim(w.verb, "{}")
			return "{{if eq " + field + " \"created\"}}commented on{{else}}" + w.verb + " a comment on{{end}} the " + on
		}
	}
	return w.verb + " the " + noun
}

// thing writes which one it is: acme/tool#12, or 17.
func (w *wording) thing(b *strings.Builder, d *draftEntry) {
	number := w.id != nil && slices.Contains([]string{"number", "iid", "index"}, w.id.key())
	switch {
	case w.where != nil && number:
		b.WriteString("[ {{" + w.where.inSentence("") + "}}][#{{" + w.id.inSentence("") + "}}]")
		return
	case w.id != nil && number:
		b.WriteString("[ #{{" + w.id.inSentence("") + "}}]")
	case w.id != nil && d.ofAnotherThing() != "" && w.noun != "":
		if w.own != nil && !d.inTopic(w.own) {
			b.WriteString("[ {{" + w.own.inSentence("") + "}}]")
		}
		if !d.inTopic(w.id) && !long(w.id) {
			b.WriteString("[ (" + d.ofAnotherThing() + " {{" + w.id.inSentence("") + "}})]")
		}
	case w.id != nil && len(w.title) == 0 && w.noun != "" && !d.inTopic(w.id) && !long(w.id) && !ofAnother(w.id):
		b.WriteString("[ {{" + w.id.inSentence("") + "}}]")
	}
	if w.whom != nil {
		before := " for"
		for _, people := range []string{"member", "user", "person", "account", "assignee", "reviewer"} {
			if strings.HasSuffix(convention.Singular(w.noun), people) {
				before = ""
			}
		}
		b.WriteString("[" + before + " {{" + w.whom.inSentence("person") + "}}]")
	}
	switch {
	case w.where == nil:
	case w.verb == "pushed":
		b.WriteString("[ to {{" + w.where.inSentence("") + "}}]")
	case w.verb == "forked" && w.noun == "", w.where.key() == w.noun, strings.HasPrefix(w.noun, w.where.key()):
		b.WriteString("[ {{" + w.where.inSentence("") + "}}]")
	default:
		b.WriteString("[ in {{" + w.where.inSentence("") + "}}]")
	}
}

func (w *wording) writeFacts(b *strings.Builder) {
	for i, p := range w.facts {
		comma := ","
		if w.noun == "" && (i == 0 || w.facts[i-1].key() == "ref_type") {
			comma = ""
		}
		field := p.inSentence("")
		if p.key() == "ref" {
			field = `trim_prefix (trim_prefix ` + parenthesized(p) + ` "refs/heads/") "refs/tags/"`
		}
		b.WriteString("[" + comma + " {{" + field + "}}]")
	}
}

// rest writes what follows: the action, the title, the result.
func (w *wording) rest(b *strings.Builder) {
	if w.action != nil {
		b.WriteString("[ ({{" + w.action.inSentence("") + "}})]")
	}
	title := ""
	switch len(w.title) {
	case 1:
		title = "truncate " + parenthesized(w.title[0]) + " 90"
	case 2:
		title = "truncate (default " + parenthesized(w.title[0]) + " " + parenthesized(w.title[1]) + ") 90"
	}
	if title != "" {
		b.WriteString("[: {{" + title + "}}]")
	}
	switch {
	case w.result != nil && title != "":
		b.WriteString("[ ({{" + w.result.inSentence("") + "}})]")
	case w.result != nil:
		b.WriteString("[: {{" + w.result.inSentence("") + "}}]")
	}
}

func parenthesized(p *path) string {
	field := p.inSentence("")
	if strings.HasPrefix(field, ".") {
		return field
	}
	return "(" + field + ")"
}
