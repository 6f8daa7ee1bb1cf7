package outbox

import (
	"errors"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestForget: nothing is left of a destination, whatever state its deliveries are in, and others keep theirs. A send
// that is under way writes nothing afterwards, whatever comes of it.
func TestForget(t *testing.T) {
	for name, answer := range map[string]error{
		"taken": nil, "fails": errors.New("451 try later"), "refused": backends.ErrRefused,
		"is down": backends.ErrUnavailable,
	} {
		t.Run(name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				clock := newClock()
				o := open(d, Config{}, clock.now, 1)
				link := delivery("link", Account+"mail:alice@example.org", clock.now().Add(1))
				add(t, o, delivery("done", "1", clock.now()), delivery("dead", "3", clock.now()))
				complete(t, o, take(t, o), nil)
				complete(t, o, take(t, o), backends.ErrRefused)
				add(t, o, delivery("in hand", "1", clock.now()))
				p := take(t, o)
				add(t, o, delivery("waits", "1", clock.now()), delivery("other", "2", clock.now()), link)
				err := o.writer.Transaction(func(tx *gorm.DB) error {
					return o.Forget(tx, []string{"1", "3", link.Destination})
				})
				if err != nil {
					t.Fatal(err)
				}
				complete(t, o, p, answer)
				rows := all(t, o)
				if len(rows) != 1 || rows[0].Message != "other" || rows[0].State != Waiting {
					t.Errorf("left: %v", rows)
				}
				var queues []string
				if err := o.reader.Raw("SELECT destination FROM lanes").Scan(&queues).Error; err != nil {
					t.Fatal(err)
				}
				if len(queues) != 1 || queues[0] != "2" {
					t.Errorf("queues left: %q", queues)
				}
				complete(t, o, take(t, o), nil)
			})
		})
	}
}
