package outbox

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestHeldIsKept: what is held is neither sent nor lost, and goes when it is let go.
func TestHeldIsKept(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		o := open(d, Config{}, c.now, 1)
		hold := func(held bool) {
			t.Helper()
			err := d.Writer.Transaction(func(tx *gorm.DB) error { return o.Hold(tx, []string{"7"}, held) })
			if err != nil {
				t.Fatal(err)
			}
		}
		add(t, o, delivery("m1", "7", c.now()), delivery("m2", "8", c.now()))
		hold(true)
		c.pass(time.Hour)
		if got := take(t, o); got == nil || len(messages(got)) != 1 || messages(got)[0] != "m2" {
			t.Fatalf("claimed %v, want what is not held", got)
		} else {
			complete(t, o, got, nil)
		}
		if got := take(t, o); got != nil {
			t.Fatalf("claimed %v, which is held", messages(got))
		}
		if wait, owed, err := o.next(t.Context(), "mail"); err != nil || owed && wait <= 0 {
			t.Errorf("what is held would be looked for at once: %s, %t, %v", wait, owed, err)
		}
		hold(false)
		if got := take(t, o); got == nil || messages(got)[0] != "m1" {
			t.Errorf("claimed %v, want what was held", got)
		}
	})
}
