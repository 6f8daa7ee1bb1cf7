package outbox

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestAStopLeavesNoLease stops an outbox again and again while it claims: another node would wait for the end of a
// lease that nobody holds.
func TestAStopLeavesNoLease(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		var some []Delivery
		for n := range 400 {
			some = append(some, delivery(fmt.Sprint("m", n), fmt.Sprint(n%40), time.Now()))
		}
		add(t, open(d, Config{}, time.Now, 1), some...)
		for n := range 60 {
			o := open(d, Config{Poll: 5 * time.Millisecond, Lease: time.Hour}, time.Now, byte(2+n))
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*250*time.Microsecond+time.Millisecond)
			if err := o.Run(ctx, map[string]backends.Backend{"mail": &fakeBackend{answer: takes}}); err != nil {
				t.Error(err)
			}
			cancel()
			var left int
			if err := d.Reader.Raw("SELECT count(*) FROM lanes WHERE lease <> ''").Scan(&left).Error; err != nil {
				t.Fatal(err)
			}
			if left > 0 {
				t.Fatalf("stop %d: %d queues are under the lease of a node that has ended", n, left)
			}
		}
	})
}
