// Package rulespec defines filters: what they mean, how they are written, when they are refused, and the kinds of
// rules.
//
// # The idea
//
// A [Filter] is a conjunction of rules: it matches an event when every [Rule] holds. The filters of one person are
// alternatives. A rule names a [RuleKind], has arguments, and may be negated. Systems that work so are called
// content-based publish/subscribe (P. Eugster et al., "The Many Faces of Publish/Subscribe", 2003).
//
// A RuleKind is a value in a file of its own, listed in kinds.go. The parser, the pages, the manual and the engine take
// all that they know of it from there. It compiles a rule to a [Predicate], which is a function of a [Subject] (the
// event, and the directory of groups and owners) and says how an index can find the events that it may hold for:
//
//	var kindApp = &RuleKind{
//		Name: "app", Title: "Application", Doc: "The application that sent the message.",
//		Params:   []Param{{Name: "name", Title: "Application", Many: true}},
//		Compile:  func(_ Env, args Args) (Predicate, error) { ... },
//		Sentence: func(args Args, not bool) string { return "the application " + is(not) + either(args["name"]) },
//	}
//
// The language is specified in doc/rules.md. Filters come in through [Parse], and go out through [Format]:
//
//	file, err := rulespec.Parse(env, []byte("filters: [{name: Shells, rules: [package: [bash, zsh]]}]"))
//	rulespec.Sentence(env, file.Filters[0].Filter) // when a package is bash or zsh
//
// # Terms
//
//   - A rule is true, false or unknown for an event. It is unknown when it cannot be evaluated: it asks for a group
//     that the directory does not have, or the kind of rule is not known. The negation of unknown is unknown (S.
//     Kleene's three-valued logic, "Introduction to Metamathematics", 1952).
//   - Fail closed: a filter matches when all its rules are true. So one rule that is unknown, negated or not, keeps the
//     filter from matching, and nothing that goes missing makes a filter match more.
//   - Selectivity is the estimated share of messages that a rule holds for (P. Selinger et al., "Access Path Selection
//     in a Relational Database Management System", 1979).
//   - The access predicate of a filter is the rule under which an index posts it, mostly the most selective one. The
//     index looks up Keys or Literals for it and evaluates the other rules of the filters that it finds (F. Fabret et
//     al., "Filtering Algorithms and Implementation for Very Fast Publish/Subscribe Systems", 2001).
//   - A predicate is exact when its keys decide and Match need not be called.
//   - A literal is a text that each match of a regular expression contains (R. Cox, "Regular Expression Matching with a
//     Trigram Index", 2012).
//
// # What always holds
//
//   - A predicate depends on the event and the directory alone. It does no I/O and reads no clock.
//   - Every way in passes one gate, [Check]: files, pages, imports, the store and the index refuse the same filters.
//   - What a kind does not declare is read carefully: the rule may hold for every message, costs as much as a search of
//     texts, and is decided by Match. So a kind that declares too little is slow or refused, never wrong.
//   - A rule of a kind or with a parameter that is not known is kept as it is, and keeps its filter from matching.
package rulespec

import (
	"errors"
	"iter"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// FilterID identifies a stored filter.
type FilterID uint

// Args are a rule's arguments by parameter name. Several values of one parameter mean any of them.
type Args map[string][]string

// A Rule is the name of its kind, arguments, and whether it is negated.
type Rule struct {
	Kind string
	Args Args
	Not  bool
}

// A Filter is a name and rules. It matches when every rule is true. Without rules, or with negated ones only, it never
// matches.
type Filter struct {
	ID    FilterID
	Owner string // the account that @me stands for
	Name  string
	Rules []Rule
}

// A RuleKind is a kind of rule: all that the parser, the pages, the manual and the engine need to know of it.
type RuleKind struct {
	Name   string  // in the text form: "package"
	Title  string  // on the page: "Package"
	Doc    string  // one or two sentences for the page and the manual
	Params []Param // the first takes the short form `kind: value`
	// Bare says that a rule without arguments means something too; all Params are optional. It is written `kind: true`.
	// A kind without Params needs no Bare.
	Bare bool
	// Compile checks args and makes the predicate. An error is an *Error, written for the person who typed the rule.
	Compile func(env Env, args Args) (Predicate, error)
	// Sentence returns the rule in words as part of a filter's sentence: "a package is bash or zsh".
	Sentence func(args Args, not bool) string
	// Missing returns what the rule requires and dir lacks, as an *Error: a group or a role that dir does not know. dir
	// is nil where there is no directory. A kind that needs no directory leaves Missing nil.
	Missing func(args Args, dir Directory) error
}

// A Param is one parameter of a kind.
type Param struct {
	Name     string
	Title    string
	Doc      string
	Many     bool     // takes several values, which mean any of them
	Optional bool     // may be left out
	Default  string   // what is meant where it is left out: "" for nothing in particular
	Choices  []string // the allowed values; nil: any text
	// Searched says in what each value is searched for. The number of such values is bounded: see MaxRegexes, MaxTexts.
	Searched Searched
}

// Searched is where the values of a parameter are searched for.
type Searched int

// The values of most parameters are compared with the whole of a name. Regular expressions are searched for.
const (
	NotSearched Searched = iota
	InNames
	InTexts
)

// Env is what rules are compiled and put into words with.
type Env struct {
	Owner string // the account that @me stands for
	// KnowsKind reports whether the catalogue has a kind of message of that name. A rule that names another is refused;
	// where it is stored it is unknown, not false. nil: every name is taken.
	KnowsKind func(name string) bool
	// ObjectsOf returns the keys of what the page at an address shows, as catalogue.Catalogue does; a rule with an address
	// for which there are none is refused. nil: every address is taken, and a rule with one is unknown.
	ObjectsOf func(address string) []string
	// KindName returns what people call a kind of message, "" where it does not know. Only sentences use it. nil:
	// sentences name kinds as rules do.
	KindName func(kind string) string
}

// A Subject is what a predicate looks at: the event, and the directory as it stood when the event came.
type Subject struct {
	*catalogue.Event
	Directory Directory // nil: no directory is configured
}

// A Predicate is a compiled rule, before its negation. Its functions are pure (no I/O, no clock) and safe for
// concurrent use. Match and Why are needed; the rest lets an index do without Match, or call it last.
type Predicate struct {
	// Match reports whether the rule is true. An error wraps ErrUnevaluable and means unknown: the filter does not
	// match, whether the rule is negated or not.
	Match func(*Subject) (bool, error)
	// Why names the value of the subject that decided, for an explanation: "package bash". It is called after Match.
	Why func(*Subject) string
	// Keys are what an index looks up: the rule is false for an event that has none of them. nil: it may be true for
	// any.
	Keys []Key
	// Exact means that the rule is true for an event that has one of Keys: Match need not be called.
	Exact bool
	// Names means that Match looks at nothing but the directory and names, which are the values of Fields. It need not
	// be set where the rule is Exact or has a Search over Fields.
	Names bool
	// Requires is what the directory must have: without all of it the rule is unknown for an event that it is not true
	// for. A rule with Keys and without Requires is never unknown.
	Requires []Key
	// WithoutDirectory says that this rule needs no directory, though others of its kind do.
	WithoutDirectory bool
	// Search is set when the predicate tests names or texts one at a time. It then has no Keys and no Requires.
	Search *Search
	// Selectivity is an estimate: of 10,000 messages, how many the rule is true for. 0 means all of them.
	Selectivity int
	// Cost is the class of work that Match does. Left out, it is that of a search of texts.
	Cost Cost
}

// A Search tests names or texts one at a time. It is true for an event when one of them matches, and unknown when none
// matches and one could not be tested.
type Search struct {
	Fields  []string                        // what is tested: some of Fields, or some of Texts
	Matches func(text string) (bool, error) // an error: text is a name longer than MaxName
	// Literals are what a text that matches contains after Fold: at least one of each set. None: nothing is known.
	Literals [][]string
	// Plain means that a text matches when it contains one of the only set in Literals.
	Plain bool
	// Expression is a regular expression, in the syntax of RE2, that matches the same texts; see CompileProgram. "":
	// there is none.
	Expression string
}

// A Key is a field of an event and a value of it: {"package", "bash"}.
type Key struct{ Field, Value string }

// Estimates of Selectivity: of a rule that narrows nothing down, and of one value of the fields that kinds share.
const (
	selectivityAll     = 10_000
	selectivityNarrow  = 1_000 // a rule that narrows messages down has less
	selectivityTopic   = 100
	selectivityPattern = 30
	selectivityText    = 10
	selectivityName    = 3
)

// Cost is the class of work that a predicate does.
type Cost int

// The classes: a comparison or a look-up in a set, a pattern over names, a search of texts.
const (
	costUnknown Cost = iota
	CostExact
	CostPattern
	CostText
)

// Directory is who is in which group and who owns which package: a snapshot that never changes, safe for concurrent
// use. Its methods take and return basic types, so that an implementation need not import this package.
type Directory interface {
	// Groups returns the groups of a user, sorted. The caller must not change them.
	Groups(user string) []string
	// HasGroup reports whether the directory knows the group, with or without members.
	HasGroup(group string) bool
	// HasRole reports whether anybody owns anything in that role.
	HasRole(role string) bool
	// Owners yields the owners of pkg and their roles, in the directory's own words ("owner", "commit", ...), always in
	// the same order. A person is a name, a group is "@" and its name. An owner with two roles comes twice.
	Owners(pkg string) iter.Seq2[string, string]
	// Members returns the users whose Groups have the group, sorted. The caller must not change them.
	Members(group string) []string
	// IsBot reports whether an account is a program.
	IsBot(name string) bool
	// Lacks returns the sources of the directory of which nothing is known yet. While there are any, nobody can be said
	// not to be in a group, and not to own a package.
	Lacks() []string
}

// Me is the value that stands for the filter's owner, in user, actor and owner rules.
const Me = "@me"

// An Error is a mistake in a filter, written for the person who typed it.
type Error struct {
	Filter  string // name of the filter, where known
	Line    int    // in the text form, from 1; 0 where there is no text
	Column  int    // in that line, in characters, from 1
	Rule    int    // of the filter, from 1; 0 where it is about the filter
	Kind    string // of the rule, where it is about one
	Param   string // of that kind, where it is about one
	Problem string // what is wrong and what was expected
}

// ErrUnevaluable is wrapped by the errors of Predicate.Match: the rule is unknown for the subject.
var ErrUnevaluable = errors.New("rule cannot be evaluated")

// The bounds on filters. Section 7 of doc/rules.md lists them.
const (
	MaxText    = 256 << 10 // bytes of a text in the YAML form; reading it takes some 250 times as much memory
	MaxFilters = 1000      // filters in such a text
	MaxTargets = 100       // destinations in such a text
	MaxRules   = 50        // rules in a filter
	MaxValues  = 500       // values of one parameter
	MaxValue   = 256       // bytes of a value, a pattern or a filter's name
	MaxRegexes = 20        // regular expressions in a filter
	MaxTexts   = 10        // regular expressions over texts, in all filters of a person
	MaxProgram = 500       // instructions of a compiled regular expression
	MaxSearch  = 64 << 10  // bytes of a text that a regular expression looks at
	MaxName    = 1024      // bytes of a topic or package name that a pattern is tried on
)
