package suggest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec/catalogue"
	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

// A draftEntry is an entry in the making.
type draftEntry struct {
	*fields
	seen     *seenTopic
	kind     string
	shares   bool     // who did it is found by the variables of the application
	nouns    []string // the words of the topic that name things
	result   *path    // how it came out, nil where no field says it
	identity *path    // which one it is, nil where no field says it
	keys     []*objectKey
	keyword  string
	unsure   []string
}

// newEntry works out an entry of what was seen of a topic.
func newEntry(seen *seenTopic, f *fields, shared []*candidate, taken map[string]bool) *draftEntry {
	d := &draftEntry{seen: seen, fields: f}
	d.shares = f.learnActor(shared, d.topicVerb())
	f.learnUsers()
	f.learnPackages()
	f.learnLink()
	d.kind = d.freeKind(taken)
	for _, word := range d.literals()[1:] {
		for _, part := range parts(word) {
			if happened(part) == "" && part != "status" && part != "state" { // those are of a thing, and none themselves
				d.nouns = append(d.nouns, part)
				if one := convention.Singular(part); one != part {
					d.nouns = append(d.nouns, one)
				}
			}
		}
	}
	d.keyword = d.usualKeyword()
	d.identity = d.identify(d.nouns)
	d.keys = d.learnKeys()
	return d
}

// settle works out what depends on the keyword.
func (d *draftEntry) settle() {
	if p := d.resultOf(); p != nil && d.isNews(p) {
		d.result = p
	}
	d.doubtRest()
}

// usualKeyword gives the keyword that the convention gives most of the messages, "" where it knows none.
func (d *draftEntry) usualKeyword() string {
	count := map[string]int{}
	best := ""
	for _, e := range d.events {
		if word := string(e.Keyword); word != "" && e.Keyword != catalogue.KeywordOther {
			if count[word]++; count[word] > count[best] {
				best = word
			}
		}
	}
	return best
}

// topicVerb gives what the topic says was done, at its end: merged for change-merged.
func (d *draftEntry) topicVerb() string {
	words := d.literals()
	last := parts(words[len(words)-1])
	if len(last) == 0 {
		return ""
	}
	return pastOf(last[len(last)-1])
}

// isNews says whether a field tells more than that all is well or at an end, as the state of a closed ticket does.
func (d *draftEntry) isNews(p *path) bool {
	return d.keyword == "build" || d.keyword == "test" || !slices.Contains([]string{"status", "state"}, p.key()) ||
		slices.ContainsFunc(d.resultWords(p), func(word string) bool {
			return d.harmOf(word) != "" && d.harmOf(word) != "info"
		})
}

// freeKind gives a name that no other entry has, made of the words that stay the same.
func (d *draftEntry) freeKind(taken map[string]bool) string {
	name := strings.Join(d.literals(), ".")
	if name == d.app {
		name += ".message"
	}
	kind := name
	for i := 2; taken[kind]; i++ {
		kind = name + "." + strconv.Itoa(i)
	}
	taken[kind] = true
	return kind
}

func (d *draftEntry) literals() []string {
	var words []string
	for _, w := range d.seen.words {
		if w != "" {
			words = append(words, w)
		}
	}
	return words
}

func (d *draftEntry) topic() string {
	words := make([]string, len(d.seen.words))
	for i, w := range d.seen.words {
		if words[i] = w; w == "" {
			words[i] = "{word" + strconv.Itoa(i+1) + "}"
		}
	}
	return strings.Join(words, ".")
}

// inTopic says whether the topic has what a field says.
func (d *draftEntry) inTopic(p *path) bool {
	for i, m := range d.messages {
		if said := p.text(i); said != "" && slices.Contains(topics.Divide(m.Topic).Words, said) {
			return true
		}
	}
	return false
}

// examples are messages that together have all that the entry reads, the fullest first.
func (d *draftEntry) examples() []string {
	const most = 5
	var out []string
	shown := map[string]bool{}
	for len(out) < most {
		best, bestNew := -1, 0
		for i, m := range d.messages {
			fresh := 0
			for _, read := range d.reads(i) {
				if !shown[read] {
					fresh++
				}
			}
			if (fresh > bestNew || best < 0 && len(out) == 0) && oneLineJSON(m.Payload) != "" {
				best, bestNew = i, fresh
			}
		}
		if best < 0 {
			break
		}
		out = append(out, oneLineJSON(d.messages[best].Payload))
		for _, read := range d.reads(best) {
			shown[read] = true
		}
	}
	return out
}

// reads lists the expressions of the entry that a message fills.
func (d *draftEntry) reads(message int) []string {
	var out []string
	for _, chain := range [][]*candidate{d.actor, d.users, d.packages, d.link} {
		for _, c := range chain {
			if len(c.names[message]) > 0 {
				out = append(out, c.expression())
			}
		}
	}
	if d.result != nil && d.harmOf(d.result.text(message)) != "" {
		out = append(out, "severity")
	}
	for _, k := range d.keys {
		if k.keys[message] != "" {
			out = append(out, "objects "+k.expression)
		}
	}
	return out
}

// severity gives a word where the topic says it, an expression where a field does, "" where nothing does.
func (d *draftEntry) severity() string {
	switch {
	case d.result != nil && len(d.resultWords(d.result)) > 1:
		return "harm[lower(" + d.result.expression + ")]"
	case d.topicHarm() != "" && !d.saysHarm():
		return d.topicHarm()
	case d.result != nil:
		return "harm[lower(" + d.result.expression + ")]"
	}
	return ""
}

// saysHarm says whether the result that all messages have is the severity's reason, and not the topic.
func (d *draftEntry) saysHarm() bool {
	if d.result == nil {
		return false
	}
	words := d.resultWords(d.result)
	return len(words) == 1 && d.harmOf(words[0]) == d.topicHarm()
}

// alternatives gives an expression for the first of several that says something.
func alternatives(chain []*candidate, f func(*candidate) string) string {
	var all []string
	for _, c := range chain {
		all = append(all, f(c))
	}
	if len(all) == 1 {
		return all[0]
	}
	return "default(" + strings.Join(all, ", ") + ")"
}

// seenTimes says how often a topic was seen.
func (d *draftEntry) seenTimes() string {
	return fmt.Sprintf("seen %s", text.Plural(d.seen.count, "time", "times"))
}
