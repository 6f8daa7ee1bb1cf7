package prefs_test

import (
	"fmt"
	"testing"

	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/rulespec"
)

// BenchmarkSubscriptions reads the subscriptions of 1000 users with ten filters each: -bench Subscriptions -benchtime
// 5x
func BenchmarkSubscriptions(b *testing.B) {
	dsns := map[string]func(testing.TB) string{"sqlite": migratest.SQLite, "postgres": migratest.Postgres}
	for name, dsn := range dsns {
		b.Run(name, func(b *testing.B) {
			d := migratest.Open(b, dsn(b))
			s := openStore(d, newClock().now)
			for i := range 1000 {
				name := fmt.Sprintf("user%d", i)
				_, err := s.Accounts.Register(b.Context(), name, "Europe/Berlin", "email", name+"@example.org")
				if err != nil {
					b.Fatal(err)
				}
			}
			rules, err := rulespec.MarshalRules(packageFilter("", "bash", "z*").Rules)
			if err != nil {
				b.Fatal(err)
			}
			err = d.Writer.Exec("INSERT INTO filters "+
				"(user_id, name, rules, is_on, one_shot, chosen, created_at, updated_at) "+
				"SELECT u.id, 'f', ?, ?, ?, ?, 0, 0 FROM users u, "+
				"(SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) a, (SELECT 1 UNION SELECT 2) b",
				rules, true, false, false).Error
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				subs, err := everything(b.Context(), s, d)
				if err != nil || len(subs) != 10000 {
					b.Fatal(len(subs), err)
				}
			}
		})
	}
}
