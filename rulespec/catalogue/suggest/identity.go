package suggest

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/convention"
)

// identityKey gives the key of the thing as the convention writes keys: the sort of thing, the application, where it
// has its number, and the id, so that job 7 and comment 7 are no one thread.
func (d *draftEntry) identityKey() *objectKey {
	p := d.identity
	name, what := idName(p)
	switch {
	case name == p.key() && slices.Contains(d.nouns, name):
		what = name
	case name == "nvr":
		return d.newKey(`"build/"`, p)
	case what != "":
	case p.parent() != "":
		what = p.parent()
	case len(d.nouns) > 0:
		what = convention.Singular(d.nouns[len(d.nouns)-1])
	default:
		what = "message"
	}
	switch what {
	case "pullrequest", "mergerequest", "pull_request", "merge_request":
		what = "pull"
	}
	start := quoteExpression(what + "/" + d.app + "/")
	if where := d.role(whereFields, 2, 1); p.key() == "number" && len(where) > 0 {
		return d.newKey(start, where[0], p)
	}
	return d.newKey(start, p)
}

// ofAnotherThing says after what a number is named that is not what the topic names: errata for errata_id where a build
// was added. "" where it is the thing's own.
func (d *draftEntry) ofAnotherThing() string {
	if d.identity == nil {
		return ""
	}
	_, of := idName(d.identity)
	if of == "" || of == d.app || len(d.nouns) == 0 || slices.ContainsFunc(d.nouns, func(noun string) bool {
		return strings.Contains(strings.Join(d.nouns, ""), of) || strings.Contains(of, noun)
	}) {
		return ""
	}
	return of
}

// ownName gives the field that is named after the topic's thing, where the number is that of another: brew_build where
// a build was added to an advisory.
func (d *draftEntry) ownName() *path {
	if d.ofAnotherThing() == "" {
		return nil
	}
	for _, p := range d.paths {
		words := parts(p.keys[len(p.keys)-1])
		if p != d.identity && p.list == "" && len(p.keys) <= 2 && len(words) > 0 && !foreign(p) && d.brief(p) &&
			slices.Contains(d.nouns, words[len(words)-1]) {
			return p
		}
	}
	return nil
}

// long says whether an identity is one that nobody reads: a hash, a UUID.
func long(p *path) bool {
	for i := range p.found {
		if len(p.text(i)) > 20 {
			return true
		}
	}
	return false
}
