package prefs_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rules"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// TestNewcomersOfAVerifyingSite: there a stranger's message is told to nobody by default, but to the person in whose
// name it acts: "not what I did myself" hides nothing that the person has not done.
func TestNewcomersOfAVerifyingSite(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := prefs.Open(prefs.Config{
			Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader, ClaimedNames: yes,
			Verified: func() bool { return true },
		})
		alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		filters, err := store.Filters.List(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := directory.Parse([]byte("packages: {bash: {owner: [alice]}}"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			actor   string
			verdict bus.Verdict
			keyword catalogue.Keyword
			want    string
		}{
			{"bob", bus.Signed, catalogue.KeywordCommit, "My packages, About me"},
			{"bob", bus.Signed, catalogue.KeywordInfrastructure, "About me"},
			{"bob", bus.Trusted, catalogue.KeywordBuild, "My packages, About me"},
			{"bob", bus.Unsigned, catalogue.KeywordBuild, ""},
			{"alice", bus.Signed, catalogue.KeywordBuild, ""},
			{"alice", bus.Unsigned, catalogue.KeywordBuild, "In my name, but not proved"},
			{"alice", bus.WrongSigner, catalogue.KeywordBuild, "In my name, but not proved"},
		} {
			e := &catalogue.Event{
				Message: &bus.Message{Topic: "a.b", Standing: bus.Standing{Verdict: c.verdict}}, Actor: c.actor,
				Users: []string{"alice", "bob"}, Packages: []string{"bash"}, Severity: catalogue.Info, Keyword: c.keyword,
			}
			var got []string
			for _, f := range filters {
				if rules.Explain(rulespec.Env{}, e, dir, f.Filter).Matched {
					got = append(got, f.Name)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s, %s: matched by %q, want %q", c.actor, c.verdict, got, c.want)
			}
		}
	})
}

func TestNewcomersBeginWithWhatCanMatch(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		store := prefs.Open(prefs.Config{
			Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader, ClaimedNames: yes,
			DefaultFilter: func(f prefs.Filter) bool { return len(rulespec.Missing(f.Filter, nil)) == 0 },
		})
		alice, err := store.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org")
		if err != nil {
			t.Fatal(err)
		}
		filters, err := store.Filters.List(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(filters) != 1 || filters[0].Name != "About me" {
			t.Errorf("without a directory a newcomer begins with %+v, want About me alone", filters)
		}
	})
}
