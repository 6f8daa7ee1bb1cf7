package suggest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// role gives the fields with one of the names, at most so many objects down, that say something in most messages: the
// first, and another for messages that lack it.
func (f *fields) role(names []string, deepest, most int) []*path {
	type named struct {
		*path
		seen, rank int
	}
	var fit []named
	for _, p := range f.paths {
		rank := slices.Index(names, p.key())
		if rank < 0 || p.list != "" || len(p.keys) > deepest || foreign(p) || ofAnother(p) || !f.short(p) {
			continue
		}
		fit = append(fit, named{p, f.saying(p), 10*(len(p.keys)-1) + 3*rank})
	}
	half := func(n named) int {
		if 2*n.seen >= len(f.messages) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(fit, func(a, b named) int {
		return cmp.Or(half(a)-half(b), a.rank-b.rank, b.seen-a.seen)
	})
	var chosen []*path
	said := make([]bool, len(f.messages))
	for _, n := range fit {
		news := false
		for i := range f.messages {
			if !said[i] && f.nameAt(n.path, i) != "" {
				said[i], news = true, true
			}
		}
		if news && len(chosen) < most {
			chosen = append(chosen, n.path)
		}
	}
	return chosen
}

// foreign says whether a field belongs to somebody or something else than the event: the title of a milestone.
func foreign(p *path) bool {
	for _, key := range p.keys[:len(p.keys)-1] {
		switch strings.ToLower(key) {
		case "forkee", "sender", "user", "author", "owner", "actor", "headers", "milestone", "label", "contact",
			"_links", "links", "organization", "assignee", "committer", "license", "parent", "head", "base",
			"permissions", "pusher":
			return true
		}
	}
	return false
}

// nameAt gives the text of a message's field, or the name of the object in it.
func (f *fields) nameAt(p *path, message int) string {
	if text := p.text(message); text != "" {
		return text
	}
	if len(p.found[message]) != 1 {
		return ""
	}
	object, _ := p.found[message][0].(map[string]any)
	for _, key := range []string{"full_name", "path_with_namespace", "fullname", "name", "title", "slug", "key"} {
		if s, ok := object[key].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// isPackage says whether a field has no more than the name of a package in any message: that is in the sentence anyway.
func (f *fields) isPackage(p *path) bool {
	for i := range f.messages {
		name := f.nameAt(p, i)
		is := func(c *candidate) bool { return slices.Contains(c.names[i], name) }
		if name != "" && !slices.ContainsFunc(f.packages, is) {
			return false
		}
	}
	return true
}

// saying says in how many messages a field has a text or a name.
func (f *fields) saying(p *path) int {
	n := 0
	for i := range f.messages {
		if f.nameAt(p, i) != "" {
			n++
		}
	}
	return n
}

// short says whether a field has texts that can stand in a sentence, and no links.
func (f *fields) short(p *path) bool {
	for i := range f.messages {
		if text := f.nameAt(p, i); len(text) > 2000 || values.Link(text) != "" {
			return false
		}
	}
	return true
}

// known says in how many messages a chain finds somebody.
func (f *fields) known(chain []*candidate) int {
	n := 0
	for i := range f.messages {
		if firstOf(chain, i) != "" {
			n++
		}
	}
	return n
}

// identify looks for the field that tells one thing from the others: msg.job.id before msg.id before msg.job_id; the
// thing is called by the topic's words.
func (f *fields) identify(nouns []string) *path {
	var best *path
	bestRank := 0
	about := "" // the object that the sentence is about
	if title := f.role(titleFields, 3, 1); len(title) > 0 {
		about = title[0].parent()
	}
	for _, p := range f.paths {
		name, of := idName(p)
		rank := slices.Index(idFields, name)
		if slices.Contains(nouns, p.key()) && f.isNumber(p) {
			rank, of = len(idFields), p.key() // build: 42
		}
		if rank < 0 || p.list != "" || len(p.keys) > 3 || foreign(p) || 2*f.saying(p) < len(f.messages) {
			continue
		}
		if ofAnother(p) && !slices.Contains(nouns, p.parent()) || len(p.keys) == 1 && of == "" && long(p) {
			continue // the id of the message itself
		}
		rank += 10 * len(p.keys)
		isNoun := func(noun string) bool {
			return noun == p.parent() || noun == of || strings.ReplaceAll(noun, " ", "") == of
		}
		switch {
		case about != "" && p.parent() == about:
			rank -= 40
		case slices.ContainsFunc(nouns, isNoun):
			rank -= 30
		case of != "":
			rank += 20
		}
		if best == nil || rank < bestRank {
			best, bestRank = p, rank
		}
	}
	return best
}

// isNumber says whether a field has a whole number in some message, and never anything else.
func (f *fields) isNumber(p *path) bool {
	some := false
	for i := range f.messages {
		text := p.text(i)
		if text != "" && strings.Trim(text, "0123456789") != "" {
			return false
		}
		some = some || text != ""
	}
	return some
}

// idName divides the name of a field: id and pullrequest for pullRequestId; number and nothing for number.
func idName(p *path) (name, of string) {
	words := parts(p.keys[len(p.keys)-1])
	if len(words) == 0 {
		return "", ""
	}
	last := len(words) - 1
	if last > 0 && words[last] != "id" && words[last] != "number" && words[last] != "nvr" {
		return "", ""
	}
	return words[last], strings.Join(words[:last], "")
}

// factsFor gives short texts for a sentence that would say little else: those that are called as facts are, then those
// in capitals.
func (f *fields) factsFor(w *wording) []*path {
	const most = 4
	var facts []*path
	used := append(slices.Clone(w.title), w.where, w.id, w.result, w.action)
	for _, capitals := range []bool{false, true} {
		for _, p := range f.paths {
			fits := slices.Contains(factFields, p.key())
			if capitals {
				fits = p.keys[len(p.keys)-1] == strings.ToUpper(p.key()) && len(p.key()) > 2
			}
			if fits && p.list == "" && len(p.keys) <= 2 && !foreign(p) && !ofAnother(p) && f.brief(p) &&
				!slices.Contains(used, p) && !slices.Contains(facts, p) {
				facts = append(facts, p)
			}
		}
	}
	slices.SortStableFunc(facts, func(a, b *path) int { return factRank(a) - factRank(b) })
	return facts[:min(len(facts), most)]
}

func factRank(p *path) int {
	if i := slices.Index(factFields, p.key()); i >= 0 {
		return i
	}
	return len(factFields)
}

// brief says whether a field has a word or two in some message, and never more.
func (f *fields) brief(p *path) bool {
	some := false
	for i := range f.messages {
		text := p.text(i)
		if len(text) > 60 || values.Link(text) != "" {
			return false
		}
		some = some || text != ""
	}
	return some
}
