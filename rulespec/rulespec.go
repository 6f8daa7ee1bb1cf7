// Package rulespec says what a rule is: its kinds, their text form and checks.
//
// A Filter matches an event when every one of its Rules holds; a person's filters are alternatives. The language is
// specified in doc/rules.md. A kind is a value in its own file, listed in kinds.go; nothing else names it.
package rulespec

import (
	"errors"
	"iter"
	"time"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// FilterID identifies a stored filter.
type FilterID uint

// Args are a rule's arguments by parameter name. Several values of one parameter mean any of them.
type Args map[string][]string

// A Rule is a kind of rule, its arguments, and whether it must not hold.
type Rule struct {
	Kind string
	Args Args
	Not  bool
}

// A Filter is a name and rules: it matches when every rule holds. With no rules, or no positive one, it never matches.
type Filter struct {
	ID    FilterID
	Owner string // the account that @me stands for
	Name  string
	Rules []Rule
}

// A File is filters in their text form: what a person exports, imports, tests and checks. Parse reads it, Format writes it.
type File struct {
	Destinations []FileDestination
	Filters      []FileFilter
}

// A FileDestination is a destination as it stands in a File, with its schedule; without one it is sent to at once.
type FileDestination struct {
	To    string         // "backend:address"
	Every time.Duration  // a digest so long after the oldest waiting notice; 0: no such condition
	Count int            // a digest at so many waiting notices; 0: no such condition
	At    string         // a digest at this time of day, "07:00" in the owner's zone; "": no such condition
	Days  []time.Weekday // those on which At holds, in the order of the week; empty: every day
	Line  int            // where it stands in the text; 0 when it was not parsed
}

// A FileFilter is a filter as it stands in a File, with what is stored beside its rules.
type FileFilter struct {
	Filter          // ID is 0; Owner is used by `notifyd filter test` only, an import sets it from the session
	On     bool     // true where the text says nothing
	Once   bool     // switched off with its first delivery
	To     []string // destinations as "backend:address"; empty: all of the owner's
	Line   int      // where it stands in the text; 0 when it was not parsed
}

// A RuleKind is a kind of rule: a value that carries everything the parser, the page, the documentation and the engine need.
type RuleKind struct {
	Name   string  // in the text form: "package"
	Title  string  // on the page: "Package"
	Doc    string  // one or two sentences for the page and the manual
	Params []Param // the first takes the shorthand form `kind: value`
	// Compile checks args and makes the predicate. An error is an *Error, written for who typed the rule.
	Compile func(env Env, args Args) (Predicate, error)
	// Sentence gives the rule in words as part of a filter's sentence: "a package is bash or zsh".
	Sentence func(args Args, not bool) string
	// Missing gives what a rule requires that the directory lacks, as an *Error: a group or a role that it does not
	// know. dir may be nil. nil for kinds that ask no directory.
	Missing func(args Args, dir Directory) error
}

// A Param is one parameter of a kind.
type Param struct {
	Name     string
	Title    string
	Doc      string
	Many     bool     // takes several values, which mean any of them
	Optional bool     // may be left out
	Choices  []string // the allowed values; nil: free text
	// Searched says that each value is searched for, by itself, and in what: their number is bounded by MaxRegexes and
	// MaxTexts.
	Searched Searched
}

// Searched is what a value is searched in.
type Searched int

// A value of most parameters is compared as a whole.
const (
	NotSearched Searched = iota
	InNames
	InTexts
)

// Env is what a rule is compiled for.
type Env struct {
	Owner string // what @me stands for
	// KnowsKind says whether the catalogue has a kind of message of that name. With it, a rule that names a kind the
	// catalogue no longer has is broken instead of silently false (or, under not, silently true). nil: every name is taken.
	KnowsKind func(name string) bool
	// KindName gives what people call a kind of message, "" where it does not know. Only sentences ask it; nil: they name
	// kinds as rules do.
	KindName func(kind string) string
}

// A Subject is what a predicate looks at: the event, and the directory as it stood when the event came.
type Subject struct {
	*catalogue.Event
	Directory Directory // nil: no directory is configured
}

// A Predicate is a compiled rule, not yet negated. Its functions are pure (no I/O, no clock) and safe for concurrent use.
type Predicate struct {
	// Match says whether the rule holds. An error means that it cannot be evaluated; then the filter does not match,
	// also under not.
	Match func(*Subject) (bool, error)
	// Why says which value of the subject decided, for an explanation: "package bash". Called after Match, seldom.
	Why func(*Subject) string
	// Keys are index keys: an event with none of them cannot match. nil: any event may.
	Keys []Key
	// Exact says that one of Keys is enough, with no recheck: an event that has one matches.
	Exact bool
	// Names says that Match looks at nothing but names, which are the values of Fields, and the directory. Of a rule that
	// is Exact, or has a Search over Fields, that is known without it.
	Names bool
	// Requires is what the rule asks of the directory: without all of it, the rule cannot be evaluated on an event that it
	// does not hold for. A rule with Keys and no Requires can always be evaluated.
	Requires []Key
	// Search is there when the predicate looks at names or texts one at a time; it then has no Keys and no Requires.
	Search *Search
	// Selectivity is an estimate of how many messages in 10,000 the rule holds for. An index posts a filter under its rule
	// of the least; 0 means that it holds for everything.
	Selectivity int
	// Cost is the class of work that Match does. A kind that leaves it out is taken to search texts.
	Cost Cost
}

// A Search is how a predicate looks at texts, each for itself: it holds for an event when one of them matches, it cannot be
// evaluated when none matches and one could not be tried.
type Search struct {
	Fields  []string                        // which: of Fields, or of Texts
	Matches func(text string) (bool, error) // an error means that the text is a name longer than MaxName
	// Literals is what a text that matches has in it after Fold: one at least of each set. None: nothing is known.
	Literals [][]string
	// Plain says that it is enough to have one of the only set in Literals.
	Plain bool
	// Expression is a regular expression in RE2's syntax that matches the same texts; "": there is none. See
	// CompileProgram.
	Expression string
}

// A Key is a field of an event and a value of it: {"package", "bash"}.
type Key struct{ Field, Value string }

// Cost is the class of work that a predicate does.
type Cost int

// The Selectivity of what no rule narrows, and of a value of the fields that kinds share.
const (
	selectivityAll     = 10_000
	selectivityNarrow  = 1_000 // what narrows has less
	selectivityTopic   = 100
	selectivityPattern = 30
	selectivityText    = 10
	selectivityName    = 3
)

// The classes: a comparison or set look-up, a pattern over names, a pattern over text.
const (
	costUnknown Cost = iota
	CostExact
	CostPattern
	CostText
)

// Directory is who is in which group and who owns which package: a snapshot that never changes, safe for concurrent use.
// It speaks in basic types only, so that whoever implements it need not know this package.
type Directory interface {
	// Groups gives the groups that user is a member of, sorted. The caller must not change it.
	Groups(user string) []string
	// HasGroup says whether the directory knows the group at all.
	HasGroup(group string) bool
	// HasRole says whether anybody owns anything in that role.
	HasRole(role string) bool
	// Owners gives who owns pkg, each with the role, in the directory's own words ("owner", "commit", ...): a person by
	// name, a group as "@" and its name; always in the same order. Somebody with two roles comes twice.
	Owners(pkg string) iter.Seq2[string, string]
	// Members gives the users whose Groups have the group, sorted. The caller must not change it.
	Members(group string) []string
}

// Me is the value that stands for the filter's owner, in user, actor and owner rules.
const Me = "@me"

// Error is a mistake in a filter, written for the person who typed it.
type Error struct {
	Filter  string // name of the filter, where known
	Line    int    // in the text form, from 1; 0 where there is no text
	Column  int    // in that line, in characters, from 1
	Rule    int    // of the filter, from 1; 0 where it is about the filter
	Kind    string // of the rule, where it is about one
	Param   string // of that kind, where it is about one
	Problem string // what is wrong and what was expected
}

// ErrUnevaluable is wrapped by Predicate.Match when a rule cannot be evaluated on a subject.
var ErrUnevaluable = errors.New("rule cannot be evaluated")

// The bounds on filters; doc/rules.md gives each its place.
const (
	MaxText    = 256 << 10 // bytes of a text in the YAML form; reading it takes some 250 times as much memory
	MaxFilters = 1000      // filters in such a text
	MaxTargets = 100       // destinations in such a text
	MaxRules   = 50        // rules in a filter
	MaxValues  = 500       // values of one parameter
	MaxValue   = 256       // bytes of a value, a pattern or a filter's name
	MaxRegexes = 20        // regular expressions in a filter
	MaxTexts   = 10        // regular expressions over texts in all filters of a person
	MaxProgram = 500       // instructions of a compiled regular expression
	MaxSearch  = 64 << 10  // bytes of a text that a regular expression looks at
	MaxName    = 1024      // bytes of a topic or package name that a pattern is tried on
)
