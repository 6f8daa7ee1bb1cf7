// Package ldap reads people and groups from an LDAP directory (RFC 4511), such as FreeIPA, 389 Directory Server,
// OpenLDAP or Active Directory.
//
// A fetch reads all people and all groups below the configured bases, page by page, and puts them together here: the
// members of a group are distinguished names, which are compared as names and never as texts, or bare names of people.
// So one fetch asks three or four questions, and no name of a person ever becomes part of a question.
//
// # What holds
//
//   - A fetch is whole or it is an error: a size limit of the server, a page that breaks off and a base that is not
//     there never make people or groups go missing.
//   - Two groups of the same name in different branches are two groups: see nameGroups.
//   - Without TLS, no password is sent unless the server is on this machine. What a server refers us to elsewhere is
//     not followed.
//   - An account is disabled where the server says so: see disabled.
package ldap

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/notifyd/notifyd/directory"
)

// Driver opens the sources of the section directory.ldap.
func Driver() directory.Driver {
	return directory.Driver{Name: "ldap", Doc: "People and groups of an LDAP directory.", Open: open}
}

func open(decode func(any) error, _ *slog.Logger) (map[string]directory.Config, error) {
	return directory.OpenEach[Config](decode, func(s Settings) (directory.Config, error) {
		return s.pace().Of(&source{s}), s.check()
	})
}

// A source is one LDAP directory.
type source struct{ Settings }

// Fetch implements directory.Source. LDAP cannot say that nothing has changed, so last is not used.
func (s *source) Fetch(ctx context.Context, _ *directory.Facts) (*directory.Facts, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	t := tree{people: map[string]person{}, groups: map[string]*group{}, byUID: map[string]string{}}
	if err := s.readPeople(ctx, c, &t); err != nil {
		return nil, err
	}
	facts := &directory.Facts{People: map[string]directory.Person{}}
	if s.Groups.Base != "" || s.People.MemberOf != "" {
		if facts.Groups, err = s.readGroups(ctx, c, &t); err != nil {
			return nil, err
		}
	}
	for _, p := range t.people {
		facts.People[p.name] = s.fact(p)
	}
	if t.skipped > 0 {
		facts.Note(fmt.Sprintf("%d entries and members were passed over: they have no name that can be used, or are "+
			"not below the bases", t.skipped))
	}
	facts.Clean()
	return facts, nil
}

func (s *source) readPeople(ctx context.Context, c *ldap.Conn, t *tree) error {
	entries, err := search(ctx, c, s.People.where(), s.PageSize, s.People.attributes())
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	for _, e := range entries {
		k, ok := keyOf(e.DN)
		p, usable := s.People.person(e)
		if !ok || !usable {
			t.skipped++
			continue
		}
		t.people[k] = p
		t.byUID[s.Groups.uid(p.name)] = p.name
	}
	return nil
}

// fact returns what the directory is told of a person.
func (s *source) fact(p person) directory.Person {
	one := directory.Person{Mails: p.mails, Disabled: p.disabled, Private: p.private}
	if len(s.People.Mail) > 0 && one.Mails == nil {
		one.Mails = []string{} // known to have none
	}
	if len(s.People.Nick) > 0 {
		one.Nicks = []directory.Nick{}
	}
	for _, text := range p.nicks {
		if nick, err := directory.ParseNick(text, s.People.Servers); err == nil {
			one.Nicks = append(one.Nicks, nick)
		}
	}
	return one
}

// readGroups returns the groups with their members: people by name, and groups as "@" and their name.
func (s *source) readGroups(ctx context.Context, c *ldap.Conn, t *tree) (map[string][]string, error) {
	found := map[string][]string{}
	if s.Groups.Base != "" {
		entries, err := search(ctx, c, s.Groups.where(), s.PageSize, s.Groups.attributes())
		if err != nil {
			return nil, fmt.Errorf("groups: %w", err)
		}
		base, err := ldap.ParseDN(s.Groups.Base)
		if err != nil {
			return nil, fmt.Errorf("groups.base: %w", err)
		}
		named := nameGroups(t.addGroups(s.Groups, entries), base)
		for name, g := range named {
			g.name = name
		}
		for name, g := range named {
			found[name] = t.members(g, s.Groups)
		}
	}
	for _, p := range t.people {
		for _, dn := range p.groups {
			if name := t.groupOf(dn); name != "" && !slices.Contains(found[name], p.name) {
				found[name] = append(found[name], p.name)
			}
		}
	}
	for _, members := range found {
		slices.Sort(members)
	}
	return found, nil
}
