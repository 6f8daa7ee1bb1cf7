package httpjson

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// fetchContacts reads {namespace: {package: {contact: user}}}. The contact "admin" is whose package it is, in the role
// main-admin. The others are products, of which Fedora's has the source's role, and another the same with its name
// before: epel-assignee. Of a package of orphan's nobody has the role, so that other sources do not fill it in.
func fetchContacts(s *source, ctx context.Context, r request) (*directory.Facts, fetch.Stamp, error) {
	f := &directory.Facts{Packages: map[string][]directory.Owner{}}
	stamp, err := s.pages(ctx, r, func(page []byte) (string, error) {
		var namespaces map[string]map[string]map[string]string
		if err := decode(page, &namespaces); err != nil {
			return "", err
		}
		if namespaces == nil {
			return "", errors.New("the answer is null")
		}
		for namespace, packages := range namespaces {
			for pkg, contacts := range packages {
				if contacts["admin"] == "" {
					return "", fmt.Errorf("the package %.60q of %.60q has no admin", pkg, namespace)
				}
				var owners []directory.Owner
				for _, contact := range slices.Sorted(maps.Keys(contacts)) {
					owners = append(owners, held([]string{contacts[contact]}, s.contactRole(contact))...)
				}
				f.Packages[s.pkg(namespace, pkg)] = owners
			}
		}
		return "", nil
	})
	return f, stamp, err
}

func (s *source) contactRole(contact string) string {
	switch contact {
	case "admin":
		return "main-admin"
	case "fedora":
		return s.Role
	}
	return contact + "-" + s.Role
}
