package carrier

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestIsUpAgainWithoutAMessage: the database fails for a moment, while nothing waits for the other bus.
func TestIsUpAgainWithoutAMessage(t *testing.T) {
	each(t, func(t *testing.T, x *fixture) {
		c := x.carrier(&far{}, bus.Choice{}, "one")
		x.run(c)
		rename := func(from, to string) {
			t.Helper()
			if err := x.db.Writer.Exec("ALTER TABLE " + from + " RENAME TO " + to).Error; err != nil {
				t.Fatal(err)
			}
		}
		is := func(up float64) func() bool { return func() bool { return value(c, UpMetric, "") == up } }
		rename("messages", "elsewhere")
		exectest.Eventually(t, 10*time.Second, "it is down", is(0))
		rename("elsewhere", "messages")
		exectest.Eventually(t, 10*time.Second, "it is up", is(1))
	})
}
