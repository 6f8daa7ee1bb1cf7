package directory

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Person returns what is known of an account, by its name; false when no source knows it. Its slices must not be
// changed.
func (s *Snapshot) Person(name string) (Person, bool) {
	if s == nil {
		return Person{}, false
	}
	p, ok := s.people[name]
	return p, ok
}

// People returns the people that sources know, in no particular order. Those who only own something or are in a group
// are not among them.
func (s *Snapshot) People() iter.Seq2[string, Person] {
	if s == nil {
		return func(func(string, Person) bool) {}
	}
	return maps.All(s.people)
}

// AccountOf returns the account that a mail address belongs to, "" where the directory does not know, or knows two.
func (s *Snapshot) AccountOf(mail string) string {
	if s == nil || !strings.Contains(mail, "@") {
		return ""
	}
	return s.accounts[Fold(mail)]
}

// IsBot reports whether an account is a program.
func (s *Snapshot) IsBot(name string) bool {
	return s != nil && (s.people[name].Bot || s.bots.has(name))
}

// Lacks returns the sources of which nothing is known yet, in their order of precedence. While there are any, nothing
// that the Snapshot does not have can be said not to be so. A nil Snapshot lacks nothing: no directory is configured.
func (s *Snapshot) Lacks() []string {
	if s == nil {
		return nil
	}
	return s.lacks
}

// Counts are how much the Snapshot has. A nil Snapshot has none.
func (s *Snapshot) Counts() Counts {
	if s == nil {
		return Counts{}
	}
	return Counts{Groups: len(s.members), Packages: len(s.owners), Accounts: len(s.accounts), People: len(s.people)}
}

// bots are names of programs, in small letters.
type bots struct {
	names    map[string]bool
	patterns [][]string // each cut at its *
}

func newBots(list []string) bots {
	b := bots{names: map[string]bool{}}
	for _, name := range list {
		name = strings.ToLower(name)
		if parts := strings.Split(name, "*"); len(parts) > 1 {
			b.patterns = append(b.patterns, parts)
		} else {
			b.names[name] = true
		}
	}
	return b
}

func (b bots) has(name string) bool {
	if len(b.names)+len(b.patterns) == 0 {
		return false
	}
	name = strings.ToLower(name)
	return b.names[name] || slices.ContainsFunc(b.patterns, func(parts []string) bool { return fits(name, parts) })
}

// Fits reports whether a name is what a pattern says, in which * stands for any characters. Small and capital letters
// are the same.
func Fits(name, pattern string) bool { return newBots([]string{pattern}).has(name) }

// fits reports whether name begins with the first of parts, ends with the last, and has the others in between.
func fits(name string, parts []string) bool {
	rest, ok := strings.CutPrefix(name, parts[0])
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if ok = ok && at >= 0; !ok {
			return false
		}
		rest = rest[at+len(part):]
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}
