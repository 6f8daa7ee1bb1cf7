package outbox

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestCancelWhileSending cancels what a worker has in hand: whatever comes of the send, it is not tried again, and what
// the backend has taken is done.
func TestCancelWhileSending(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		want   State
		reason string
	}{
		"taken":   {nil, Done, ""},
		"fails":   {errors.New("451 try later"), Dead, "switched off"},
		"refused": {backends.ErrRefused, Dead, "switched off"},
		"is down": {backends.ErrUnavailable, Dead, "switched off"},
	} {
		t.Run(name, func(t *testing.T) {
			migratest.Each(t, func(t *testing.T, d *migrations.DB) {
				clock := newClock()
				o := open(d, Config{}, clock.now, 1)
				digest := delivery("m1", "1", clock.now())
				digest.Together = true
				more := digest
				more.Message = "m2"
				add(t, o, digest, more, delivery("m3", "2", clock.now()))
				p := take(t, o)
				if len(p.rows) != 2 {
					t.Fatalf("claimed %v, want the digest", messages(p))
				}
				err := o.writer.Transaction(func(tx *gorm.DB) error {
					n, err := o.Cancel(tx, []string{"1"}, "switched off")
					if n != 2 {
						t.Errorf("Cancel = %d, want 2", n)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				complete(t, o, p, c.answer)
				for _, r := range all(t, o)[:2] {
					if r.State != c.want || r.LastError != c.reason {
						t.Errorf("%s is %s because of %q, want %s because of %q", r.Message, r.State, r.LastError,
							c.want, c.reason)
					}
				}
				complete(t, o, take(t, o), nil) // the other destination's
				if next, some, err := o.next(t.Context(), "mail"); err != nil || some {
					t.Errorf("next = %v, %v, want nothing", next, err)
				}
			})
		})
	}
}

// TestCancelBesideComplete lets digests be cancelled and completed at the same time: neither waits for the other for
// ever.
func TestCancelBesideComplete(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		clock := newClock()
		o := open(d, Config{}, clock.now, 1)
		for round := range 30 {
			to := []string{fmt.Sprint("a", round), fmt.Sprint("b", round)}
			for i := range 60 {
				one, two := delivery(fmt.Sprint("m", i), to[i%2], clock.now()),
					delivery(fmt.Sprint("m", i), to[1-i%2], clock.now())
				one.Together, two.Together = true, true
				add(t, o, one, two)
			}
			claims, err := o.claim(t.Context(), "mail", 2, nil)
			if err != nil || len(claims) != 2 {
				t.Fatalf("claimed %d, %v", len(claims), err)
			}
			var both sync.WaitGroup
			both.Go(func() {
				err := o.complete(t.Context(), []completion{o.classify(claims[0], nil, false),
					o.classify(claims[1], errors.New("later"), false)})
				if err != nil {
					t.Errorf("complete = %v", err)
				}
			})
			both.Go(func() {
				err := o.writer.Transaction(func(tx *gorm.DB) error {
					_, err := o.Cancel(tx, to, "switched off")
					return err
				})
				if err != nil {
					t.Errorf("Cancel = %v", err)
				}
			})
			both.Wait()
			var open int64
			d.Reader.Model(&record{}).Where("state NOT IN ?", []State{Done, Dead}).Count(&open)
			if open != 0 {
				t.Fatalf("%d rows are still owed", open)
			}
		}
	})
}
