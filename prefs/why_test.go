package prefs_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// TestWhyIsWhatWasTrueThen: a notice says by which filter it came as the filter was then, also when it was renamed,
// changed and deleted since, and its text is stored once for all destinations. With the account all of it goes.
func TestWhyIsWhatWasTrueThen(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, c *clock) {
		ctx := t.Context()
		links, err := s.Links(ctx, "https://n.example.org")
		ok(t, err)
		o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{Explain: func(tx *gorm.DB,
			asked []outbox.Unexplained) ([]outbox.Explained, error) {
			return s.Reasons.Explain(tx, asked, links)
		}}, c.now, rand.Reader)
		alice := must[prefs.User](t)(s.Accounts.Register(ctx, "alice", "", "email", "alice@example.org"))
		bob := must[prefs.User](t)(s.Accounts.Register(ctx, "bob", "", "email", "bob@example.org"))
		f := prefs.Filter{On: true, Filter: rulespec.Filter{Name: "First", Rules: []rulespec.Rule{{Kind: "package",
			Args: rulespec.Args{"name": {"bash"}}}}}}
		f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		other := must[prefs.Filter](t)(s.Filters.Save(ctx, bob.ID, prefs.Filter{On: true,
			Filter: rulespec.Filter{Name: "Bob's", Rules: []rulespec.Rule{{Kind: "everything"}}}}))
		send := func(id string) {
			t.Helper()
			e := update()
			e.ID = id
			ok(t, d.Writer.Transaction(func(tx *gorm.DB) error {
				hits, err := s.Subscriptions.Load(tx, []rulespec.FilterID{f.ID, other.ID})
				if err != nil {
					return err
				}
				var all []prefs.Subscription
				for _, h := range hits {
					all = append(all, *h)
				}
				_, err = o.Add(tx, prefs.Plan(e, all, c.now(), links))
				return err
			}))
		}
		why := func(message string) string {
			t.Helper()
			var said []string
			for _, e := range must[[]outbox.Entry](t)(o.Find(ctx, outbox.Query{Message: message})) {
				for _, r := range e.Notice.Why {
					said = append(said, r.Filter+": "+r.Sentence)
					if !strings.HasPrefix(r.Stop, "https://n.example.org/stop/") || e.Manage == "" {
						t.Errorf("the links are %q and %q", r.Stop, e.Manage)
					}
				}
			}
			return strings.Join(said, " | ")
		}
		send("m1")
		before := why("m1")
		if !strings.Contains(before, "First: ") || !strings.Contains(before, "bash") || !strings.Contains(before, "Bob's: ") {
			t.Fatalf("it says %q", before)
		}
		f.Name, f.Rules[0].Args = "Second", rulespec.Args{"name": {"bash", "zsh"}}
		f = must[prefs.Filter](t)(s.Filters.Save(ctx, alice.ID, f))
		send("m2")
		ok(t, s.Filters.Delete(ctx, alice.ID, f.ID))
		if now := why("m1"); now != before {
			t.Errorf("it said %q, and says %q", before, now)
		}
		if now := why("m2"); !strings.Contains(now, "Second: ") || !strings.Contains(now, "zsh") {
			t.Errorf("of the changed filter it says %q", now)
		}
		counts := func() (contents, deliveries, revisions int) {
			row := d.Reader.Raw("SELECT (SELECT count(*) FROM contents), (SELECT count(*) FROM deliveries), "+
				"(SELECT count(*) FROM filter_revisions WHERE user_id = ?)", alice.ID).Row()
			ok(t, row.Scan(&contents, &deliveries, &revisions))
			return
		}
		if contents, deliveries, _ := counts(); contents != 2 || deliveries != 4 {
			t.Errorf("%d texts of %d deliveries, want 2 of 4", contents, deliveries)
		}
		ok(t, s.Accounts.Delete(ctx, alice.ID))
		if _, _, revisions := counts(); revisions != 0 {
			t.Errorf("%d revisions are left of her", revisions)
		}
	})
}

// TestDefaultFiltersHaveRevisions: what a new account starts with says why by reference from the first notice on.
func TestDefaultFiltersHaveRevisions(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		must[prefs.User](t)(s.Accounts.Register(t.Context(), "alice", "", "email", "alice@example.org"))
		var filters, noted int64
		ok(t, d.Reader.Raw("SELECT count(*) FROM filters").Scan(&filters).Error)
		ok(t, d.Reader.Raw("SELECT count(*) FROM filter_revisions r JOIN filters f ON f.id = r.filter_id "+
			"WHERE r.ended_at = 0 AND r.name = f.name AND r.rules = f.rules").Scan(&noted).Error)
		if filters == 0 || noted != filters {
			t.Errorf("%d of %d filters have a revision", noted, filters)
		}
	})
}
