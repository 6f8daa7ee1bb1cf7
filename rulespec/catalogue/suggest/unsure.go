package suggest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// doubt says in the draft what is not sure about a field that was learned.
func (f *fields) doubt(field string, chosen []*candidate, missed []int, wanted []string) {
	all := len(f.messages)
	for _, c := range chosen {
		if c.when != "" {
			f.unsure = append(f.unsure,
				fmt.Sprintf("%s: %s only where %s, as far as was seen", field, c.path.with(""), c.when))
		} else if c.rank >= unnamed {
			f.unsure = append(f.unsure,
				fmt.Sprintf("%s: %s only looks like it; its name does not say so", field, c.path.with("")))
		}
	}
	if len(missed) > 0 {
		i := missed[0]
		what, _, _ := strings.Cut(wanted[i], "\n")
		f.unsure = append(f.unsure, fmt.Sprintf("%s: not found in %d of %s, such as %q; say where it stands", field,
			len(missed), text.Plural(all, "message", "messages"), text.ElideBytes(what, 60)))
	}
	if n := f.known(chosen); field == "actor" && len(chosen) > 0 && 2*n < all {
		f.unsure = append(f.unsure, fmt.Sprintf("actor: there in %d of %d messages only", n, all))
	}
}

// doubtRest says what nothing was found for.
func (d *draftEntry) doubtRest() {
	d.doubtNobody()
	d.unsure = append(d.unsure, d.fields.unsure...)
	add := func(format string, args ...any) { d.unsure = append(d.unsure, fmt.Sprintf(format, args...)) }
	if d.identity == nil {
		add("objects: nothing found that tells one thing from another")
	}
	if of := d.ofAnotherThing(); of != "" {
		add("objects: %s is named after another thing (%s) than the topic's word (%s); say which one it is",
			d.identity.expression, of, d.nouns[len(d.nouns)-1])
	}
	d.doubtSeverity(add)
}

// doubtSeverity names the results whose severity is not known, and the want of one where something was built or tested.
func (d *draftEntry) doubtSeverity(add func(format string, args ...any)) {
	if d.result == nil {
		if p := d.numberedResult(); p != nil {
			add("severity: %s is a number (%s); what each means stands nowhere", p.expression,
				strings.Join(d.resultWords(p), ", "))
		} else if d.topicHarm() == "" && !d.isPart() && (d.keyword == "build" || d.keyword == "test") {
			add("severity: nothing found that says how it came out")
		}
		return
	}
	var unknown []string
	for _, word := range d.resultWords(d.result) {
		if d.harmOf(word) == "" {
			unknown = append(unknown, word)
		}
	}
	if len(unknown) > 0 {
		add("severity: what %s means is not known; add it to harm", strings.Join(unknown, ", "))
	}
}

// noLink is said once of an application none of whose entries has a link, and else of each that has none.
const noLink = "link: no page of the thing found; where it has one, build it: https://HOST/{{.msg.id}}"

// doubtLinks says where no link was found, and gives what holds for the application.
func doubtLinks(entries []*draftEntry) string {
	without := func(d *draftEntry) bool { return len(d.link) == 0 }
	with := func(d *draftEntry) bool { return !without(d) }
	if len(entries) > 1 && !slices.ContainsFunc(entries, with) {
		return noLink
	}
	for _, d := range entries {
		if without(d) {
			d.unsure = append(d.unsure, noLink)
		}
	}
	return ""
}
