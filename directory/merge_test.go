package directory_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/directory"
)

// facts reads facts in the form of the file.
func facts(t *testing.T, text string) *directory.Facts {
	t.Helper()
	f, err := directory.ParseFacts([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMergeByPrecedence(t *testing.T) {
	ours := facts(t, `
groups: {infra: [alice]}
packages:
  bash: {owner: [alice]}
  zsh: {commit: []}
accounts: {ally@example.org: alice}
people: {alice: {nicks: ["irc:/ally"]}, bob: {mails: [b@example.org]}}
`)
	theirs := facts(t, `
groups: {infra: [bob], web: [bob]}
packages:
  bash: {owner: [bob], commit: [bob, "@web", Ally@Example.org]}
  zsh: {commit: [bob], watch: [bob]}
accounts: {ally@example.org: carol}
people: {alice: {mails: [alice@example.org], nicks: ["irc:/other"], disabled: true}, bob: {mails: [B2@example.org]}}
`)
	s := directory.Merge(directory.Policy{}, directory.Part{Name: "ours", Facts: ours},
		directory.Part{Name: "theirs", Facts: theirs})
	for _, test := range []struct{ what, got, want string }{
		{"a group that the first knows", strings.Join(s.Members("infra"), " "), "alice"},
		{"one that only the second knows", strings.Join(s.Members("web"), " "), "bob"},
		{"roles of two sources", owners(s, "bash"), "bob:commit @web:commit alice:commit alice:owner"},
		{"a role that nobody has", owners(s, "zsh"), "bob:watch"},
		{"an alias", s.AccountOf("ALLY@example.org"), "alice"},
		{"an address of a person", s.AccountOf("alice@example.org"), "alice"},
		{"an address that the first source overrides", s.AccountOf("b2@example.org"), "bob"},
		{"no address", s.AccountOf("ally"), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.what, test.got, test.want)
		}
	}
	alice, ok := s.Person("alice")
	if want := (directory.Person{Mails: []string{"alice@example.org"},
		Nicks: []directory.Nick{{Protocol: "irc", Name: "ally"}}, Disabled: true}); !ok || !reflect.DeepEqual(alice, want) {
		t.Errorf("alice is %+v, want %+v", alice, want)
	}
	if bob, _ := s.Person("bob"); !slices.Equal(bob.Mails, []string{"b@example.org"}) {
		t.Errorf("bob is %+v", bob)
	}
	if !s.HasRole("commit") || !s.HasRole("watch") || s.HasRole("admin") {
		t.Error("the roles are wrong")
	}
}

// TestUnknownIsNotEmpty: a source without facts is named, and takes nothing away from others.
func TestUnknownIsNotEmpty(t *testing.T) {
	s := directory.Merge(directory.Policy{}, directory.Part{Name: "fas"}, directory.Part{Name: "file",
		Facts: facts(t, "groups: {infra: [alice]}\n")})
	if got := s.Lacks(); !slices.Equal(got, []string{"fas"}) {
		t.Errorf("the snapshot lacks %q", got)
	}
	if !s.HasGroup("infra") || s.HasGroup("web") {
		t.Error("the groups are wrong")
	}
	want := directory.Counts{Groups: 0, Packages: -1, Accounts: -1, People: -1}
	if got := facts(t, "groups: {}\n").Counts(); got != want {
		t.Errorf("counts of a file with one empty section: %+v", got)
	}
	if got := (*directory.Snapshot)(nil).Lacks(); got != nil {
		t.Errorf("no directory lacks %q", got)
	}
}

// TestGroupsInGroups: members of members are members, rings end, and a group that nobody knows adds nobody.
func TestGroupsInGroups(t *testing.T) {
	first := &directory.Facts{Groups: map[string][]string{
		"a": {"alice", "@b", "@a"}, "b": {"bob", "@c", "@gone"}, "c": {"carol", "@a"}, "self": {"@self"},
	}}
	second := &directory.Facts{Groups: map[string][]string{"d": {"@c", "dave"}, "a": {"mallory"}}}
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: first}, directory.Part{Facts: second})
	for group, want := range map[string]string{"a": "alice bob carol", "b": "alice bob carol", "c": "alice bob carol",
		"d": "alice bob carol dave", "self": "", "gone": ""} {
		if got := strings.Join(s.Members(group), " "); got != want {
			t.Errorf("members of %s: %q, want %q", group, got, want)
		}
	}
	if got := strings.Join(s.Groups("bob"), " "); got != "a b c d" {
		t.Errorf("groups of bob: %q", got)
	}
	if s.HasGroup("gone") || !s.HasGroup("self") {
		t.Error("a group that is only named is known, or one in itself is not")
	}
}

// TestAddressOfTwo: an address that a source gives to two people is nobody's, whatever others say.
func TestAddressOfTwo(t *testing.T) {
	two := facts(t, "people: {a: {mails: [x@example.org]}, b: {mails: [X@example.org]}, c: {mails: [x@example.org]}}\n")
	one := facts(t, "people: {d: {mails: [x@example.org]}}\n")
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: two}, directory.Part{Facts: one})
	if got := s.AccountOf("x@example.org"); got != "" {
		t.Errorf("the address of three people is %q's", got)
	}
	if _, there := s.Accounts()["x@example.org"]; there {
		t.Error("the address stands among the accounts")
	}
	said := facts(t, "accounts: {x@example.org: b}\n")
	s = directory.Merge(directory.Policy{}, directory.Part{Facts: said}, directory.Part{Facts: two})
	if got := s.AccountOf("x@example.org"); got != "b" {
		t.Errorf("the site says that the address is b's; it is %q's", got)
	}
}

func TestBots(t *testing.T) {
	s := directory.Merge(directory.Policy{Bots: []string{"Releng", "*bot", "svc-*-ci", "*mid*"}},
		directory.Part{Facts: facts(t, "people: {gudrun: {bot: true}, alice: {}}\n")})
	for name, want := range map[string]bool{"releng": true, "RELENG": true, "gudrunbot": true, "bot": true,
		"botany": false, "svc-a-ci": true, "svc-ci": false, "svc--ci": true, "amidst": true,
		"gudrun": true, "alice": false, "": false} {
		if s.IsBot(name) != want {
			t.Errorf("IsBot(%q) = %v", name, !want)
		}
	}
	if (*directory.Snapshot)(nil).IsBot("bot") {
		t.Error("no directory knows bots")
	}
}

// TestFactsAreStored: facts come back from JSON as they were, unknown parts as unknown.
func TestFactsAreStored(t *testing.T) {
	f := facts(t, small+"people: {alice: {mails: [], nicks: [\"matrix://h.example:1/a/b\"], private: true}}\n")
	f.Groups, f.Mark = nil, json.RawMessage(`{"etag":"x"}`)
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	back := &directory.Facts{}
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	if back.Groups != nil || back.Counts() != f.Counts() || !reflect.DeepEqual(back.Packages, f.Packages) {
		t.Errorf("%+v came back as %+v", f, back)
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("x", directory.MaxName+1)
	f := &directory.Facts{
		Groups:   map[string][]string{"g": {"a", "", long, "b\x00"}, "": {"a"}, "@g": {"a"}},
		Packages: map[string][]directory.Owner{"p": {{Name: "a", Role: "r"}, {Name: "a"}, {Role: "w"}}, long: nil},
		Accounts: map[string]string{"x": "a", "y": "", "": "b", "z": "@g"},
		People:   map[string]directory.Person{"a": {Mails: []string{"", "a@b"}}, "\xff": {}, "@g": {}},
	}
	f.Clean()
	want := &directory.Facts{
		Groups:   map[string][]string{"g": {"a"}},
		Packages: map[string][]directory.Owner{"p": {{Name: "a", Role: "r"}, {Role: "w"}}},
		Accounts: map[string]string{"x": "a"},
		People:   map[string]directory.Person{"a": {Mails: []string{"a@b"}}},
		Notes:    f.Notes,
	}
	if !reflect.DeepEqual(f, want) || len(f.Notes) != 1 {
		t.Errorf("%+v, want %+v", f, want)
	}
}

func TestPeopleOfTheFile(t *testing.T) {
	for text, want := range map[string]string{
		"people: {alice: {mail: [a@b.c]}}\n":             `unknown key "mail"`,
		"people:\n  alice: {nicks: [\"irc://freja\"]}\n": "line 2, column 18: no nick",
		"people: {alice: {bot: maybe}}\n":                "true or false is expected",
		"people: {\"@infra\": {}}\n":                     "is a group",
		"people: {alice: {mails: a@b.c}}\n":              "a list of names",
		"people: {alice: {}, \"alice\": {bot: true}}\n":  `"alice" is there twice`,
		"people: [alice]\n":                              "a mapping",
		"people: {alice: {mails: [\"a@b.c\\n\"]}}\n":     "is no name",
		"groups: {}\npeoples: {}\n":                      "groups, packages, accounts and people",
	} {
		if _, err := directory.ParseFacts([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// TestLargeDirectory holds a directory of a distribution to its bound of memory.
func TestLargeDirectory(t *testing.T) {
	if testing.Short() {
		t.Skip("large")
	}
	f := distribution()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: f})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := s.Counts(); got.Packages != 25_000 || got.People != 3_000 {
		t.Fatalf("the snapshot has %+v", got)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 30<<20 {
		t.Errorf("the snapshot takes %d MiB", grown>>20)
	}
	runtime.KeepAlive(f)
}

// distribution makes the facts of a large community: 25,000 packages, 3,000 people.
func distribution() *directory.Facts {
	f := &directory.Facts{Groups: map[string][]string{}, Packages: map[string][]directory.Owner{},
		People: map[string]directory.Person{}}
	person := func(i int) string { return fmt.Sprintf("person%d", i%3000) }
	for i := range 3000 {
		f.People[person(i)] = directory.Person{Mails: []string{person(i) + "@example.org"},
			Nicks: []directory.Nick{{Protocol: "irc", Name: person(i), Server: "irc.example.org"}}}
	}
	for i := range 300 {
		group := fmt.Sprintf("group%d", i)
		for j := range 20 {
			f.Groups[group] = append(f.Groups[group], person(i*7+j*131))
		}
	}
	for i := range 25_000 {
		pkg := fmt.Sprintf("package%d", i)
		for j := range 3 {
			f.Packages[pkg] = append(f.Packages[pkg], directory.Owner{Name: person(i*i + j*977), Role: "commit"})
		}
		f.Packages[pkg] = append(f.Packages[pkg], directory.Owner{Name: fmt.Sprintf("@group%d", i%300), Role: "commit"})
	}
	return f
}

func BenchmarkMerge(b *testing.B) {
	f := distribution()
	b.ReportAllocs()
	for b.Loop() {
		directory.Merge(directory.Policy{}, directory.Part{Facts: f})
	}
}

// TestWith: changes lie over a snapshot, which stays as it is.
func TestWith(t *testing.T) {
	s := directory.Merge(directory.Policy{}, directory.Part{Facts: facts(t, `
groups: {infra: [alice], web: []}
packages: {bash: {owner: [alice], commit: [bob, carol]}, zsh: {}}
`)})
	next := s.With([]directory.Change{
		{Package: "bash", Who: "dave", Role: "commit"}, {Package: "bash", Who: "bob", Gone: true},
		{Package: "bash", Who: "erin", Role: "owner", Only: true}, {Package: "zsh", Who: "bob", Role: "commit"},
		{Package: "gone", Who: "bob", Role: "commit"}, {Package: "bash", Who: "carol", Role: "commit"},
		{Group: "infra", Who: "bob"}, {Group: "infra", Who: "alice", Gone: true}, {Group: "gone", Who: "bob"},
		{Group: "web", Who: "bob"}, {Group: "web", Who: "bob"}, {}, {Package: "zsh"},
	})
	for _, test := range []struct{ what, got, want string }{
		{"bash", owners(next, "bash"), "dave:commit carol:commit erin:owner"},
		{"zsh", owners(next, "zsh"), "bob:commit"},
		{"gone", owners(next, "gone"), ""},
		{"infra", strings.Join(next.Members("infra"), " "), "bob"},
		{"bob", strings.Join(next.Groups("bob"), " "), "infra web"},
		{"alice", strings.Join(next.Groups("alice"), " "), ""},
		{"bash before", owners(s, "bash"), "bob:commit carol:commit alice:owner"},
		{"infra before", strings.Join(s.Members("infra"), " "), "alice"},
		{"alice before", strings.Join(s.Groups("alice"), " "), "infra"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.what, test.got, test.want)
		}
	}
	if s.With(nil) != s || (*directory.Snapshot)(nil).With([]directory.Change{{Group: "g", Who: "a"}}) != nil {
		t.Error("no changes, or no directory, make another snapshot")
	}
}
