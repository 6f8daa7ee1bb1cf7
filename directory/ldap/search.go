package ldap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// maxEntries bounds what one search gives.
const maxEntries = 500_000

// errPaging is the error of a server whose pages do not come to an end.
var errPaging = errors.New("the server gives the same page again and again")

// A place is where entries are looked for, and which.
type place struct{ base, scope, filter string }

func (p People) where() place { return place{p.Base, p.Scope, p.Filter} }

func (g Groups) where() place { return place{g.Base, g.Scope, g.Filter} }

// check returns what is wrong, behind the key that it is wrong with.
func (q place) check() error {
	if q.base != "" {
		if _, err := ldap.ParseDN(q.base); err != nil {
			return fmt.Errorf("base: %q is no distinguished name: %w", q.base, err)
		}
	}
	if q.scope != "sub" && q.scope != "one" {
		return fmt.Errorf("scope: %q; sub or one was expected", q.scope)
	}
	if _, err := ldap.CompileFilter(q.filter); err != nil {
		return fmt.Errorf("filter: %q is none: %w", q.filter, err)
	}
	return nil
}

func (q place) depth() int {
	if q.scope == "one" {
		return ldap.ScopeSingleLevel
	}
	return ldap.ScopeWholeSubtree
}

// A searcher is what is asked: a connection.
type searcher interface {
	Search(*ldap.SearchRequest) (*ldap.SearchResult, error)
}

// search returns all entries of a search, page by page (RFC 2696). What stops it in the middle is an error: a part of
// the people taken for all of them would put the others out. Every page has a request of its own, because the library
// leaves the last cookie in the one it was given. References to other servers are not followed: they would get our
// password.
func search(ctx context.Context, c searcher, q place, pageSize int, attributes []string) ([]*ldap.Entry, error) {
	var all []*ldap.Entry
	var cookie []byte
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		page := ldap.NewControlPaging(uint32(pageSize))
		page.SetCookie(cookie)
		answer, err := c.Search(ldap.NewSearchRequest(q.base, q.depth(), ldap.NeverDerefAliases, 0, 0, false, q.filter,
			attributes, []ldap.Control{page}))
		if err != nil {
			return nil, fmt.Errorf("search below %q: %w", q.base, err)
		}
		all = append(all, answer.Entries...)
		if len(all) > maxEntries {
			return nil, fmt.Errorf("search below %q: more than %d entries", q.base, maxEntries)
		}
		next := nextPage(answer)
		if len(next) == 0 {
			return all, complete(c, all, attributes)
		}
		if bytes.Equal(next, cookie) && len(answer.Entries) == 0 {
			return nil, fmt.Errorf("search below %q: %w", q.base, errPaging)
		}
		cookie = slices.Clone(next)
	}
}

// nextPage returns the cookie of the next page; none after the last.
func nextPage(answer *ldap.SearchResult) []byte {
	paging, ok := ldap.FindControl(answer.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
	if !ok {
		return nil
	}
	return paging.Cookie
}

// complete fetches the rest of attributes of which a server gives a part. Active Directory gives 1500 values at once,
// under a name such as "member;range=0-1499" (MS-ADTS, 3.1.1.3.1.3.3).
func complete(c searcher, entries []*ldap.Entry, attributes []string) error {
	for _, e := range entries {
		for _, name := range attributes {
			if err := completeOne(c, e, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func completeOne(c searcher, e *ldap.Entry, name string) error {
	part, next := partOf(e, name)
	if part == nil {
		return nil
	}
	whole := &ldap.EntryAttribute{Name: name, Values: part.Values}
	for next > 0 {
		answer, err := c.Search(ldap.NewSearchRequest(e.DN, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false,
			"(objectClass=*)", []string{name + ";range=" + strconv.Itoa(next) + "-*"}, nil))
		if err != nil {
			return fmt.Errorf("more values of %s of %s: %w", name, e.DN, err)
		}
		if len(answer.Entries) != 1 {
			return fmt.Errorf("more values of %s of %s: the entry is gone", name, e.DN)
		}
		before := next
		if part, next = partOf(answer.Entries[0], name); part == nil || next > 0 && next <= before ||
			len(whole.Values) > maxEntries {
			return fmt.Errorf("more values of %s of %s: the server gave none", name, e.DN)
		}
		whole.Values = append(whole.Values, part.Values...)
	}
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a *ldap.EntryAttribute) bool { // an empty one may be there too
		return strings.EqualFold(a.Name, name)
	})
	e.Attributes = append(e.Attributes, whole)
	return nil
}

// partOf returns the attribute of that name with a range, and the number of its next value; 0: it is the last part.
func partOf(e *ldap.Entry, name string) (part *ldap.EntryAttribute, next int) {
	for _, a := range e.Attributes {
		base, limits, ranged := strings.Cut(strings.ToLower(a.Name), ";range=")
		if !ranged || !strings.EqualFold(base, name) {
			continue
		}
		_, last, _ := strings.Cut(limits, "-")
		if n, err := strconv.Atoi(last); err == nil {
			return a, n + 1
		}
		return a, 0
	}
	return nil, 0
}
