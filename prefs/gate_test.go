package prefs_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/kindtest"
)

// TestGate: the store accepts the same filters as every other way in. A stored filter that is no longer accepted is
// shown as broken.
func TestGate(t *testing.T) {
	d, err := migrations.Open(t.Context(), migratest.SQLite(t))
	ok(t, err)
	t.Cleanup(func() { ok(t, d.Close()) })
	s := prefs.Open(prefs.Config{
		Writer: d.Writer, Reader: d.Reader, Now: time.Now, Random: rand.Reader, ClaimedNames: yes,
		KnowsKind: func(name string) bool { return name != kindtest.NoMessageKind },
	})
	alice, _ := person(t, s, "alice")
	stored := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, packageFilter("stored", "bash")))
	for _, c := range kindtest.GateCases() {
		saved, err := s.Filters.Save(t.Context(), alice.ID, prefs.Filter{Filter: c.Filter()})
		if (err != nil) != (c.Problem != "") || err != nil && !strings.Contains(err.Error(), c.Problem) {
			t.Errorf("%s: Save says %v, want %q", c.Name, err, c.Problem)
		}
		if err == nil {
			ok(t, s.Filters.Delete(t.Context(), alice.ID, saved.ID))
		}
		text := must[string](t)(rulespec.MarshalRules(c.Rules))
		ok(t, d.Writer.Exec("UPDATE filters SET rules = ? WHERE id = ?", text, stored.ID).Error)
		got := must[prefs.Filter](t)(s.Filters.Get(t.Context(), alice.ID, stored.ID))
		if (got.Broken != "") != (c.Problem != "") || !strings.Contains(got.Broken, c.Problem) {
			t.Errorf("%s: a stored filter is broken by %q, want %q", c.Name, got.Broken, c.Problem)
		}
	}
}
