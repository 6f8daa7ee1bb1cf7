package directory_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/internal/watch"
)

const small = `
packages:            # may come before the groups they name
  bash: {owner: [alice], commit: [bob, "@infra"]}
  389-ds: {owner: ["@web"], admin: [alice, bob]}
  7: {owner: [carol]}
  orphan: {}
  void:
groups:
  infra: [carol, alice, alice]
  web:
    - bob
  empty: []
  nobody:
accounts:
  ally: alice
  Alice@Example.org: alice
  "https://Bob.id.example.org/": bob
  7: carol
`

func TestAccounts(t *testing.T) {
	accounts := parse(t, small).Accounts()
	for alias, want := range map[string]string{"ally": "alice", "Ally": "", "alice@example.org": "alice",
		"https://bob.id.example.org": "bob", "7": "carol"} {
		if accounts[alias] != want {
			t.Errorf("account of %q = %q, want %q", alias, accounts[alias], want)
		}
	}
	if got := (*directory.Snapshot)(nil).Accounts(); len(got) != 0 {
		t.Errorf("no directory has accounts %q", got)
	}
	var b strings.Builder
	b.WriteString("accounts:\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "  user%d@example.org: u%d\n", i, i)
	}
	if got := parse(t, b.String()).Accounts(); len(got) != 10_000 || got["user9999@example.org"] != "u9999" {
		t.Errorf("%d accounts of a large file", len(got))
	}
	_, err := directory.Parse([]byte(b.String() + "  USER1@example.org: u2\n"))
	if err == nil || !strings.Contains(err.Error(),
		`line 10002, column 3: "USER1@example.org" stands here a second time`) {
		t.Errorf("error %v", err)
	}
}

func TestSnapshot(t *testing.T) {
	s := parse(t, small)
	for _, test := range []struct{ what, got, want string }{
		{"groups of alice", strings.Join(s.Groups("alice"), " "), "infra"},
		{"groups of bob", strings.Join(s.Groups("bob"), " "), "web"},
		{"groups of dave", strings.Join(s.Groups("dave"), " "), ""},
		{"members of infra", strings.Join(s.Members("infra"), " "), "alice carol"},
		{"owners of bash", owners(s, "bash"), "bob:commit @infra:commit alice:owner"},
		{"owners of 389-ds", owners(s, "389-ds"), "alice:admin bob:admin @web:owner"},
		{"owners of 7", owners(s, "7"), "carol:owner"},
		{"owners of orphan", owners(s, "orphan"), ""},
		{"owners of nothing", owners(s, "nothing"), ""},
		{"packages of alice", strings.Join(s.Packages("alice"), " "), "389-ds bash"},
		{"packages of @infra", strings.Join(s.Packages("@infra"), " "), "bash"},
	} {
		if test.got != test.want {
			t.Errorf("%s = %q, want %q", test.what, test.got, test.want)
		}
	}
	for group, want := range map[string]bool{"infra": true, "empty": true, "nobody": true, "gone": false} {
		if s.HasGroup(group) != want {
			t.Errorf("HasGroup(%q) = %v", group, !want)
		}
	}
	for role, want := range map[string]bool{"owner": true, "admin": true, "watch": false} {
		if s.HasRole(role) != want {
			t.Errorf("HasRole(%q) = %v", role, !want)
		}
	}
	for range s.Owners("bash") {
		break // a caller may stop early
	}
}

func TestParseIsStrict(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"unknown key", "groups: {}\npackage: {}\n", `line 2, column 1: unknown key "package"`},
		{"unknown group", "packages:\n  bash:\n    owner: [\"@gone\"]\n",
			`line 3, column 12: package "bash": there is no group "gone"`},
		{"group in a group", "groups:\n  a: [\"@b\"]\n  b: []\n", `line 2, column 3: group "a" has "@b" as a member`},
		{"group with @", "groups:\n  \"@a\": []\n", "stands without @"},
		{"no list", "groups:\n  a: alice\n", "line 2, column 6: a list of names"},
		{"no roles", "packages:\n  bash: [alice]\n", "line 2, column 9: a mapping"},
		{"key twice", "groups:\n  a: []\n  a: []\n", `line 3, column 3: the key "a" is there twice`},
		{"no YAML", "groups: [\n", "not YAML"},
		{"account of nobody", "accounts:\n  ally:\n", "line 2, column 9: a name is expected here"},
		{"accounts of one", "accounts:\n  ally: [alice, bob]\n", "a name is expected here"},
		{"account of a group", "accounts:\n  ally: \"@infra\"\n", `line 2, column 9: "@infra" is a group`},
		{"account with a space", "accounts:\n  ally: alice a\n", "has a space in it"},
		{"nothing", "", "the file is empty"},
		{"two documents", "groups: {}\n---\ngroups: {}\n", "line 3, column 1: a second document"},
		{"anchor", "groups: {a: &x [alice], b: *x}\n", "a list of names"},
		{"control character", "groups: {a: [\"\\a\"]}\n", "is no name"},
		{"long name", "groups: {a: [" + strings.Repeat("a", 257) + "]}\n", "longer than 256"},
		{"deep", strings.Repeat("[", 100_000), "nested too deeply"},
		{"deep dashes", strings.Repeat("- ", 100_000), "nested too deeply"},
	} {
		if _, err := directory.Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	_, err := directory.Parse([]byte("groups:\n  a: b\n  c: d\n"))
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error %v, want both mistakes", err)
	}
	_, err = directory.Parse([]byte("groups:\n" + strings.Repeat("  - a\n", 1000)))
	if err == nil || len(err.Error()) > 4000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// TestLargeFiles reads a large file in chunks: mistakes keep their positions in the file, and a text that cannot be
// cut is read whole.
func TestLargeFiles(t *testing.T) {
	var b strings.Builder
	b.WriteString("# who owns what\n\npackages: # many\n")
	for i := range 4_000 {
		fmt.Fprintf(&b, "  p%d: {owner: [alice, \"@infra\"],\n    commit: [bob]}\n  # the next\n", i)
	}
	b.WriteString("groups:\n  infra: [carol]\n")
	text := b.String()
	s := parse(t, text)
	if got := owners(s, "p3999"); got != "bob:commit alice:owner @infra:owner" {
		t.Errorf("owners of the last package: %q", got)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown group", "p3600: {owner: [alice, \"@infra\"]", "p3600: {owner: [alice, \"@gone\"]",
			`line 10804, column 18: package "p3600": there is no group "gone"`},
		{"twice, far apart", "  p3600:", "  p1:", `line 10804, column 3: package "p1" stands here a second time`},
		{"no mapping", "  p3600: {", "  p3600: alice\n  q: {", "line 10804, column 10: a mapping"},
		{"no YAML", "  p3600: {", "  p3600: {{", "line 108"},
		{"unknown section", "groups:\n", "groups:\n  x: []\nteams:\n", `line 12006, column 1: unknown key "teams"`},
	} {
		_, err := directory.Parse([]byte(strings.Replace(text, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
	// This line looks like an entry but is not one: the pieces are not YAML, the whole is.
	odd := parse(t, strings.ReplaceAll(text, "\n    commit", "\n  commit"))
	if got := owners(odd, "p3999"); got != "bob:commit alice:owner @infra:owner" {
		t.Errorf("owners of the last package: %q", got)
	}
}

func TestWatcherKeepsTheLastGood(t *testing.T) {
	file := filepath.Join(t.TempDir(), "directory.yaml")
	write(t, file, "groups: {infra: [alice]}\n")
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w, err := watch.New(directory.File(file, true), time.Minute, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- w.Run(t.Context()) }()
		step := func(what, want string) {
			t.Helper()
			time.Sleep(time.Minute + 5*time.Second) // in the bubble: to the next look, and until the file has settled
			synctest.Wait()
			if got := strings.Join(w.Load().Groups["infra"], " "); got != want {
				t.Errorf("%s: members %q, want %q", what, got, want)
			}
		}
		step("at first", "alice")
		write(t, file, "groups: {infra: [bobby]}\n")
		step("changed, same size", "bobby")
		write(t, file, "groups: {infra: bob\n")
		step("broken", "bobby")
		step("still broken", "bobby")
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		step("gone", "bobby")
		step("still gone", "bobby")
		write(t, file, "groups: {infra: [carol]}\n")
		step("back", "carol")
		sameTime(t, file, "groups: {infra: [david]}\n")
		step("changed within the clock tick of the file system", "david")
	})
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
		t.Errorf("%d errors are logged, want 2, one a failure:\n%s", n, &log)
	}
	if n := strings.Count(log.String(), "readable again"); n != 1 {
		t.Errorf("the end of the failure is logged %d times, want once:\n%s", n, &log)
	}
}

func TestWatchNeedsAFirstValue(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.yaml")
	write(t, good, "groups: {}\n")
	if _, err := watch.New(directory.File(good, true), 0, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Watch takes an interval of 0")
	}
	for _, file := range []string{filepath.Join(dir, "none"), dir} {
		if _, err := watch.New(directory.File(file, true), time.Minute, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("Watch(%q) gives no error", file)
		}
		if _, err := directory.ReadFile(file); err == nil {
			t.Errorf("ReadFile(%q) gives no error", file)
		}
	}
}

// FuzzParse: Parse never panics, and a good directory is consistent in both directions.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("groups: {a: [\"@\", ~, 1]}\npackages: {? : {}}\n"))
	f.Add([]byte("packages: {x: {y: [\"@z\"]}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := directory.Parse(text)
		if (err == nil) != (s != nil) {
			t.Fatalf("Parse = %v, %v", s, err)
		}
		if err != nil {
			return
		}
		for member := range s.Owners("bash") {
			if group, ok := strings.CutPrefix(member, "@"); ok && !s.HasGroup(group) {
				t.Errorf("package bash has the unknown group %q", group)
			}
		}
		for _, member := range s.Members("infra") {
			if !slices.Contains(s.Groups(member), "infra") {
				t.Errorf("%q is a member of infra and infra none of theirs", member)
			}
		}
	})
}

func parse(t *testing.T, text string) *directory.Snapshot {
	t.Helper()
	s, err := directory.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func owners(s *directory.Snapshot, pkg string) string {
	var words []string
	for name, role := range s.Owners(pkg) {
		words = append(words, name+":"+role)
	}
	return strings.Join(words, " ")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sameTime writes file and keeps the time that it had before.
func sameTime(t *testing.T, file, text string) {
	t.Helper()
	stat, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, text)
	if err := os.Chtimes(file, stat.ModTime(), stat.ModTime()); err != nil {
		t.Fatal(err)
	}
}
