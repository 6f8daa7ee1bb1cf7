package httpjson

import (
	"context"
	"errors"
	"slices"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// A shape is what the JSON of a server looks like, and how it is asked for.
type shape struct {
	role  string // of owners, where it is not configured
	pages string // where it is not configured
	fetch func(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error)
}

// shapes are all that there are.
var shapes = map[string]shape{
	// {namespace: {package: [user]}}: who may commit (Pagure over Fedora's package sources, hourly)
	"pagure_owner_alias": {role: "commit", pages: pagesNone, fetch: fetchOwners},
	// the same, with who watches, and groups as @group
	"pagure_bz": {role: "watch", pages: pagesNone, fetch: fetchOwners},
	// {namespace: {package: {admin: user, fedora: user, epel: user}}}: whose it is, and who gets bugs by product
	"pagure_poc": {role: "assignee", pages: pagesNone, fetch: fetchContacts},
	// {namespace: {package: {fedora_assignee: user, epel_assignee: user}}}: who gets bugs instead of the owner
	"bugzilla_overrides": {role: "assignee", pages: pagesNone, fetch: fetchOverrides},
	"fasjson-users":      {pages: pagesByNumber, fetch: fetchUsers},
	"fasjson-groups":     {pages: pagesByNumber, fetch: fetchGroups},
	// what expressions say
	"map": {role: "owner", pages: pagesNone, fetch: fetchMapped},
}

// orphan is the account that Fedora gives packages to which nobody owns. It is no person.
const orphan = "orphan"

// fetchOwners reads {namespace: {package: [owner]}}.
func fetchOwners(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error) {
	f := &directory.Facts{Packages: map[string][]directory.Owner{}}
	stamp, err := s.pages(ctx, r, func(page []byte) (string, error) {
		var namespaces map[string]map[string][]string
		if err := decode(page, &namespaces); err != nil {
			return "", err
		}
		for namespace, packages := range namespaces {
			for pkg, owners := range packages {
				f.Packages[s.pkg(namespace, pkg)] = held(owners, s.Role)
			}
		}
		return "", nil
	})
	return f, stamp, err
}

// pkg returns the name of a package as messages have it.
func (s *source) pkg(namespace, name string) string {
	if prefix, ok := s.Namespaces[namespace]; ok {
		return prefix + name
	}
	if namespace == "rpms" || namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// held makes owners in a role of names. Of a package that is orphaned nobody has it.
func held(names []string, role string) []directory.Owner {
	owners := make([]directory.Owner, 0, len(names)+1)
	for _, name := range names {
		if o := (directory.Owner{Name: name, Role: role}); name != orphan && name != "" && !slices.Contains(owners, o) {
			owners = append(owners, o)
		}
	}
	if len(owners) == 0 {
		owners = append(owners, directory.Owner{Role: role})
	}
	return owners
}

// An override names who gets the bugs of a package: today's form, and that of the files before it.
type override struct {
	Fedora  string            `json:"fedora_assignee"`
	EPEL    string            `json:"epel_assignee"`
	Contact map[string]string `json:"bugzilla_contact"` // by product
}

// fetchOverrides reads {namespace: {package: override}}. Without an override nothing is said of a package, and other
// sources decide.
func fetchOverrides(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error) {
	f := &directory.Facts{Packages: map[string][]directory.Owner{}}
	stamp, err := s.pages(ctx, r, func(page []byte) (string, error) {
		var namespaces map[string]map[string]override
		if err := decode(page, &namespaces); err != nil {
			return "", err
		}
		if namespaces == nil {
			return "", errors.New("the answer is null")
		}
		for namespace, packages := range namespaces {
			for pkg, o := range packages {
				if owners := s.assignees(o); len(owners) > 0 {
					f.Packages[s.pkg(namespace, pkg)] = owners
				}
			}
		}
		return "", nil
	})
	return f, stamp, err
}

// assignees returns who gets the bugs: of Fedora in the source's role, of EPEL in the same with epel- before it.
func (s *source) assignees(o override) []directory.Owner {
	var owners []directory.Owner
	for _, one := range []struct{ name, role string }{
		{o.Fedora, s.Role}, {o.Contact["Fedora"], s.Role},
		{o.EPEL, "epel-" + s.Role}, {o.Contact["Fedora EPEL"], "epel-" + s.Role},
	} {
		if owner := (directory.Owner{Name: one.name, Role: one.role}); one.name != "" && one.name != orphan &&
			!slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return owners
}
