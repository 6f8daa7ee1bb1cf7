package ldap

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/directorytest"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestFetch reads a real server: names in other cases and spellings, people who are gone, groups in groups and in
// circles, two groups of one name, and accounts that are disabled in two ways.
func TestFetch(t *testing.T) {
	s := start(t, "")
	set := s.settings(nil)
	facts, err := (&source{set}).Fetch(soon(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"empty": {}, "docs": {"alice", "carol"}, "retired/docs": {"dave"}, "builders": {"bob"},
		"core": {"@all", "@docs", "bob"}, "all": {"@core", "frank"},
	}
	for group, members := range want {
		if got := facts.Groups[group]; !slices.Equal(got, members) {
			t.Errorf("group %s has %q, want %q", group, got, members)
		}
	}
	if len(facts.Groups) != len(want) {
		t.Errorf("groups %v", slices.Sorted(maps.Keys(facts.Groups)))
	}
	for name, off := range map[string]bool{
		"alice": false, `gina*(x)\`: false, "bob": false, "carol": false, "dave": true, "erin": true, "frank": false,
	} {
		if p, known := facts.People[name]; !known || p.Disabled != off {
			t.Errorf("%s: known %v, disabled %v, want %v", name, known, p.Disabled, off)
		}
	}
	alice := facts.People["alice"]
	if !slices.Equal(alice.Mails, []string{"alice@example.org", "Alice.Archer@Example.NET"}) {
		t.Errorf("mails %q", alice.Mails)
	}
	nicks := []directory.Nick{{Protocol: "irc", Name: "alice", Server: "irc.example.org"},
		{Protocol: "matrix", Name: "alice.a", Server: "example.org"}}
	if !reflect.DeepEqual(alice.Nicks, nicks) {
		t.Errorf("nicks %v, want %v", alice.Nicks, nicks)
	}
	if carol := facts.People["carol"]; carol.Mails == nil || carol.Private || !facts.People["bob"].Private {
		t.Errorf("carol %+v; bob %+v", carol, facts.People["bob"])
	}
	merged := directory.Merge(directory.Policy{}, directory.Part{Name: "ldap", Facts: facts})
	if got := merged.Members("all"); !slices.Equal(got, []string{"alice", "bob", "carol", "frank"}) {
		t.Errorf("members of a group in a circle: %q", got)
	}
	again, err := (&source{set}).Fetch(soon(t), facts) // by the same settings: a request is used once
	if err != nil || !reflect.DeepEqual(again.Groups, facts.Groups) || !reflect.DeepEqual(again.People, facts.People) {
		t.Errorf("a second fetch gives something else: %v", err)
	}
}

// TestWaysToConnect: each way that reaches the server gives the same, and what is not safe is refused before the
// password leaves.
func TestWaysToConnect(t *testing.T) {
	s := start(t, "")
	for name, test := range map[string]struct {
		change func(*Settings)
		want   string // of the error
	}{
		"StartTLS":   {change: nil},
		"socket":     {change: func(set *Settings) { set.URL, set.StartTLS = "ldapi://"+s.Socket, false }},
		"plain here": {change: func(set *Settings) { set.StartTLS = false }},
		"wrong CA":   {func(set *Settings) { set.TLS.CAFile = s.certificates.OtherCA }, "StartTLS"},
		"other name": {func(set *Settings) { set.URL = strings.Replace(set.URL, "localhost", "127.0.0.2", 1) }, ""},
		"wrong password": {
			func(set *Settings) { set.Password = "wrong" }, `log in as ` + admin + `: LDAP Result Code 49`},
		"nobody listens": {func(set *Settings) { set.URL = "ldap://127.0.0.1:1" }, "refused"},
		"no such base": {
			func(set *Settings) { set.Groups.Base = "ou=gone,dc=example,dc=org" }, "groups: search below"},
		"too much": {func(set *Settings) { set.MaxBytes = 1000 }, ""},
	} {
		facts, err := (&source{s.settings(test.change)}).Fetch(soon(t), nil)
		good := test.change == nil || name == "socket" || name == "plain here"
		switch {
		case good && (err != nil || len(facts.People) != 7):
			t.Errorf("%s: %v, %v", name, facts, err)
		case !good && (err == nil || facts != nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		case err != nil && strings.Contains(err.Error(), password):
			t.Errorf("%s: the password stands in %v", name, err)
		}
	}
}

// TestSizeLimit: what a server gives is a part of all, so nothing is taken for it.
func TestSizeLimit(t *testing.T) {
	s := start(t, "sizelimit size.soft=3 size.hard=3 size.pr=2 size.prtotal=3")
	set := s.settings(func(set *Settings) { set.BindDN, set.Password = "uid=alice,ou=people,dc=example,dc=org", "secret" })
	s.Modify(t, "uid=alice,ou=people,dc=example,dc=org", "add: userPassword", "userPassword: secret")
	set.PageSize = 2
	if facts, err := (&source{set}).Fetch(soon(t), nil); err == nil {
		t.Errorf("a part of the people is taken for all: %d", len(facts.People))
	}
	all := s.settings(func(set *Settings) { set.PageSize = 2 }) // the administrator has no limit
	facts, err := (&source{all}).Fetch(soon(t), nil)
	if err != nil || len(facts.People) != 7 {
		t.Errorf("page by page: %v, %v", facts, err)
	}
}

// TestMemberAdded: the next fetch sees who was added to a group, also where only people say in which groups they are.
func TestMemberAdded(t *testing.T) {
	s := start(t, "")
	byPeople := s.settings(func(set *Settings) { set.Groups.Base, set.People.MemberOf = "", "memberOf" })
	s.Modify(t, "cn=docs,ou=groups,dc=example,dc=org", "add: member", "member: uid=bob,ou=people,dc=example,dc=org")
	for name, set := range map[string]Settings{"groups": s.settings(nil), "member_of": byPeople} {
		facts, err := (&source{set}).Fetch(soon(t), nil)
		if err != nil || !slices.Contains(facts.Groups["docs"], "bob") {
			t.Errorf("%s: %v, %v", name, facts, err)
		}
	}
}

// TestContract holds the source to what directory.Source promises.
func TestContract(t *testing.T) {
	s := start(t, "")
	at := func(_ *testing.T, address string) directory.Source {
		set := s.settings(func(set *Settings) { set.URL, set.StartTLS = "ldap://"+address, false })
		return &source{set}
	}
	bad := func(change func(*Settings)) func(*testing.T) directory.Source {
		return func(*testing.T) directory.Source { return &source{s.settings(change)} }
	}
	directorytest.Run(t, directorytest.Kit{
		Good: bad(nil), At: at, Secret: password,
		Bad: map[string]func(t *testing.T) directory.Source{
			"no such base": bad(func(set *Settings) { set.People.Base = "ou=gone,dc=example,dc=org" }),
			"too much":     bad(func(set *Settings) { set.MaxBytes = 1000 }),
			"no login":     bad(func(set *Settings) { set.BindDN = "cn=nobody,dc=example,dc=org" }),
		},
	})
}

// TestSilentServer: a server that accepts and never answers costs one fetch, and no more than its time.
func TestSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	set := Settings{URL: "ldap://" + listener.Addr().String(), BindDN: "cn=x", Password: "y",
		People: People{Base: "dc=example"}}
	set = defaults(set)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (&source{set}).Fetch(ctx, nil); err == nil {
		t.Error("nobody has answered, and there is no error")
	}
	stopped, stop := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, stop)
	if _, err := (&source{set}).Fetch(stopped, nil); err == nil || !errors.Is(stopped.Err(), context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestSettings: what cannot work, or is not safe, is said by its key.
func TestSettings(t *testing.T) {
	good := Settings{URL: "ldaps://ldap.example.org", People: People{Base: "dc=example,dc=org"}}
	for _, test := range []struct {
		change func(*Settings)
		want   string
	}{
		{func(*Settings) {}, ""},
		{func(s *Settings) { s.URL = "" }, "url: "},
		{func(s *Settings) { s.URL = "https://ldap.example.org" }, "url: ldaps://host"},
		{func(s *Settings) { s.URL = "ldaps://bob:pw@ldap.example.org" }, "url: a host and nothing else"},
		{func(s *Settings) { s.StartTLS = true }, "start_tls: it goes with a url of ldap://"},
		{func(s *Settings) { s.Password = "x" }, "bind_dn: is missing"},
		{func(s *Settings) { s.BindDN = "cn=x" }, "password: is missing"},
		{func(s *Settings) { s.URL, s.BindDN, s.Password = "ldap://ldap.example.org", "cn=x", "y" },
			"the password would be sent in clear"},
		{func(s *Settings) { s.URL, s.BindDN, s.Password = "ldap://[::1]", "cn=x", "y" }, ""},
		{func(s *Settings) { s.People.Base = "" }, "people.base: is missing"},
		{func(s *Settings) { s.People.Base = "example" }, "people.base: \"example\" is no distinguished name"},
		{func(s *Settings) { s.Groups.Filter = "(cn=" }, "groups.filter: \"(cn=\" is none"},
		{func(s *Settings) { s.People.Scope = "tree" }, `people.scope: "tree"; sub or one`},
		{func(s *Settings) { s.Every = time.Millisecond }, "every"},
		{func(s *Settings) { s.PageSize = -1 }, "page_size"},
		{func(s *Settings) { s.AtLeast = 101 }, "at_least"},
		{func(s *Settings) { s.People.Servers = map[string]string{"icq": "x"} }, "people.servers"},
	} {
		set := good
		test.change(&set)
		set = defaults(set)
		err := set.check()
		if (err != nil) != (test.want != "") || !strings.Contains(text(err), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestHandedOut reads the sample that is handed out with the project, where it is there.
func TestHandedOut(t *testing.T) {
	const file = "../../../shared/cases/identity/directory.ldif"
	if _, err := os.Stat(file); err != nil {
		t.Skip("needs ../shared/cases/identity")
	}
	s := startWith(t, exectest.Slapd{LDIF: file, Unchecked: true}) // it has attributes of several servers
	set := s.settings(func(set *Settings) { set.Groups.AnyCase = true })
	facts, err := (&source{set}).Fetch(soon(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for group, members := range map[string][]string{
		"lantern-dev": {"asperan", "bolko77", "freja"}, "lantern-build": {"asperan", "citra-w"},
		"lantern-core": {"@lantern-all", "@lantern-dev", "citra-w"}, "lantern-all": {"@lantern-core", "dovetail"},
		"archive/lantern-dev": {"ezra_old"},
	} {
		if got := facts.Groups[group]; !slices.Equal(got, members) {
			t.Errorf("group %s has %q, want %q", group, got, members)
		}
	}
	for name, off := range map[string]bool{"asperan": false, "dovetail": true, "ezra_old": true} {
		if p, known := facts.People[name]; !known || p.Disabled != off {
			t.Errorf("%s: known %v, disabled %v", name, known, p.Disabled)
		}
	}
}
