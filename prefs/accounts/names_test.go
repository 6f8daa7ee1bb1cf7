package accounts_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/notifyd/notifyd/prefs/accounts"
)

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"Alice": "alice", " BOB ": "bob", "ﬁsh": "fish", "Ａlice": "alice", "e\u0301va": "éva", "\u00a0x\u2003": "x", "": "",
	} {
		if got := accounts.Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestFoldAddress(t *testing.T) {
	for address, want := range map[string]string{
		"BOB@Example.ORG": "bob@example.org", "https://Example.org/A@b": "https://Example.org/A@b",
		"Nick": "Nick", "Nick@Network": "nick@network",
	} {
		if got := accounts.FoldAddress(address); got != want {
			t.Errorf("FoldAddress(%q) = %q, want %q", address, got, want)
		}
	}
}

// TestChoose holds trap 45 of ours: what passes for a reserved name, or for the name of somebody else.
func TestChoose(t *testing.T) {
	others := []string{"alice", "modem", "user1", "боб", "carol"}
	for _, name := range []string{"bob", "modern", "modem2", "dave.x", "a-b_c.d", "user5", "x1", "1x", "user2", "Dora", " erin "} {
		got, err := accounts.Choose(name, others...)
		if err != nil || got != strings.TrimSpace(strings.ToLower(name)) {
			t.Errorf("Choose(%q) = %q, %v", name, got, err)
		}
	}
	for name, why := range map[string]string{
		"Admin": "reserved", "аdmin": "reserved", "adm1n": "reserved", "ADMIN ": "reserved", "r00t": "reserved", "5upport": "reserved",
		"ROOT": "reserved", "api": "reserved", "orphan": "reserved", "rne": "", "null": "reserved", "signin": "reserved",
		"a1ice": "somebody else", "al1ce": "somebody else", "аlice": "characters", "ca-rol": "", "car0l": "somebody else",
		"userl": "somebody else", "@me": "characters", "@infra": "characters", "": "missing", "  ": "missing",
		"..": "begins or ends", "-rf": "begins or ends", "x.": "begins or ends", "www.win-a-prize.test": "web site",
		"win-a-prize.com": "web site", "admin@example.test": "characters", "бob": "characters", "a b": "characters",
		"x\x00y": "characters", "x\u202ey": "characters", strings.Repeat("x", 65): "longer",
	} {
		_, err := accounts.Choose(name, others...)
		if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
			t.Errorf("Choose(%q): %v, want %q", name, err, why)
		}
	}
}

func TestMistakable(t *testing.T) {
	for _, pair := range [][2]string{{"alice", "alice"}, {"alice", "Alice"}, {"bob", "bоb"}, {"bob", "b0b"},
		{"admin", "adm1n"}, {"paypal", "раураl"}, {"scope", "ѕсоре"}} {
		if !accounts.Mistakable(pair[0], pair[1]) || !accounts.Mistakable(pair[1], pair[0]) {
			t.Errorf("%q and %q pass for one another, and Mistakable does not say so", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"modern", "modem"}, {"alice", "bob"}, {"ali", "all"}, {"x1", "x2"}, {"", "a"}} {
		if accounts.Mistakable(pair[0], pair[1]) {
			t.Errorf("%q and %q are two words", pair[0], pair[1])
		}
	}
}

// TestClean: a name that a provider gives is what messages have, so its letters stay as they are.
func TestClean(t *testing.T) {
	for _, name := range []string{"Alice", "adm1n", "modern", "user@example.org", "jörg", "дима", "a.b_c+d-e", "clark"} {
		if got, err := accounts.Clean(" " + name + " "); err != nil || got != name {
			t.Errorf("Clean(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", " ", "a b", "@infra", "a\nb", "a\x00", "<b>", "orphan", "a/b", "a\u202eb", "\xff",
		strings.Repeat("x", 101), "😀"} {
		if got, err := accounts.Clean(name); err == nil {
			t.Errorf("Clean(%q) = %q, want an error", name, got)
		}
	}
}

func TestRoles(t *testing.T) {
	roles := accounts.Roles{
		Admins:  accounts.Members{Names: []string{"alice"}, Groups: []string{"sysadmin"}},
		Helpers: accounts.Members{Names: []string{"bob"}, Groups: []string{"helpdesk"}},
	}
	for _, c := range []struct {
		name   string
		groups []string
		want   accounts.Role
	}{
		{"alice", nil, accounts.Admin}, {"bob", nil, accounts.Helper}, {"carol", nil, accounts.User},
		{"", nil, accounts.User},
		{"carol", []string{"x", "helpdesk"}, accounts.Helper}, {"", []string{"sysadmin"}, accounts.Admin},
		{"bob", []string{"sysadmin"}, accounts.Admin}, {"Alice", nil, accounts.User},
	} {
		if got := roles.Of(c.name, c.groups); got != c.want {
			t.Errorf("Of(%q, %q) = %s, want %s", c.name, c.groups, got, c.want)
		}
	}
	if got := (accounts.Roles{}).Of("", nil); got != accounts.User {
		t.Errorf("without roles nobody has one, got %s", got)
	}
}

// FuzzNames holds what all else relies on: folding twice is folding once, a chosen name is plain and folded, and passes
// for no name that was there.
func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{{"Alice", "alice"}, {"аdmin", "admin"}, {"adm1n", "bob"}, {"ﬁ\u0301", "İı"},
		{"modern", "modem"}, {"\u1e9eß", "ss"}, {"a\u0345\u0301", "x"}, {"win.example.com", "b0b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		folded := accounts.Fold(name)
		if again := accounts.Fold(folded); again != folded && utf8.ValidString(name) {
			t.Errorf("Fold(%q) = %q, and folded again %q", name, folded, again)
		}
		if accounts.Mistakable(name, other) != accounts.Mistakable(other, name) {
			t.Errorf("Mistakable(%q, %q) depends on the order", name, other)
		}
		if chosen, err := accounts.Choose(name, other); err == nil {
			if again, err := accounts.Choose(chosen, other); err != nil || again != chosen {
				t.Errorf("Choose(%q) = %q, and chosen again %q, %v", name, chosen, again, err)
			}
			if _, err := accounts.Clean(chosen); err != nil {
				t.Errorf("%q may be chosen, but no provider may give it: %v", chosen, err)
			}
		}
		if clean, err := accounts.Clean(name); err == nil && (clean == "" || len(clean) > accounts.MaxName) {
			t.Errorf("Clean(%q) = %q", name, clean)
		}
	})
}
