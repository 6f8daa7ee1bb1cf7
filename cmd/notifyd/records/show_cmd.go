package records

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// ShowCmd is `notifyd history show`.
type ShowCmd struct {
	ID   string `arg:"" placeholder:"ID" help:"The id of the message."`
	JSON bool   `name:"json" help:"As one JSON object."`
}

// mostReceivers bounds how many of those who got a message are shown.
const mostReceivers = 500

// Run shows a message, and the deliveries that the outbox still knows.
func (c *ShowCmd) Run(e *Env) error {
	return withHistory(e, func(db *migrations.DB, store *history.Store) error {
		r, err := store.Get(e.Ctx, c.ID, readers.Sources{})
		if errors.Is(err, history.ErrNotFound) {
			return fmt.Errorf("there is no message %q", c.ID)
		}
		if err != nil {
			return err
		}
		found, err := store.SelectedOf(e.Ctx, []history.Record{r})
		if err != nil {
			return err
		}
		receivers, err := receivers(e, db, r.MsgID)
		if err != nil {
			return err
		}
		whole := WholeOf(found[0], receivers)
		if c.JSON {
			return whole.PrintJSON(e.Stdout)
		}
		return whole.Print(e.Stdout)
	})
}

// receivers gives the deliveries of a message.
func receivers(e *Env, db *migrations.DB, id string) ([]Receiver, error) {
	box := outbox.New(db.Reader, db.Reader, db.Postgres, outbox.Config{}, e.Now, rand.Reader)
	found, err := box.Find(e.Ctx, outbox.Query{Message: id, Limit: mostReceivers})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, one := range found {
		keys = append(keys, one.Destination)
	}
	people := prefs.Open(prefs.Config{Writer: db.Reader, Reader: db.Reader, Now: e.Now, Random: rand.Reader})
	owners, err := people.Destinations.Owners(db.Reader.WithContext(e.Ctx), keys)
	if err != nil {
		return nil, err
	}
	var all []Receiver
	for _, one := range found {
		all = append(all, ReceiverOf(one, owners[one.Destination]))
	}
	return all, nil
}
