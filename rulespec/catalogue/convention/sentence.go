package convention

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue/values"
)

// Sentence says what happened. packages are those that the message is about.
func (r *Reading) Sentence(packages []string) string {
	s := r.said(packages)
	return values.WithoutDomains(s)
}

func (r *Reading) said(packages []string) string {
	if len(r.main) == 0 {
		return withText(r.head(), r.plain)
	}
	who := r.Who()
	switch {
	case r.talks() && who != "" && r.commented(who) != "":
		return r.commented(who)
	case r.isPush() && who != "":
		return r.pushed(who)
	case who != "" && r.verb.known && r.verb.does == byPeople && !r.isState() && r.thing() != "":
		return r.active(who)
	}
	return r.passive(who, packages)
}

// isState says whether the topic tells of a state: nobody changed that, the thing came to it.
func (r *Reading) isState() bool {
	return slices.Contains(r.nouns, "state") || slices.Contains(r.nouns, "status")
}

// noun gives the words for the thing.
func (r *Reading) noun() string {
	nouns := slices.Clone(r.nouns)
	for i, n := range nouns {
		if n == "git" || n == "event" && len(nouns) > 1 && i > 0 {
			nouns[i] = ""
		}
		if len(nouns) == 1 || i == len(nouns)-1 {
			if s := singular(n); r.named(s) {
				nouns[i] = s
			}
		}
	}
	if len(nouns) > 1 && slices.Contains(places, keyOf(nouns[0])) && r.place() != "" {
		nouns[0] = "" // the sentence names the repository
	}
	nouns = slices.DeleteFunc(nouns, func(n string) bool {
		return n == "" || n == "recent change" || n == "state" || n == "status" && len(nouns) > 1
	})
	return strings.Join(nouns, " ")
}

func (r *Reading) named(noun string) bool {
	return slices.ContainsFunc(r.things, func(t thing) bool { return t.key == keyOf(noun) }) || r.numbered()
}

// head gives the words of the topic without the verb.
func (r *Reading) head() string {
	if len(r.main) == 0 {
		words := append([]string{r.app}, r.nouns...)
		if r.last != "" {
			words = append(words, r.verb.past)
		}
		return strings.Join(append(words, r.rest...), " ")
	}
	return strings.TrimSpace(r.appPart() + " " + r.noun())
}

// appPart gives the application where the sentence needs it to be understood.
func (r *Reading) appPart() string {
	if slices.Contains([]string{"ci", "git", "github", "gitlab", "umb"}, strings.ToLower(r.app)) && len(r.noun()) > 0 {
		return ""
	}
	return r.app
}

func withIn(s, at string) string {
	if at == "" || strings.Contains(s, at) {
		return s
	}
	return s + " of " + at
}

// withText gives a sentence with a text after a colon.
func withText(s, line string) string {
	if line == "" {
		return s
	}
	if s == "" {
		return line
	}
	return s + ": " + line
}

// without leaves out a text that the sentence has already.
func without(s, line string) string {
	if strings.Contains(s, line) {
		return ""
	}
	return line
}
