package values

import (
	"strings"
	"testing"
)

// known is what a site of example.org knows; the message is of the forge.
var known = Accounts{App: "forge", Domain: "example.org", Map: map[string]string{
	"bobby": "bob", "bob@mail.example.net": "bob", "https://bob.example.net": "bob", "forge:ally": "alice",
	"ally": "another", "@carol:example.net": "carol", "Dave D": "dave",
}}

// TestPeople reads a person in every form that messages have: for a sentence, for sets, and as a login at a forge whose
// accounts are others and at one whose are the same.
func TestPeople(t *testing.T) {
	same := known
	same.Same = true
	for _, c := range []struct{ in, person, account, login, sameLogin string }{
		// nothing
		{`null`, "", "", "", ""}, {`""`, "", "", "", ""}, {`"null"`, "", "", "", ""}, {`"None"`, "", "", "", ""},
		{`[]`, "", "", "", ""}, {`{}`, "", "", "", ""}, {`true`, "", "", "", ""}, {`7`, "", "", "", ""},
		{`"unknown"`, "", "", "", ""}, {`"-"`, "", "", "", ""}, {`{"name": null, "login": "null"}`, "", "", "", ""},
		{`"{}"`, "", "", "", ""}, {`"[]"`, "", "", "", ""}, {`"<>"`, "", "", "", ""},
		// nobody: said in a sentence, in no set
		{`"anonymous"`, "", "", "", ""}, {`"root"`, "root", "", "", ""},
		{`{"login": "ghost"}`, "ghost", "", "", ""}, {`"host1.example.org"`, "host1.example.org", "", "", ""},
		{`"tea-bot[bot]"`, "tea-bot[bot]", "", "", ""}, {`{"login": "tea", "type": "Bot"}`, "tea", "", "", ""},
		{`{"login": "acme", "type": "Organization"}`, "acme", "", "", ""},
		{`{"username": "acme", "type": "team"}`, "acme", "", "", ""},
		// a nick or a login
		{`"carol"`, "carol", "carol", "", "carol"}, {`" carol "`, "carol", "carol", "", "carol"},
		{`"bobby"`, "bob", "bob", "bob", "bob"}, {`"@cooks"`, "@cooks", "", "", ""},
		{`"<carol>"`, "carol", "carol", "", "carol"}, {`"carol_2.x-y"`, "carol_2.x-y", "carol_2.x-y", "", "carol_2.x-y"},
		{`"ally"`, "alice", "another", "alice", "alice"}, {`"Ally"`, "alice", "Ally", "alice", "alice"},
		{`"EXAMPLE\\carol"`, "carol", "carol", "", "carol"},
		{`"carol!~c@host1.example.org"`, "carol", "carol", "", "carol"},
		{`"carol (Carol C)"`, "carol", "carol", "", "carol"}, {`"192.0.2.7"`, "192.0.2.7", "", "", ""},
		{`"2001:db8::7"`, "2001:db8::7", "", "", ""}, {`"~2026-12345-67"`, "~2026-12345-67", "", "", ""},
		{`"~carol"`, "~carol", "~carol", "", "~carol"}, {`"Carol (WMF)"`, "Carol (WMF)", "Carol (WMF)", "", ""},
		// a full name
		{`"Bob B"`, "Bob B", "Bob B", "", ""}, {`"Dave D"`, "dave", "dave", "dave", "dave"},
		// an OpenID, a page, a Matrix address
		{`"http://carol.id.fedoraproject.org/"`, "carol", "carol", "", "carol"},
		{`"https://id.fedoraproject.org/openid/id/carol/"`, "carol", "carol", "", "carol"},
		{`"https://id.example.org/openid/id/david/"`, "david", "david", "", "david"},
		{`"https://carol.id.example.org/"`, "carol", "carol", "", "carol"},
		{`"carol.id.example.org"`, "carol", "carol", "", "carol"},
		{`"https://bob.example.net/"`, "bob", "bob", "bob", "bob"},
		{`"https://www.example.org/"`, "", "", "", ""},
		{`"https://forge.example.net/users/carol"`, "carol", "", "", ""},
		{`"https://people.example.net/~carol"`, "carol", "", "", ""},
		{`"@carol:example.net"`, "carol", "carol", "carol", "carol"},
		{`"@erin:example.net"`, "erin", "", "", ""},
		// mail addresses
		{`"carol@example.org"`, "carol", "carol", "", ""}, {`"CAROL@EXAMPLE.ORG"`, "CAROL", "carol", "", ""},
		{`"carol@fedoraproject.org"`, "carol", "carol", "", ""}, {`"carol@example.net"`, "carol", "", "", ""},
		{`"Bob@Mail.Example.Net"`, "bob", "bob", "bob", "bob"}, {`"<carol@example.net>"`, "carol", "", "", ""},
		{`"Bob B <bob@mail.example.net>"`, "bob", "bob", "bob", "bob"},
		{`"Carol C <carol@example.net>"`, "Carol C", "", "", ""},
		{`"\"C, Carol\" <carol@example.org>"`, "C, Carol", "carol", "", ""},
		{`"carol@example.net (Carol C)"`, "Carol C", "", "", ""},
		{`"mailto:carol@example.org"`, "carol", "carol", "", ""},
		// LDAP, certificates, Kerberos
		{`"uid=carol,cn=users,cn=accounts,dc=example,dc=org"`, "carol", "carol", "", "carol"},
		{`"UID=bobby, ou=people"`, "bob", "bob", "bob", "bob"},
		{`"cn=Carol C,ou=people,dc=example,dc=org"`, "Carol C", "", "", ""},
		{`"cn=tea,cn=hosts,dc=example,dc=org"`, "tea", "", "", ""},
		{`"/C=XX/O=Example/CN=Carol C/emailAddress=carol@example.org"`, "Carol C", "carol", "", ""},
		{`"carol@EXAMPLE.ORG"`, "carol", "carol", "", ""}, {`"carol/admin@EXAMPLE.ORG"`, "carol", "carol", "", ""},
		{`"host/tea.example.org@EXAMPLE.ORG"`, "host/tea.example.org", "", "", ""},
		{`"krbprincipalname=HTTP/tea.example.org@EXAMPLE.ORG,cn=services,dc=example"`, "HTTP/tea.example.org", "", "", ""},
		// objects, as forges and others write them
		{`{"login": "carol", "id": 5, "type": "User", "html_url": "https://forge.example.net/carol"}`,
			"carol", "carol", "", "carol"},
		{`{"login": "x1", "email": "bob@mail.example.net"}`, "bob", "bob", "bob", "bob"},
		{`{"name": "Carol C", "username": "carol", "email": "carol@example.net"}`, "carol", "carol", "", "carol"},
		{`{"name": "carol", "fullname": "Carol C", "url_path": "user/carol"}`, "carol", "carol", "", "carol"},
		{`{"name": "carol", "slug": "carol", "displayName": "Carol C", "emailAddress": "c@example.net", "type": "NORMAL"}`,
			"carol", "carol", "", "carol"},
		{`{"nickname": "carol", "display_name": "Carol C", "uuid": "{1}", "account_id": "1:2"}`, "carol", "carol", "", "carol"},
		{`{"displayName": "Carol C", "uniqueName": "carol@example.net"}`, "Carol C", "", "", ""},
		{`{"name": "Carol C", "email": "carol@example.net"}`, "Carol C", "", "", ""},
		{`{"name": "Carol C", "email": "carol@example.org"}`, "Carol C", "carol", "", ""},
		{`{"name": "carol", "email": "carol@example.net"}`, "carol", "carol", "", "carol"},
		{`{"raw": "Carol C <carol@example.net>", "user": {"nickname": "carol"}}`, "Carol C", "", "", ""},
		{`{"user": {"username": "carol"}}`, "carol", "carol", "", "carol"},
		{`{"name": {"name": "carol"}}`, "carol", "carol", "", "carol"},
		{`{"login": {"login": "carol"}}`, "carol", "carol", "", "carol"},
		{`{"username": ""}`, "", "", "", ""}, {`{"username": "", "full_name": "Carol C"}`, "Carol C", "", "", ""},
		{`{"username": "Carol C"}`, "Carol C", "", "", ""},
		{`{"email": "carol@example.net"}`, "carol", "", "", ""}, {`{"id": 5}`, "", "", "", ""},
		{`{"colour": "red"}`, "", "", "", ""},
		{`"{\"login\": \"carol\"}"`, "carol", "carol", "", "carol"},
		{`["carol", "dave"]`, "carol", "carol", "", "carol"}, {`[null, {"login": "carol"}]`, "carol", "carol", "", "carol"},
	} {
		v := decoded(t, c.in)
		for _, f := range []struct {
			name, got, want string
		}{{"person", known.Person(v), c.person}, {"account", known.Account(v), c.account},
			{"login", known.Login(v), c.login}, {"login where same", same.Login(v), c.sameLogin}} {
			if f.got != f.want {
				t.Errorf("%s of %s: got %q, want %q", f.name, c.in, f.got, f.want)
			}
		}
	}
}

// TestNobodyTakesAnAccount: what somebody may write as their name, or a nick that looks like a login at a forge, makes
// nobody the person whom the map knows by that.
func TestNobodyTakesAnAccount(t *testing.T) {
	for _, in := range []string{
		`{"login": "mallory", "name": "bobby"}`, `{"login": "mallory", "name": "Dave D"}`,
		`{"username": "mallory", "display_name": "bob@mail.example.net"}`,
		`{"username": "mallory", "full_name": "forge:ally"}`, `"mallory (Dave D)"`,
	} {
		v := decoded(t, in)
		if person, account, login := known.Person(v), known.Account(v), known.Login(v); person != "mallory" ||
			account != "mallory" || login != "" {
			t.Errorf("%s: got %q, %q, %q", in, person, account, login)
		}
	}
	for _, in := range []string{`"forge:ally"`, `{"nick": "forge:ally"}`, `{"login": "forge:ally"}`} {
		v := decoded(t, in)
		for _, got := range []string{known.Person(v), known.Account(v), known.Login(v)} {
			if got == "alice" {
				t.Errorf("%s is alice", in)
			}
		}
	}
}

// TestAppendPeople: what a field gives as it stands in the message is told from what is no account.
func TestAppendPeople(t *testing.T) {
	for in, want := range map[string]string{
		`null`: "", `7`: "", `"7"`: "", `true`: "",
		`"carol"`: "carol", `"bobby"`: "bobby",
		`["carol", ["dave"], 7]`: "carol dave",
		`"carol@example.net"`:    "", `"carol@example.org"`: "carol", `"https://carol.id.example.org/"`: "carol",
		`{"name": "carol"}`: "carol", `[{"login": "carol"}, {"login": "acme", "type": "Organization"}]`: "carol",
		`"Carol C <carol@example.net>"`: "", `"@cooks"`: "", `"Carol C"`: "Carol C", `"{\"name\": \"carol\"}"`: "carol",
		`"null"`: "null", `[[[[["carol"]]]]]`: "",
	} {
		if got := strings.Join(known.AppendPeople(nil, decoded(t, in)), " "); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

// TestToldAccounts: a message may bring its own table from logins to accounts.
func TestToldAccounts(t *testing.T) {
	a := Accounts{App: "github", Told: map[string]any{"carol-gh": "carol", "erin": nil}}
	for in, want := range map[string]string{"carol-gh": "carol", "erin": "", "frank": ""} {
		if got := a.Login(map[string]any{"login": in}); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

// TestPeopleAreBounded: nobody's message may cost much, and none may fail.
func TestPeopleAreBounded(t *testing.T) {
	deep := any("x")
	for range 5000 {
		deep = map[string]any{"user": deep}
	}
	long := make([]any, 100_000)
	for _, v := range []any{deep, long, strings.Repeat("@", 100_000), strings.Repeat("a@b ", 100),
		strings.Repeat("=,", 500), strings.Repeat("<", 1000), "\xff\xfe@\xff",
		"!", "@", "@:", "=", "uid=", "/", `\`, `a\`, "://", "http://", "a.id."} {
		for _, name := range []string{known.Person(v), known.Account(v), known.Login(v)} {
			if len(name) > maxPerson {
				t.Errorf("%.20v: %d bytes", v, len(name))
			}
		}
	}
}

func TestDomain(t *testing.T) {
	for in, want := range map[string]string{"org.example": "example.org", "opensuse": "", "": "", "org.example.x": ""} {
		if got := Domain(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}
