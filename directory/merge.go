package directory

import (
	"maps"
	"slices"
	"strings"
)

// A Part is what one source contributes to a Snapshot.
type Part struct {
	Name  string
	Facts *Facts // nil: nothing is known of this source yet
}

// A Policy is what a site says beside its sources.
type Policy struct {
	// Bots are names of accounts that are programs; * in one stands for any characters.
	Bots []string
}

// Merge makes one Snapshot of the facts of several sources, the first of which has precedence:
//
//   - A group has the members that the first source gives it which knows it. Groups among them are expanded; a group
//     that is its own member, at any depth, is met once. A member group that nobody knows adds nobody.
//   - A role in a package is held by those that the first source names which knows the package and says who has that
//     role, even if it says that nobody has.
//   - Another name belongs to the account that the first source gives it. The mail addresses of people are other names
//     too, behind those that a source lists; one that a source gives to two people is nobody's.
//   - Mails and nicks of a person are those of the first source that knows them. A person is disabled, a bot or private
//     when any source says so.
//   - An owner that is a mail address is the account it belongs to, where that is known.
//
// A source without facts is unknown: see Snapshot.Lacks.
func Merge(policy Policy, parts ...Part) *Snapshot {
	m := merger{
		Snapshot: &Snapshot{
			members: map[string][]string{}, groups: map[string][]string{}, owners: map[string][]Owner{},
			roles: map[string]bool{}, accounts: map[string]string{}, people: map[string]Person{},
			bots: newBots(policy.Bots),
		},
		names: map[string]string{}, direct: map[string][]string{},
	}
	for _, part := range parts {
		if part.Facts == nil {
			m.lacks = append(m.lacks, part.Name)
			continue
		}
		m.take(part.Facts)
	}
	maps.DeleteFunc(m.accounts, func(_, account string) bool { return account == "" })
	for _, part := range parts { // when all accounts are known
		if part.Facts != nil {
			m.takePackages(part.Facts.Packages)
		}
	}
	for pkg, owners := range m.owners {
		owners = slices.DeleteFunc(owners, func(o Owner) bool { return o.Name == "" })
		slices.SortStableFunc(owners, func(a, b Owner) int { return strings.Compare(a.Role, b.Role) })
		m.owners[pkg] = slices.Clip(owners)
	}
	m.expand()
	return m.Snapshot
}

// A merger fills a Snapshot.
type merger struct {
	*Snapshot
	names  map[string]string   // each name once: a person with a thousand packages takes one string
	direct map[string][]string // the members of each group as its source has them
}

// name returns the one copy of a name.
func (m *merger) name(s string) string {
	if known, ok := m.names[s]; ok {
		return known
	}
	m.names[s] = s
	return s
}

// take adds all but the packages of facts that have less precedence than what was taken before.
func (m *merger) take(f *Facts) {
	for group, members := range f.Groups {
		if _, known := m.direct[group]; !known {
			m.direct[m.name(group)] = members
		}
	}
	for alias, account := range f.Accounts {
		m.alias(Fold(alias), account)
	}
	m.takeMails(f.People)
	for name, p := range f.People {
		if known, ok := m.people[name]; ok {
			p = joined(known, p)
		}
		m.people[m.name(name)] = p
	}
}

// takeMails makes the addresses of people other names of theirs.
func (m *merger) takeMails(people map[string]Person) {
	holder := map[string]string{} // "" for an address of two
	for name, p := range people {
		for _, mail := range p.Mails {
			mail = Fold(mail)
			if other, ok := holder[mail]; ok && other != name {
				holder[mail] = ""
			} else {
				holder[mail] = name
			}
		}
	}
	for mail, name := range holder {
		m.alias(mail, name)
	}
}

// alias gives another name to an account, unless that name is taken. An account "" is nobody's.
func (m *merger) alias(other, account string) {
	if _, taken := m.accounts[other]; !taken {
		m.accounts[other] = m.name(account)
	}
}

// joined is a person of whom two sources know something.
func joined(first, second Person) Person {
	if first.Mails == nil {
		first.Mails = second.Mails
	}
	if first.Nicks == nil {
		first.Nicks = second.Nicks
	}
	first.Disabled = first.Disabled || second.Disabled
	first.Bot = first.Bot || second.Bot
	first.Private = first.Private || second.Private
	return first
}

func (m *merger) takePackages(packages map[string][]Owner) {
	for pkg, owners := range packages {
		before := m.owners[pkg]
		taken := slices.Clip(before)
		for _, o := range owners {
			m.roles[m.name(o.Role)] = true
			if slices.ContainsFunc(before, func(b Owner) bool { return b.Role == o.Role }) {
				continue
			}
			o = Owner{m.name(m.owner(o.Name)), m.name(o.Role)}
			if !slices.Contains(taken, o) {
				taken = append(taken, o)
			}
		}
		m.owners[m.name(pkg)] = taken
	}
}

// owner returns the account of an owner that is known by a mail address.
func (m *merger) owner(name string) string {
	if strings.Index(name, "@") <= 0 {
		return name
	}
	name = Fold(name)
	if account, ok := m.accounts[name]; ok {
		return account
	}
	return name
}

// expand makes members and groups of what the groups are said to consist of.
func (m *merger) expand() {
	for group := range m.direct {
		m.members[group] = m.all(group)
	}
	for group, members := range m.members {
		for _, member := range members {
			m.groups[member] = append(m.groups[member], group)
		}
	}
	for _, groups := range m.groups {
		slices.Sort(groups)
	}
}

// all returns the people in a group and in the groups in it, sorted.
func (m *merger) all(group string) []string {
	people, seen := []string{}, map[string]bool{group: true}
	for next := []string{group}; len(next) > 0; next = next[1:] {
		for _, member := range m.direct[next[0]] {
			inner, isGroup := strings.CutPrefix(member, "@")
			switch {
			case !isGroup:
				people = append(people, m.name(m.owner(member)))
			case !seen[inner]:
				seen[inner] = true
				next = append(next, inner)
			}
		}
	}
	slices.Sort(people)
	return slices.Clip(slices.Compact(people))
}
