package convention

import (
	"cmp"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// ofWhole are what people do to the whole, even where the topic names a part: a reviewer unapproved a pull request.
var ofWhole = []string{"approved", "unapproved", "reviewed", "assigned", "unassigned"}

// thing names what somebody did something to, with an article where it needs one; "" where it has no name.
func (r *Reading) thing() string {
	noun := r.noun()
	if t := r.ticket(); t != "" {
		more := r.beyondTicket()
		switch {
		case more == "" || slices.Contains(ofWhole, r.verb.past):
			return t
		case strings.HasSuffix(more, "patch set"):
			if n := number(r.thingOf("patchset"), "patch set"); n != "" {
				return "patch set " + n + " of " + t
			}
		}
		return "the " + strings.TrimSpace(more+" "+r.part(more)) + cmp.Or(joins[r.verb.past], " of ") + t
	}
	if ref, kind := r.ref(); (noun == "" || noun == kind) && r.first("ref") != nil && ref != "" {
		return "the " + kind + " " + ref
	}
	if noun == "" {
		name := values.Plain(r.first("title", "name"))
		if isName(name) && (len(r.things) == 0 || r.first("title") != nil) {
			return name
		}
		return r.place()
	}
	if r.placeIs(noun) {
		return "the " + noun + " " + r.place()
	}
	if name := r.name(); name != "" {
		return "the " + noun + " " + name
	}
	if _, titled := r.first("title").(string); titled || r.id() == "" {
		return "the " + noun
	}
	return "the " + noun + " " + r.id()
}

// joins are how a part goes to the whole or from it.
var joins = map[string]string{"added": " to ", "removed": " from "}

// part gives the names of parts that the body lists under their noun: {"tags": ["easy"]}.
func (r *Reading) part(noun string) string {
	for _, key := range []string{noun, noun + "s"} {
		switch v := r.first(key).(type) {
		case string, []any:
			if s := values.Line(values.Plain(v), maxPart); isName(s) {
				return s
			}
		}
	}
	return ""
}

// maxPart is how many characters of the names of parts are shown.
const maxPart = 50

// thingOf gives the object under a key, or nil.
func (r *Reading) thingOf(key string) map[string]any {
	for _, t := range r.things {
		if t.key == key {
			return t.object
		}
	}
	return nil
}

// beyondTicket gives the words of the topic after that for the thing with a number: the flag of a pull request.
func (r *Reading) beyondTicket() string {
	noun, _ := r.ticketOf()
	for i, n := range slices.Backward(r.nouns) {
		if singular(n) == noun {
			return strings.Join(r.nouns[i+1:], " ")
		}
	}
	return strings.Join(r.nouns, " ")
}

// placeIs says whether a noun is the repository itself.
func (r *Reading) placeIs(noun string) bool {
	return slices.Contains(places, keyOf(noun)) && r.place() != ""
}

// prepositions are those of verbs that need one.
var prepositions = map[string]string{"commented": "on ", "replied": "to ", "voted": "on ", "reacted": "to ",
	"subscribed": "to ", "unsubscribed": "from ", "reported": "on "}

// active says who did what.
func (r *Reading) active(who string) string {
	past, thing := r.verb.past, r.thing()
	ticket := r.ticket()
	if ticket != "" && thing == ticket && past == "created" {
		past = "opened"
	}
	if past == "synchronized" {
		past = "updated"
	}
	switch beyond := r.beyondTicket(); {
	case ticket != "" && beyond == "assigned" && past == "added":
		past, thing = "assigned", ticket
	case ticket != "" && beyond == "assigned":
		past, thing = "unassigned", ticket
	}
	s := who + " " + past + " " + prepositions[past] + thing
	if to := called(r.first("assignee")); past == "assigned" && to != "" && ticket != "" {
		s += " to " + to
	}
	if len(r.rest) > 0 && r.rest[0] != "v2" {
		s += " " + strings.Join(r.rest, " ")
	}
	if at := r.place(); ticket == "" && at != "" && !strings.Contains(s, at) {
		s += " in " + at
	}
	if d := r.details(s); d != "" && ticket == "" {
		s += " (" + d + ")"
	}
	line := without(s, r.title())
	if line == "" && ticket == "" {
		line = without(s, r.text(r.main))
	}
	return withText(s, line)
}
