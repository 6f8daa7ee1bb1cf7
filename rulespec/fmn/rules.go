package fmn

import (
	"slices"
	"strings"

	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// A translation makes rules of ours from the arguments of one of FMN's, all of which must hold; or it says why there
// are none.
type translation func(s *translator, args arguments) (rules []rulespec.Rule, reason string)

// A translator has what a translation needs beside the arguments.
type translator struct {
	catalogue *catalogue.Catalogue
	nick      string // the account that the export belongs to; "" where it names none
}

// translate gives the rules that stand for the rule of FMN of that name.
func (s *translator) translate(name string, args arguments) ([]rulespec.Rule, string) {
	if translate, ok := withArguments[name]; ok {
		return translate(s, args)
	}
	if len(args) > 0 {
		return nil, "it takes no arguments, so FMN could not evaluate it"
	}
	if suffix, ok := suffixes[name]; ok {
		return []rulespec.Rule{s.suffix(name, suffix)}, ""
	}
	if topic, ok := topics[name]; ok {
		return []rulespec.Rule{one("topic", "pattern", topic)}, ""
	}
	if app, ok := apps[name]; ok {
		return []rulespec.Rule{s.app(app)}, ""
	}
	if translate, ok := withBodies[name]; ok {
		return translate(s, nil)
	}
	return nil, "FMN had no such rule"
}

// suffix gives a rule about the kinds of message that stand for one of FMN's where they take exactly its topics, and
// one about the topic where the catalogue cuts them in another way.
func (s *translator) suffix(name, suffix string) rulespec.Rule {
	if kinds, exact := s.catalogue.ClassicTopic(name, strings.TrimPrefix(suffix, ".")); exact {
		return one("kind", "name", kinds...)
	}
	return one("topic", "pattern", "*"+suffix)
}

// app gives a rule about the application, or about the fourth word of the topic where the catalogue sees the
// application in topics of other names too.
func (s *translator) app(name string) rulespec.Rule {
	if s.catalogue.ClassicApp(name) {
		return one("app", "name", name)
	}
	return one("topic", "pattern", ofApp(name))
}

// kinds gives the translation of a rule for which entries of the catalogue stand, because it looks at more than a
// topic.
func kinds(name string) translation {
	return func(s *translator, _ arguments) ([]rulespec.Rule, string) {
		names := s.catalogue.Classic(name)
		if len(names) == 0 {
			return nil, "the catalogue in use has no entry that stands for it"
		}
		return []rulespec.Rule{one("kind", "name", names...)}, ""
	}
}

// always gives the translation of a rule that needs nothing else.
func always(rules ...rulespec.Rule) translation {
	return func(*translator, arguments) ([]rulespec.Rule, string) { return rules, "" }
}

// one gives a rule with one parameter.
func one(kind, param string, values ...string) rulespec.Rule {
	return rulespec.Rule{Kind: kind, Args: rulespec.Args{param: values}}
}

// fieldOf gives a rule about a field of the messages of some topics, compared as FMN did it.
func fieldOf(path string, values []string, topics ...string) rulespec.Rule {
	args := rulespec.Args{"path": {path}, "is": values}
	if len(topics) > 0 {
		args["topic"] = topics
	}
	return rulespec.Rule{Kind: "field", Args: args}
}

// exactly makes a rule about texts tell upper from lower case.
func exactly(r rulespec.Rule) rulespec.Rule {
	r.Args["case"] = []string{"sensitive"}
	return r
}

// literal writes names as patterns that fit nothing else.
func literal(names []string) []string {
	patterns := slices.Clone(names)
	for i, name := range names {
		patterns[i] = wildcards.Replace(name)
	}
	return patterns
}

var wildcards = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")

// ofApp is the pattern of the topics whose fourth word is the application.
func ofApp(app string) string { return "*.*.*." + app + ".*" }
