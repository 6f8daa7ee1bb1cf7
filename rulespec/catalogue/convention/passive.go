package convention

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// passive says what happened to what.
func (r *Reading) passive(who string, packages []string) string {
	s := r.head()
	name := r.name()
	if t := r.ticket(); t != "" {
		if name = t; !strings.Contains(t, "#") {
			noun, _ := r.ticketOf()
			s = strings.TrimSpace(strings.TrimSuffix(s, noun))
		}
	}
	at := r.place()
	if name == "" {
		if name = r.otherName(packages, at); name == at && at != "" && len(packages) == 0 {
			if n := number(r.thingOf(keyOf(r.inmost())), r.inmost()); n != "" {
				s += " " + n
			}
		}
	}
	of := false
	if name != "" && s != "" && !strings.Contains(s, name) {
		of = r.isMadeOf(name)
		switch {
		case of:
			s += " of " + name
		case len(r.noun()) > 0:
			s += " " + name
		}
	}
	predicate, said := r.predicate()
	its := said || r.verb.does == byItself
	its = its && (of || name == "" && r.noun() != "" || name != "" && strings.Contains(s, name))
	if who != "" && its {
		s += " by " + who
	}
	if predicate != "" {
		s += " " + predicate
	}
	if who != "" && !its {
		s += " by " + who
	}
	if !strings.Contains(s, name) {
		s += ": " + name
	}
	if at != "" && !strings.Contains(s, at) && !of {
		s += " in " + at
	}
	s += r.moved(said)
	d := r.details(s)
	if d != "" {
		s += " (" + d + ")"
	}
	return r.withTitle(s, name+d+who+at == "")
}

// withTitle ends a sentence with the title or text of what it is about. bare: it says nothing but the topic, so that
// what is left over is better than nothing.
func (r *Reading) withTitle(s string, bare bool) string {
	line := r.title()
	if line == "" || strings.Contains(s, line) {
		line = r.text(r.main)
	}
	if line = without(s, line); line != "" {
		return withText(s, line)
	}
	if bare {
		return s + r.leftovers(s)
	}
	return s
}

// otherName names what has no name of its own: by its packages, by where it is, by its number.
func (r *Reading) otherName(packages []string, at string) string {
	switch {
	case len(packages) > 0:
		return strings.Join(packages[:min(len(packages), 3)], ", ")
	case at != "" && r.isMadeOf(at):
		return at
	case len(r.nouns) == 0:
		if name := values.Line(values.Plain(r.first("name", "title")), maxTitle); isName(name) {
			return name
		}
		return ""
	}
	return r.id()
}

// predicate says what became of it, and whether that is a result.
func (r *Reading) predicate() (words string, result bool) {
	res, said := r.Result()
	switch {
	case said:
		return res.Words, true
	case r.verb.past != "" && (r.verb.past == r.last || r.verb.known):
		return strings.TrimSpace(r.verb.past + " " + strings.Join(r.rest, " ")), false
	}
	return r.verb.past, false
}

// moved says from what to what something changed.
func (r *Reading) moved(said bool) string {
	if said {
		return ""
	}
	to := values.Plain(r.first("to", "new", "new_state", "new_status", "state_name"))
	from := values.Plain(r.first("from", "old"))
	switch {
	case !isName(to) || len(to) > 40 || strings.ContainsAny(to, "/@") || isCount(to) || to == "0":
		return ""
	case isName(from) && len(from) <= 40:
		return " from " + from + " to " + to
	}
	return " to " + to
}

// isMadeOf says whether a noun is made of what the name says: the build of tea-1.0.
func (r *Reading) isMadeOf(name string) bool {
	noun := r.noun()
	for _, n := range []string{"build", "test", "pipeline", "scan", "analysis", "rebuild", "comparison", "image", "upload",
		"check", "result", "decision"} {
		if strings.HasSuffix(noun, n) || strings.Contains(noun, n+" ") {
			return !isCount(name)
		}
	}
	return false
}

// inmost gives the last name in the topic.
func (r *Reading) inmost() string {
	if len(r.nouns) == 0 {
		return ""
	}
	return singular(r.nouns[len(r.nouns)-1])
}
