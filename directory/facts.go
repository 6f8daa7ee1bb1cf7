package directory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// Facts are what one source knows. They never change once they are handed over.
//
// A part that is nil is unknown: the source does not speak of such things, or could not be asked. Unknown is not
// empty. A part that is there and has no entry says that there are none.
type Facts struct {
	// Groups has the members of each group: people by name, and groups as "@" and their name. A group that is not there
	// is unknown; one without members is empty.
	Groups map[string][]string `json:"groups"`
	// Packages has the owners of each package. A package without owners is known, and belongs to nobody.
	Packages map[string][]Owner `json:"packages"`
	// Accounts has the account of each nick, mail address, OpenID URL and the like: see Fold.
	Accounts map[string]string `json:"accounts"`
	// People has the people by the names of their accounts.
	People map[string]Person `json:"people"`
	// Notes are for operators: what the source left out, and why. MaxNotes at most.
	Notes []string `json:"notes,omitempty"`
	// AsOf is when this was so, if the source says so itself: a list that was written an hour ago does not know what has
	// happened since. The zero Time: when the fetch began.
	AsOf time.Time `json:"as_of,omitzero"`
	// Mark is what the source wants to know of this fetch at the next one, such as the ETag of what it read.
	Mark json.RawMessage `json:"mark,omitempty"`
}

// An Owner has a role in a package: a person by name, a mail address, or a group as "@" and its name. An Owner without
// a name says that nobody has the role, and so that no other source need be asked.
type Owner struct {
	Name string `json:"n,omitempty"`
	Role string `json:"r"`
}

// A Person is what a source knows of an account.
type Person struct {
	Mails []string `json:"mails,omitzero"` // nil: unknown
	Nicks []Nick   `json:"nicks,omitzero"` // nil: unknown
	// Disabled says that the source itself calls the account switched off. That an account is missing from a source
	// does not.
	Disabled bool `json:"disabled,omitempty"`
	Bot      bool `json:"bot,omitempty"`
	// Private says that mails and nicks are for the person alone, and never shown to others.
	Private bool `json:"private,omitempty"`
}

// Counts are how much Facts have of each part; -1 for one that is unknown.
type Counts struct {
	Groups   int `json:"groups"`
	Packages int `json:"packages"`
	Accounts int `json:"accounts"`
	People   int `json:"people"`
}

// Counts counts. Nil Facts are unknown in all parts.
func (f *Facts) Counts() Counts {
	if f == nil {
		return Counts{-1, -1, -1, -1}
	}
	return Counts{count(f.Groups), count(f.Packages), count(f.Accounts), count(f.People)}
}

func count[V any](part map[string]V) int {
	if part == nil {
		return -1
	}
	return len(part)
}

// MaxNotes is the most notes that Facts have.
const MaxNotes = 20

// Note adds a note, unless there are enough.
func (f *Facts) Note(text string) {
	if len(f.Notes) < MaxNotes && !slices.Contains(f.Notes, text) {
		f.Notes = append(f.Notes, text)
	}
}

// Clean takes out what is no name, whatever part it stands in, and notes that it did. A source calls it before it hands
// Facts over that it read from elsewhere.
func (f *Facts) Clean() {
	left := 0
	keep := func(names ...string) bool {
		for _, name := range names {
			if checkName(name) != "" {
				left++
				return false
			}
		}
		return true
	}
	bad := func(name string) bool { return !keep(name) }
	for group, members := range f.Groups {
		f.Groups[group] = slices.DeleteFunc(members, bad)
	}
	maps.DeleteFunc(f.Groups, func(name string, _ []string) bool { return strings.HasPrefix(name, "@") || !keep(name) })
	for pkg, owners := range f.Packages {
		f.Packages[pkg] = slices.DeleteFunc(owners, func(o Owner) bool {
			return !keep(o.Role) || o.Name != "" && !keep(o.Name)
		})
	}
	maps.DeleteFunc(f.Packages, func(name string, _ []Owner) bool { return !keep(name) })
	maps.DeleteFunc(f.Accounts, func(alias, name string) bool {
		return strings.HasPrefix(name, "@") || !keep(alias, name)
	})
	for name, p := range f.People {
		p.Mails = slices.DeleteFunc(p.Mails, bad)
		p.Nicks = slices.DeleteFunc(p.Nicks, func(n Nick) bool { return !keep(n.Name) })
		f.People[name] = p
	}
	maps.DeleteFunc(f.People, func(name string, _ Person) bool { return strings.HasPrefix(name, "@") || !keep(name) })
	if left > 0 {
		f.Note("names were left out that are empty, too long or hold control characters")
	}
}

// Fold returns another name of an account in the form that Accounts uses: mail addresses and URLs in small letters,
// since senders write them in both cases, and URLs without a slash at the end. Nicks stay as they are.
func Fold(name string) string {
	name = strings.TrimSpace(name)
	if strings.Contains(name, "@") || strings.Contains(name, "://") {
		name = strings.TrimSuffix(strings.ToLower(name), "/")
	}
	return name
}
