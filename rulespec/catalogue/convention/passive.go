package convention

import (
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// passive says what happened to what.
func (r *Reading) passive(who string, packages []string) string {
	s := r.head()
	name, of := r.name(), false
	if t := r.ticket(); t != "" {
		if name = t; !strings.Contains(t, "#") {
			noun, _ := r.ticketOf()
			s = strings.TrimSpace(strings.TrimSuffix(s, noun))
		}
	}
	at := r.place()
	if name == "" {
		switch {
		case len(packages) > 0:
			name = strings.Join(packages[:min(len(packages), 3)], ", ")
		case at != "" && r.made2(at):
			name = at
			if n := number(r.thingOf(keyOf(r.inmost())), r.inmost()); n != "" {
				s += " " + n
			}
		case len(r.nouns) == 0:
			if name = values.Line(values.Plain(r.first("name", "title")), maxTitle); !isName(name) {
				name = ""
			}
		case r.id() != "":
			name = r.id()
		}
	}
	if name != "" && s != "" && !strings.Contains(s, name) {
		of = r.made2(name)
		switch {
		case of:
			s += " of " + name
		case len(r.noun()) > 0:
			s += " " + name
		}
	}
	res, said := r.Result()
	predicate := ""
	switch {
	case said:
		predicate = res.Words
	case r.verb.past != "":
		predicate = r.verb.past
		if r.verb.past == r.last || r.verb.known {
			predicate = strings.TrimSpace(r.verb.past + " " + strings.Join(r.rest, " "))
		}
	}
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
	line := r.title()
	if line == "" || strings.Contains(s, line) {
		line = r.text(r.main)
	}
	if s2 := without(s, line); s2 != "" {
		return withText(s, s2)
	}
	if name+d+who+at == "" {
		return s + r.leftovers(s)
	}
	return s
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

// made2 says whether a noun is made of what the name says: the build of tea-1.0.
func (r *Reading) made2(name string) bool {
	noun := r.noun()
	for _, n := range []string{"build", "test", "pipeline", "scan", "analysis", "rebuild", "comparison", "image", "upload", "check",
		"result", "decision"} {
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
