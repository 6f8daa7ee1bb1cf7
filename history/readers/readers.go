// Package readers decides who may see the messages of which source.
//
// A bus may have private parts: a source whose messages concern one team alone. A Policy says who its readers are. It
// is asked with a Reader, which is what is known of one person, and answers with Sources, which is what they may see:
//
//	policy := readers.New(readers.Config{Members: true, Sources: map[string]readers.Rule{
//		"private": {Groups: []string{"infra"}},
//	}})
//	policy.Sources(readers.Reader{Member: true, In: inGroup}) // all but "private", unless inGroup("infra")
//
// The history selects by Sources in its queries: what is counted, paged and added up is what may be seen. Notices are
// made only for people who MayRead the source of the message.
//
// What always holds:
//
//   - Fail closed: whose groups are not known is in none, and who is not signed in sees nothing that is restricted.
//   - A source of its own rule is judged by that rule alone. Any other source is judged by the general rule.
//   - Nobody is above the rules, unless the configuration says so of operators.
//   - A nil Policy lets everybody see everything.
//
// The package is pure: it knows neither the database nor the directory. The term is that of access control lists:
// a Rule is the list of a source, and the groups of a person are the principals (Lampson, "Protection", 1971).
package readers

import (
	"maps"
	"slices"
)

// A Config is the section of the configuration. The zero Config lets nobody see anything.
type Config struct {
	Members   bool            `yaml:"members"`   // everybody who is signed in may see messages
	Groups    []string        `yaml:"groups"`    // with members false: who is in one of these groups
	Operators bool            `yaml:"operators"` // admins and helpers may see everything
	Sources   map[string]Rule `yaml:"sources"`   // exceptions, by the name of the source
}

// A Rule says who may see the messages of one source.
type Rule struct {
	Members bool     `yaml:"members"` // everybody who is signed in
	Groups  []string `yaml:"groups"`  // otherwise who is in one of these groups
	// Gone says that no source of this name is configured any more. Its messages are kept, and stay restricted.
	Gone bool `yaml:"gone"`
}

// A Policy is a Config that was checked. It never changes, and is safe for concurrent use.
type Policy struct {
	general   Rule
	operators bool
	sources   map[string]Rule
	names     []string // of sources, sorted
}

// New makes the Policy of a Config without mistakes.
func New(c Config) *Policy {
	return &Policy{general: Rule{Members: c.Members, Groups: c.Groups}, operators: c.Operators,
		sources: maps.Clone(c.Sources), names: slices.Sorted(maps.Keys(c.Sources))}
}

// A Reader is what is known of one person.
type Reader struct {
	Member   bool // is signed in, or has an account that notices are made for
	Operator bool // an admin or a helper
	// In reports whether they are in a group. nil: nothing is known of their groups.
	In func(group string) bool
}

// Restricts reports whether there is anything that not every member may see.
func (p *Policy) Restricts() bool {
	return p != nil && (!p.general.Members || slices.ContainsFunc(p.names, p.restricted))
}

// Operators reports whether admins and helpers may see everything.
func (p *Policy) Operators() bool { return p != nil && p.operators }

func (p *Policy) restricted(source string) bool { return !p.rule(source).Members }

func (p *Policy) rule(source string) Rule {
	if r, own := p.sources[source]; own {
		return r
	}
	return p.general
}

// Restricted reports whether there are members who may not see the messages of a source.
func (p *Policy) Restricted(source string) bool { return p.Restricts() && p.restricted(source) }

// MayRead reports whether somebody may see the messages of a source.
func (p *Policy) MayRead(source string, r Reader) bool {
	return p == nil || p.operators && r.Operator || p.rule(source).has(r)
}

func (rule Rule) has(r Reader) bool {
	return r.Member && (rule.Members || r.In != nil && slices.ContainsFunc(rule.Groups, r.In))
}

// Sources returns whose messages somebody may see.
func (p *Policy) Sources(r Reader) Sources {
	if p == nil || p.operators && r.Operator {
		return Sources{}
	}
	s := Sources{Only: !p.general.has(r)}
	for _, name := range p.names {
		if p.sources[name].has(r) == s.Only { // an exception to the general rule
			s.Names = append(s.Names, name)
		}
	}
	return s
}

// Public returns whose messages may leave for where nobody knows who reads them: to outlets, to feeds, to mailing
// lists. These are the ones that everybody with an account may see.
func (p *Policy) Public() Sources { return p.Sources(Reader{Member: true}) }
