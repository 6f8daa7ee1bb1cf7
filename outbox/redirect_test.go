package outbox_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
	"github.com/notifyd/notifyd/outbox"
)

// TestRedirect: what waits for one destination waits for the other, once, and is due when it was.
func TestRedirect(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		now := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
		o := outbox.New(d.Writer, d.Reader, d.Postgres, outbox.Config{}, func() time.Time { return now }, rand.Reader)
		owe := func(message, destination, backend string, due time.Duration) outbox.Delivery {
			return outbox.Delivery{Message: message, Destination: destination, Backend: backend, Address: "a" + destination,
				DueAt: now.Add(due), Notice: backends.Notice{ID: message, Title: message}}
		}
		write(t, d, func(tx *gorm.DB) error {
			_, err := o.Add(tx, []outbox.Delivery{owe("m1", "1", "irc", time.Hour), owe("both", "1", "irc", time.Hour),
				owe("both", "2", "irc", time.Hour), owe("m2", "2", "irc", 2*time.Hour), owe("m1", "3", "email", time.Hour)})
			return err
		})
		write(t, d, func(tx *gorm.DB) error { return o.Redirect(tx, "irc", "1", "2") })
		for destination, want := range map[string][]string{"1": nil, "2": {"both", "m1", "m2"}, "3": {"m1"}} {
			found, err := o.Recent(t.Context(), []string{destination}, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range found {
				if e.State != outbox.Waiting {
					t.Errorf("%s of %s is %s", e.Message, destination, e.State)
				}
				got = append(got, e.Message)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("destination %s is owed %v, want %v", destination, got, want)
			}
		}
		var ready []int64
		err := d.Reader.Raw("SELECT ready_at FROM lanes WHERE destination = '2'").Scan(&ready).Error
		if err != nil || len(ready) != 1 || ready[0] != now.Add(time.Hour).UnixMicro() {
			t.Errorf("the queue is ready at %v, %v", ready, err)
		}
	})
}

func write(t *testing.T, d *migrations.DB, f func(tx *gorm.DB) error) {
	t.Helper()
	if err := d.Writer.WithContext(t.Context()).Transaction(f); err != nil {
		t.Fatal(err)
	}
}
