package outbox

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/migrations/migratest"
)

// TestParcelIsDressed: a notice goes with its time in the zone of its reader.
func TestParcelIsDressed(t *testing.T) {
	migratest.Each(t, func(t *testing.T, d *migrations.DB) {
		c := newClock()
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		var got []backends.Notice
		mail := &fakeBackend{answer: func(_ context.Context, p backends.Parcel) error {
			got = append(got, p.Notices...)
			return nil
		}}
		o := open(d, Config{
			Zone: func(context.Context, string) (*time.Location, error) { return berlin, nil },
			Explain: func(_ *gorm.DB, asked []Unexplained) ([]Explained, error) {
				answers := make([]Explained, len(asked))
				for i := range answers {
					answers[i].Why = []backends.Reason{{Filter: "Mine"}}
				}
				return answers, nil
			},
		}, c.now, 1)
		one, account := delivery("m1", "7", c.now()), delivery("m2", Account+"a", c.now())
		one.Notice.Time, one.Reasons = c.now(), []Reason{{Filter: 1, Revision: 1}}
		add(t, o, one, account)
		p := newPool(o, "mail", mail)
		for range 2 {
			if err := p.send(t.Context(), *take(t, o)); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != 2 || got[0].Time.Location() != berlin || !got[0].Time.Equal(c.now()) {
			t.Errorf("got %+v", got)
		}
	})
}
