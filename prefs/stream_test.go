package prefs_test

import (
	"reflect"
	"testing"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec"
)

// TestStreamReadsRulesAsUnmarshalDoes compares the reading in bulk with the plain one, also for texts that are no
// rules.
func TestStreamReadsRulesAsUnmarshalDoes(t *testing.T) {
	each(t, func(t *testing.T, s *prefs.Store, d *migrations.DB, _ *clock) {
		alice, _ := person(t, s, "alice")
		for _, text := range []string{
			`[{"app":{"name":["git"]}},{"not":{"package":{"name":["a,b","c\\"","]}"]}}}]`, `[{"everything":{}}]`,
			` [ {"app": {"name": ["git"]}} , {"everything": {}} ] `, `[{"app":{"name":["git"]}},]`,
			`[,{"app":{"name":["git"]}}]`,
			`[{"app":{"name":["git"]}} {"everything":{}}]`, `[]`, `[ ]`, `[`, `]`, `[]]`, `[}{]`, `["]`, `{"app":{}}`,
			`null`, ``, `[null]`,
			`[{"app":{"name":["git"]}}],[{"everything":{}}]`, `[{"not":{"not":{"everything":{}}}}]`,
			`[{"app":{"name":"git"}}]`,
		} {
			f := must[prefs.Filter](t)(s.Filters.Save(t.Context(), alice.ID, packageFilter("mine", "bash")))
			ok(t, d.Writer.Exec("UPDATE filters SET rules = ? WHERE id = ?", text, f.ID).Error)
			want, err := rulespec.UnmarshalRules(text)
			if err != nil || len(want) == 0 {
				want = nil
			}
			var got []rulespec.Rule
			for filter, err := range s.Subscriptions.Stream(t.Context()) {
				ok(t, err)
				if filter.ID == f.ID {
					got = filter.Rules
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: Stream gives %v, want %v", text, got, want)
			}
		}
	})
}
