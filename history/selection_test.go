package history_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

func anyOf(names ...string) history.Choice { return history.Choice{Any: names} }

var selections = []struct {
	name      string
	selection history.Selection
	index     string // its name, or that of its table
}{
	{"time", history.Selection{Since: noon.Add(-10 * time.Minute), Until: noon}, "idx_messages_time"},
	{"topic", history.Selection{Topics: anyOf("org.example.prod.app3.thing3")}, "idx_messages_topic"},
	{"category", history.Selection{Categories: anyOf("app3")}, "idx_messages_category"},
	{"two categories", history.Selection{Categories: anyOf("app3", "app4")}, "idx_messages_category"},
	{"category, oldest", history.Selection{Categories: anyOf("app3"), OldestFirst: true}, "idx_messages_category"},
	{"user", history.Selection{Users: anyOf("user77")}, "message_users"},
	{"two users", history.Selection{Users: anyOf("user77", "user78")}, "message_users"},
	{"actor", history.Selection{Actors: anyOf("user77")}, "message_users"},
	{"package", history.Selection{Packages: anyOf("package77")}, "message_packages"},
	{"common user, rare package", history.Selection{Users: anyOf("user1"), Packages: anyOf("package77")},
		"message_packages"},
	{"common category, rare user", history.Selection{Categories: anyOf("app17"), Users: anyOf("user77")},
		"message_users"},
	{"all but one", history.Selection{Categories: anyOf("app3"), Users: history.Choice{None: []string{"user77"}}},
		"idx_messages_category"},
	{"topic of the category", history.Selection{Topics: anyOf("org.example.prod.app3.thing3"),
		Categories: anyOf("app3", "app4")}, "idx_messages_topic"},
	{"topic without another", history.Selection{Categories: anyOf("app3"),
		Topics: history.Choice{None: []string{"org.example.prod.app3.thing3"}}}, "idx_messages_category"},
	{"nine users and their packages", history.Selection{Users: anyOf("user1", "user2", "user3", "user4", "user5", "user6",
		"user77", "user78", "user79"), Packages: anyOf("package77", "package78", "package79")}, "message_packages"},
	{"users in common messages", history.Selection{Users: anyOf("user1", "user3", "user77", "user78")}, "message_users"},
	{"neither user nor category", history.Selection{Users: history.Choice{None: []string{"user77", "user3"}},
		Categories: history.Choice{None: []string{"app3", "app4"}}}, "idx_messages_time"},
	{"not by one of the packages", history.Selection{Packages: anyOf("package77", "package78"),
		Actors: history.Choice{None: []string{"user1"}}, Users: history.Choice{None: []string{"user78"}}},
		"message_packages"},
}

// TestNamesHaveTheCategoryBesideThem, however they were stored: a name and a category are found in one list.
func TestNamesHaveTheCategoryBesideThem(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 200)
		var many []string
		for i := range 40 {
			many = append(many, fmt.Sprintf("name%d", i))
		}
		put(t, s, d, event("2026-many", 0, "org.example.prod.app3.thing3", many, many),
			event("2026-suse", 0, "opensuse.obs.package.build", many[:1], many[:1]))
		for _, table := range []string{"message_users", "message_packages"} {
			var right, wrong int
			count := "SELECT count(*) FROM " + table + " n JOIN messages m ON m.id = n.message_id WHERE n.category "
			if err := d.Reader.Raw(count + "= m.category").Scan(&right).Error; err != nil {
				t.Fatal(err)
			}
			if err := d.Reader.Raw(count + "<> m.category").Scan(&wrong).Error; err != nil {
				t.Fatal(err)
			}
			if right < 200+41 || wrong > 0 {
				t.Errorf("%s: %d with the category of the message, %d with another", table, right, wrong)
			}
		}
		for category, want := range map[string]int64{"obs": 1, "app3": 1, "app4": 0} {
			n, err := s.CountSelected(t.Context(), history.Selection{Users: anyOf("name0"), Categories: anyOf(category)})
			if err != nil || n != want {
				t.Errorf("%s: %d, %v", category, n, err)
			}
		}
	})
}

// TestSelectionOfNothing: what no message can be is not asked for.
func TestSelectionOfNothing(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 50)
		for name, sel := range map[string]history.Selection{
			"topic of another category": {Topics: anyOf("org.example.prod.app3.thing3"), Categories: anyOf("app4")},
			"topic of no category": {Topics: anyOf("org.example.prod.app3.thing3"),
				Categories: history.Choice{None: []string{"app3"}}},
			"a category and not the same": {Categories: history.Choice{Any: []string{"app3"}, None: []string{"app3"}}},
			"a topic and not the same": {Topics: history.Choice{Any: []string{"org.example.prod.app3.thing3"},
				None: []string{"org.example.prod.app3.thing3"}}},
		} {
			found, err := s.Select(t.Context(), sel, 0, 25)
			n, wrong := s.CountSelected(t.Context(), sel)
			if len(found) != 0 || n != 0 || err != nil || wrong != nil {
				t.Errorf("%s: %d, %d, %v, %v", name, len(found), n, err, wrong)
			}
		}
	})
}

// TestProbesUseTheWholeKey: whether a message has a name is looked up by name, time and message. By the name alone
// each would read all that the name has: two names that never meet cost the product of their messages.
func TestProbesUseTheWholeKey(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 6000)
		probe, key := regexp.MustCompile(`SEARCH [nm] .*`), regexp.MustCompile(`=\? AND sent_at=\? AND (message_)?(row)?id=\?`)
		if d.Postgres {
			probe, key = regexp.MustCompile(`(Index|Heap|Seq).* Scan.* [nm](_\d+)?  .*(\n.*){2}`),
				regexp.MustCompile(`Index Cond: .*(message_id|\bid) = k(_\d+)?\.`)
		}
		probes := 0
		for _, test := range selections {
			seen := &explainer{t: t, postgres: d.Postgres}
			reader := history.NewStore(nil, seen.open(d), time.Now)
			_, err := reader.Select(t.Context(), test.selection, 50, 25)
			_, wrong := reader.CountSelected(t.Context(), test.selection)
			if err != nil || wrong != nil {
				t.Fatal(err, wrong)
			}
			for _, plan := range seen.plans {
				for _, line := range probe.FindAllString(plan, -1) {
					if probes++; !key.MatchString(line) {
						t.Errorf("%s: %s in %s", test.name, line, plan)
					}
				}
			}
		}
		if probes < 10 {
			t.Errorf("%d probes were seen", probes)
		}
	})
}

// TestSelectionUsesIndexes explains the plan of each statement: none may read a whole table, and the page comes from
// the index that has the fewest entries.
func TestSelectionUsesIndexes(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 20000)
		for _, test := range selections {
			seen := &explainer{t: t, postgres: d.Postgres}
			reader := history.NewStore(nil, seen.open(d), time.Now)
			if _, err := reader.Select(t.Context(), test.selection, 50, 25); err != nil {
				t.Fatal(err)
			}
			name := test.index
			if strings.HasPrefix(name, "idx_") {
				name = index(name)[d.Postgres]
			}
			found := false
			for _, plan := range seen.plans {
				if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "SCAN k\n") {
					t.Errorf("%s: %s", test.name, plan)
				}
				found = found || strings.Contains(plan, "UNION") || strings.Contains(plan, "ORDER BY") &&
					strings.Contains(plan, name)
			}
			if !found {
				t.Errorf("%s: not by %s: %s", test.name, name, strings.Join(seen.plans, "\n"))
			}
		}
	})
}

// TestSelectAgreesWithASlowerWay compares pages and counts with a filter over all messages.
func TestSelectAgreesWithASlowerWay(t *testing.T) {
	each(t, func(t *testing.T, s *history.Store, d *migrations.DB) {
		fill(t, s, d, 1500)
		all, err := s.Select(t.Context(), history.Selection{}, 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		for skip := int64(500); skip < 1500; skip += 500 {
			more, err := s.Select(t.Context(), history.Selection{}, skip, 500)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, more...)
		}
		if len(all) != 1500 {
			t.Fatalf("%d of 1500", len(all))
		}
		for _, test := range selections {
			var want []string
			for _, m := range all {
				if chosen(test.selection, m) {
					want = append(want, m.MsgID)
				}
			}
			n, err := s.CountSelected(t.Context(), test.selection)
			if err != nil || int(n) != len(want) {
				t.Errorf("%s: counted %d, want %d, %v", test.name, n, len(want), err)
			}
			if test.selection.OldestFirst {
				continue
			}
			page, err := s.Select(t.Context(), test.selection, 3, 20)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range page {
				got = append(got, m.MsgID)
			}
			if w := want[min(3, len(want)):min(23, len(want))]; strings.Join(got, " ") != strings.Join(w, " ") {
				t.Errorf("%s: %v, want %v", test.name, got, w)
			}
		}
	})
}

// chosen is what a Selection means.
func chosen(sel history.Selection, m history.Selected) bool {
	return !(!sel.Since.IsZero() && m.Time.Before(sel.Since)) && !(!sel.Until.IsZero() && m.Time.After(sel.Until)) &&
		takes(sel.Users, m.Users...) && takes(sel.Actors, m.Actor) && takes(sel.Packages, m.Packages...) &&
		takes(sel.Topics, m.Topic) && takes(sel.Categories, history.Category(m.Topic))
}

func takes(c history.Choice, names ...string) bool {
	has := func(list []string) bool {
		for _, name := range names {
			for _, one := range list {
				if name == one && name != "" {
					return true
				}
			}
		}
		return false
	}
	return (len(c.Any) == 0 || has(c.Any)) && !has(c.None)
}

func TestCategory(t *testing.T) {
	for topic, want := range map[string]string{
		"org.example.prod.git.receive": "git", "org.example.prod.git": "git", "org.example.prod": "Unclassified",
		"short": "Unclassified", "": "Unclassified", "/topic/VirtualTopic.eng.distgit.commit": "distgit", "a.b.c.": "",
		"opensuse.obs.package.build_success": "obs", "suse.openqa.job.done": "openqa", "opensuse.obs": "obs",
		"opensuse": "Unclassified", "org.opensuse.prod.obs.package": "obs", "opensuses.a.b.c": "c",
	} {
		if got := history.Category(topic); got != want {
			t.Errorf("%q: %q, want %q", topic, got, want)
		}
	}
}

// BenchmarkSelection measures on 200 000 messages of 1 KB: -bench Selection -benchtime 20x
func BenchmarkSelection(b *testing.B) {
	measure := func(b *testing.B, d *migrations.DB) {
		s := history.NewStore(d.Writer, d.Reader, func() time.Time { return noon.Add(time.Hour) })
		fill(b, s, d, 200_000)
		if err := d.Writer.Exec("VACUUM").Error; err != nil { // as autovacuum does, so that indexes alone are read
			b.Fatal(err)
		}
		for _, test := range selections {
			b.Run(strings.ReplaceAll(test.name, " ", "_"), func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Select(b.Context(), test.selection, 25, 25); err != nil {
						b.Fatal(err)
					}
					if _, err := s.CountSelected(b.Context(), test.selection); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("sqlite", func(b *testing.B) { measure(b, migratest.Open(b, migratest.SQLite(b))) })
	b.Run("postgres", func(b *testing.B) { measure(b, migratest.Open(b, migratest.Postgres(b))) })
}
