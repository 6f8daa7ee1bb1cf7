package web

import (
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A preset is an example that a filter can start from.
type preset struct {
	key, name string
	words     string // instead of the sentence, where a value is still to be filled in
	rules     []rulespec.Rule
}

// presetView is a preset on the page.
type presetView struct{ Key, Name, Sentence string }

// presets are the examples, the commonest wish first.
var presets = []preset{
	{key: "mine", name: "What others do to my packages", rules: []rulespec.Rule{
		rule("owner", false, "user", rulespec.Me), rule("actor", true, "name", rulespec.Me)}},
	{key: "mentions", name: "What involves me", rules: []rulespec.Rule{
		rule("user", false, "name", rulespec.Me), rule("actor", true, "name", rulespec.Me)}},
	{key: "trouble", name: "Trouble with my packages", rules: []rulespec.Rule{
		rule("owner", false, "user", rulespec.Me), rule("severity", false, "least", "warning")}},
	{key: "critical", name: "Only what is critical", rules: []rulespec.Rule{rule("severity", false, "least", "critical")}},
	{key: "package", name: "One package", words: "When a package that you name is concerned.",
		rules: []rulespec.Rule{rule("package", false, "name")}},
	{key: "word", name: "A word in the text", words: "When the message has a word that you name.",
		rules: []rulespec.Rule{rule("regex", false, "pattern")}},
}

// rule makes a rule of one parameter; without values the user fills it in.
func rule(kind string, not bool, param string, values ...string) rulespec.Rule {
	r := rulespec.Rule{Kind: kind, Not: not, Args: rulespec.Args{}}
	if len(values) > 0 {
		r.Args[param] = values
	}
	return r
}

func (p preset) filter() prefs.Filter {
	return prefs.Filter{Filter: rulespec.Filter{Name: p.name, Rules: p.rules}, On: true}
}

// sentence returns in words what the example matches.
func (p preset) sentence() string {
	if p.words != "" {
		return p.words
	}
	return capital(rulespec.Sentence(rulespec.Env{}, p.filter().Filter)) + "."
}

func presetOf(key string) (prefs.Filter, bool) {
	for _, p := range presets {
		if p.key == key {
			return p.filter(), true
		}
	}
	return prefs.Filter{}, false
}

// filterLike makes a filter for messages like e: the same kind, and the same packages if it has any.
func filterLike(e *catalogue.Event) prefs.Filter {
	f := prefs.Filter{On: true}
	if strings.HasSuffix(e.Kind, ".unknown") || e.Kind == "" {
		f.Rules = append(f.Rules, rule("topic", false, "pattern", e.Topic))
		f.Name = "Like " + e.Title
	} else {
		f.Rules = append(f.Rules, rule("kind", false, "name", e.Kind))
		f.Name = e.KindName
	}
	if len(e.Packages) > 0 {
		names := e.Packages[:min(len(e.Packages), 5)]
		f.Rules = append(f.Rules, rule("package", false, "name", names...))
		f.Name += " of " + text.Series(names, "and")
	}
	f.Name = text.ElideBytes(text.OneLine(f.Name), 120)
	return f
}
