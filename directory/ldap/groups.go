package ldap

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// A group is an entry of a group, before its members are known to be people.
type group struct {
	name    string
	dn      *ldap.DN
	members []string // distinguished names
	uids    []string // names of people: posixGroup
}

// A tree is what a server has: people and groups by their distinguished names.
type tree struct {
	people map[string]person // by the key of the name
	groups map[string]*group
	byUID  map[string]string // the names of people, as memberUid is compared
	// skipped counts the entries and members that were passed over.
	skipped int
}

// key returns a distinguished name in one form: names are equal whatever the case and the spacing (RFC 4514, RFC 4518).
func key(dn *ldap.DN) string {
	parts := make([]string, len(dn.RDNs))
	for i, rdn := range dn.RDNs {
		pairs := make([]string, len(rdn.Attributes))
		for j, a := range rdn.Attributes {
			pairs[j] = strings.ToLower(a.Type) + "=" + strings.ToLower(strings.Join(strings.Fields(a.Value), " "))
		}
		slices.Sort(pairs)
		parts[i] = strings.Join(pairs, "\x00")
	}
	return strings.Join(parts, "\x01")
}

// keyOf returns the key of a distinguished name in text. A member of groupOfUniqueNames may end in #'0101'B, which
// tells apart who had the name at different times (RFC 4517, 3.3.21).
func keyOf(text string) (string, bool) {
	if at := strings.LastIndex(text, "#'"); at > 0 && strings.HasSuffix(text, "'B") {
		text = text[:at]
	}
	dn, err := ldap.ParseDN(text)
	if err != nil || len(dn.RDNs) == 0 {
		return "", false
	}
	return key(dn), true
}

// addGroups adds the entries of groups, and returns the groups.
func (t *tree) addGroups(set Groups, entries []*ldap.Entry) []*group {
	var all []*group
	for _, e := range entries {
		dn, err := ldap.ParseDN(e.DN)
		name := e.GetEqualFoldAttributeValue(set.Name)
		if err != nil || len(dn.RDNs) == 0 || !usable(name) {
			t.skipped++
			continue
		}
		g := &group{name: name, dn: dn}
		for _, attribute := range set.Member {
			g.members = append(g.members, texts(e, attribute)...)
		}
		for _, attribute := range set.UID {
			g.uids = append(g.uids, texts(e, attribute)...)
		}
		t.groups[key(dn)] = g
		all = append(all, g)
	}
	return all
}

// members returns the members of a group: people by name, and groups as "@" and their name. Who is not there any more
// is passed over, and so is the empty member that a groupOfNames without members has.
func (t *tree) members(g *group, set Groups) []string {
	found := map[string]bool{}
	for _, member := range g.members {
		k, ok := keyOf(member)
		p, isPerson := t.people[k]
		inner := t.groups[k]
		switch {
		case ok && isPerson:
			found[p.name] = true
		case ok && inner != nil && !set.Direct:
			found["@"+inner.name] = true
		case ok && inner == nil:
			t.skipped++
		}
	}
	for _, uid := range g.uids {
		if name, there := t.byUID[set.uid(uid)]; there {
			found[name] = true
		} else {
			t.skipped++
		}
	}
	return slices.Collect(maps.Keys(found))
}

// groupOf returns the name of a group that an entry of a person names: that of the group's entry, or the first part of
// its distinguished name where groups are not read.
func (t *tree) groupOf(text string) string {
	k, ok := keyOf(text)
	if !ok {
		return ""
	}
	if g := t.groups[k]; g != nil {
		return g.name
	}
	dn, err := ldap.ParseDN(text)
	if err != nil || len(t.groups) > 0 || !usable(dn.RDNs[0].Attributes[0].Value) {
		return ""
	}
	return dn.RDNs[0].Attributes[0].Value
}

// uid returns the form in which bare names are compared: as they are (RFC 2307, memberUid), or in small letters.
func (g Groups) uid(name string) string {
	if g.AnyCase {
		return strings.ToLower(name)
	}
	return name
}

// attributes are those that a search for groups asks for.
func (g Groups) attributes() []string { return slices.Concat([]string{g.Name}, g.Member, g.UID) }

// nameGroups gives every group a name of its own. Groups in different branches are different groups, though they have
// the same name: then the one right below the base keeps it, and the others are named by their branches too, as in
// "archive/qa". Otherwise the members of one would be taken for those of the other.
func nameGroups(groups []*group, base *ldap.DN) map[string]*group {
	same := map[string][]*group{}
	for _, g := range groups {
		same[g.name] = append(same[g.name], g)
	}
	named := map[string]*group{}
	for name, all := range same {
		for _, g := range all {
			if len(all) > 1 && len(g.dn.RDNs) > len(base.RDNs)+1 {
				named[branch(g.dn, base)+name] = g
				continue
			}
			named[name] = g
		}
	}
	return named
}

// branch returns the names between an entry and the base, the outermost first, each with a slash.
func branch(dn, base *ldap.DN) string {
	var b strings.Builder
	for i := len(dn.RDNs) - len(base.RDNs) - 1; i > 0; i-- {
		b.WriteString(dn.RDNs[i].Attributes[0].Value)
		b.WriteByte('/')
	}
	return strings.Join(strings.Fields(b.String()), "-")
}
