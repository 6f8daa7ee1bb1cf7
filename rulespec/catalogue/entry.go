package catalogue

import (
	"github.com/notifyd/notifyd/rulespec/catalogue/language"
	"github.com/notifyd/notifyd/rulespec/catalogue/topics"
)

// given are the names that every expression and sentence knows.
var given = []string{"msg", "root", "environment", "topic", "headers", "username"}

// An entry is a compiled kind of message.
type entry struct {
	kind     string
	name     string
	keyword  Keyword
	app      *app
	at       position
	patterns []topics.Pattern
	classic  []string
	vars     map[string]*variable // by name: the application's, the entry's own over them

	when          *fieldExpression
	actor         *fieldExpression
	users         []*fieldExpression
	packages      []*fieldExpression
	objects       []*fieldExpression
	severity      *fieldExpression // nil where constant
	constant      Severity         // 0: silent
	phase         *fieldExpression // nil where constant
	constantPhase Phase
	roles         []*fieldExpression // of roleFields
	summary       *fieldSentence
	links         []*fieldSentence // the first that is whole is the link
	icon          *fieldSentence
	secondaryIcon *fieldSentence
	group         []*fieldExpression
	digest        *fieldDigest
	examples      []Example
}

// An app is a compiled application.
type app struct {
	name, title, icon string
	model             string            // the application that its entries were written for; "" for its own
	keyword           Keyword           // of the entries that have none of their own
	hosts             map[string]string // of production, to that of staging
	tables            map[string]map[string]string
	vars              map[string]*variable
	pages             []page
	defaults          map[string][]located // of what entries say nothing of: the phase and the roles
	entries           []*entry
	fields            int // how many values and prose there are

	accountsSame bool     // its accounts are the community's
	accountsOf   []string // they are in messages of these roots
}

// A variable is a named expression.
type variable struct {
	name string
	*fieldExpression
}

// An origin is the field that an expression or a sentence stands in.
type origin struct {
	field  string // summary, users, vars.update, …
	at     position
	source string
	number int // among the fields of its application
}

// The three sorts of compiled fields.
type (
	fieldExpression struct {
		*language.Expression
		origin
		role bool // it says who is what to the thing: many messages have nobody
	}
	fieldSentence struct {
		*language.Sentence
		origin
	}
	fieldDigest struct {
		*language.DigestTemplate
		origin
	}
)

func (e *entry) allValues() []*fieldExpression {
	all := []*fieldExpression{e.when, e.actor, e.severity, e.phase}
	all = append(all, e.users...)
	all = append(all, e.packages...)
	all = append(all, e.objects...)
	all = append(all, e.roles...)
	return append(all, e.group...)
}

func (e *entry) allProse() []*fieldSentence {
	return append([]*fieldSentence{e.summary, e.icon, e.secondaryIcon}, e.links...)
}
