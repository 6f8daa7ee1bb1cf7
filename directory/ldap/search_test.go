package ldap

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// A directoryServer gives values of one group in parts of three, as Active Directory does with 1500, and the same page
// for ever where it is asked for pages.
type directoryServer struct {
	values []string
	asked  int
	broken bool // gives the same part again
}

func (d *directoryServer) Search(q *ldap.SearchRequest) (*ldap.SearchResult, error) {
	d.asked++
	from := 0
	if q.Scope == ldap.ScopeBaseObject && !d.broken {
		digits := q.Attributes[0][len("member;range="):]
		from, _ = strconv.Atoi(digits[:len(digits)-len("-*")])
	}
	to, last := from+3, ""
	if to >= len(d.values) {
		to, last = len(d.values), "*"
	} else {
		last = strconv.Itoa(to - 1)
	}
	e := ldap.NewEntry("cn=big,dc=example", map[string][]string{
		"member": {}, "member;range=" + strconv.Itoa(from) + "-" + last: d.values[from:to],
	})
	return &ldap.SearchResult{Entries: []*ldap.Entry{e}}, nil
}

// TestManyValues: an attribute of which a server gives a part is read to its end.
func TestManyValues(t *testing.T) {
	server := &directoryServer{values: []string{"a", "b", "c", "d", "e", "f", "g", "h"}}
	entries, err := search(t.Context(), server, place{base: "dc=example"}, 10, []string{"cn", "member"})
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if got := entries[0].GetEqualFoldAttributeValues("MEMBER"); !slices.Equal(got, server.values) || server.asked != 3 {
		t.Errorf("values %q after %d questions", got, server.asked)
	}
	server.broken = true
	if _, err := search(t.Context(), server, place{base: "dc=example"}, 10, []string{"member"}); err == nil {
		t.Error("a server that begins again and again is believed")
	}
}

// An endless server has a next page for ever, and nothing on it.
type endless struct{ breaks bool }

func (e endless) Search(*ldap.SearchRequest) (*ldap.SearchResult, error) {
	page := ldap.NewControlPaging(1)
	page.SetCookie([]byte("again"))
	found := &ldap.SearchResult{Controls: []ldap.Control{page}}
	if e.breaks {
		return found, errors.New("connection closed") // with what came before it
	}
	return found, nil
}

// TestPagesEnd: pages that do not come to an end, and pages that break off, are errors.
func TestPagesEnd(t *testing.T) {
	if _, err := search(t.Context(), endless{}, place{}, 1, nil); !errors.Is(err, errPaging) {
		t.Errorf("error %v", err)
	}
	if found, err := search(t.Context(), endless{breaks: true}, place{}, 1, nil); err == nil || found != nil {
		t.Errorf("found %v, error %v", found, err)
	}
}

// TestNames compares distinguished names as names.
func TestNames(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"uid=alice,ou=people,dc=example", "UID=Alice, OU=People, DC=Example", true},
		{`cn=Öst\, Freja,dc=example`, `cn=\C3\B6st\2C freja,dc=example`, true},
		{"cn=a+uid=b,dc=example", "uid=b+cn=a,dc=example", true},
		{"uid=a,dc=example", "uid=a,dc=example#'0101'B", true},
		{"uid=a,ou=x,dc=example", "uid=a,ou=y,dc=example", false},
		{"uid=a,dc=example", "uid=a", false},
	} {
		a, okA := keyOf(test.a)
		b, okB := keyOf(test.b)
		if !okA || !okB || (a == b) != test.same {
			t.Errorf("%s and %s are the same: %v", test.a, test.b, a == b)
		}
	}
	for _, none := range []string{"", "alice", "=,=", "#'01'B"} {
		if k, ok := keyOf(none); ok {
			t.Errorf("%q is taken for the name %q", none, k)
		}
	}
}
