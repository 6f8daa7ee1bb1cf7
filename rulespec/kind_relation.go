package rulespec

import (
	"slices"
	"strings"
)

// The relations of a person to what a message is about, the closest first.
const (
	RelationMentioned = "mentioned" // its new text says @name
	RelationAssigned  = "assigned"  // it was given to the person, who may be asked for a review
	RelationAuthor    = "author"    // the person made it
	RelationOwner     = "owner"     // a package belongs to the person
	RelationGroup     = "group"     // a package belongs to a group of the person's, or the sender names one
	RelationWatcher   = "watcher"   // the sender says that the person follows it
)

// relations lists all of them, and how a sentence says each after "you are".
var relations = []struct {
	name, words string
	field       string // whose values are the people
	directory   bool   // only the directory knows
}{
	{RelationMentioned, "mentioned", fieldMentioned, false},
	{RelationAssigned, "assigned to it", fieldAssigned, false},
	{RelationAuthor, "its author", fieldAuthor, false},
	{RelationOwner, "the owner of a package", fieldHolder, true},
	{RelationGroup, "in a group that it concerns", fieldTeam, true},
	{RelationWatcher, "watching it", fieldWatcher, false},
}

var kindRelation = &RuleKind{
	Name:  "relation",
	Title: "What you are to it",
	Doc:   "What a person is to the thing that the message is about: its author, its assignee, named in a comment, …",
	Params: []Param{
		{Name: "name", Title: "Relation", Many: true, Choices: relationNames(),
			Doc: "owner and group are as the directory has it, the others as the message says; group is a group that a " +
				"package belongs to, or that the sender names."},
		{Name: "person", Title: "Person", Many: true, Optional: true, Default: Me,
			Doc: "The exact name of an account. Without it: yours."},
	},
	Compile: compileRelation,
	Missing: func(args Args, dir Directory) error {
		if !asksDirectory(args["name"]) {
			return nil
		}
		return missingGroups("", nil, dir)
	},
	Sentence: sentenceRelation,
}

func relationNames() []string {
	names := make([]string, len(relations))
	for i, r := range relations {
		names[i] = r.name
	}
	return names
}

// asksDirectory reports whether only the directory knows one of these relations.
func asksDirectory(names []string) bool {
	return slices.Contains(names, RelationOwner) || slices.Contains(names, RelationGroup)
}

func compileRelation(env Env, args Args) (Predicate, error) {
	people := args["person"]
	if len(people) == 0 {
		people = []string{Me}
	}
	people, err := persons(env, "person", people)
	if err != nil {
		return Predicate{}, err
	}
	names, is := args["name"], oneOf(people)
	find := func(s *Subject) (relation, person string) {
		for _, r := range relations {
			if !slices.Contains(names, r.name) {
				continue
			}
			for _, person := range s.AppendValues(nil, r.field) {
				if is(person) {
					return r.name, person
				}
			}
		}
		return "", ""
	}
	p := Predicate{
		Match: func(s *Subject) (bool, error) {
			if relation, _ := find(s); relation != "" {
				return true, nil
			}
			if !asksDirectory(names) {
				return false, nil
			}
			if s.Directory == nil {
				return false, errNoDirectory
			}
			return false, unevaluable(unsure(nil, s.Directory))
		},
		Why: func(s *Subject) string {
			if relation, person := find(s); relation != "" {
				return relation + " " + word(person)
			}
			return "no " + either(names)
		},
		Exact:       true,
		Selectivity: selectivityOf(people, selectivityName*len(names)),
		Cost:        CostPattern,
	}
	for _, r := range relations {
		if slices.Contains(names, r.name) {
			p.Keys = append(p.Keys, keys(r.field, people)...)
		}
	}
	if p.WithoutDirectory = !asksDirectory(names); !p.WithoutDirectory {
		p.Requires = requires(nil, nil)
	}
	return p, nil
}

func sentenceRelation(args Args, not bool) string {
	people := args["person"]
	if len(people) == 0 {
		people = []string{Me}
	}
	var words []string
	for _, r := range relations {
		if slices.Contains(args["name"], r.name) {
			words = append(words, r.words)
		}
	}
	return who(people, not) + " " + or(words)
}

// RelationsTo returns a function that gives what a person is to the thing that the subject is about, the closest first;
// nothing for no name. It looks everybody up once, when it is first asked. One goroutine at a time calls it.
func RelationsTo(s *Subject) func(person string) []string {
	var people map[string][]string // relations by person, in their order
	return func(person string) []string {
		if person == "" {
			return nil
		}
		if people == nil {
			people = map[string][]string{}
			for _, r := range relations {
				for _, name := range s.AppendValues(nil, r.field) {
					if had := people[name]; len(had) == 0 || had[len(had)-1] != r.name {
						people[name] = append(had, r.name)
					}
				}
			}
		}
		return people[person]
	}
}

// holders yields the people whom a package of the subject belongs to in person.
func (s *Subject) holders(yield func(string) bool) {
	if s.Directory == nil {
		return
	}
	for _, pkg := range s.Packages {
		for owner := range s.Directory.Owners(pkg) {
			if !strings.HasPrefix(owner, "@") && !yield(owner) {
				return
			}
		}
	}
}

// team yields the members of the groups that the sender names, or that a package belongs to.
func (s *Subject) team(yield func(string) bool) {
	if s.Directory == nil {
		return
	}
	members := func(group string) bool {
		for _, member := range s.Directory.Members(group) {
			if !yield(member) {
				return false
			}
		}
		return true
	}
	for _, group := range s.Groups {
		if !members(group) {
			return
		}
	}
	s.ownerGroups(members)
}
