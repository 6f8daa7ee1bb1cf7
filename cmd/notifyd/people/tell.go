package people

import (
	"context"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/accounts"
	"github.com/notifyd/notifyd/web/operators"
)

// tell sends word to a person about what was done to the account, after it was done. It has happened whatever becomes
// of the word.
func (d *Desk) tell(ctx context.Context, userID uint, title, text, page string) error {
	return d.say(ctx, userID, operators.Word{Title: title, Text: text, Page: page})
}

func (d *Desk) say(ctx context.Context, userID uint, word operators.Word) error {
	if d.Queue == nil {
		return nil
	}
	ds, err := d.Prefs.Destinations.List(ctx, userID)
	if err != nil {
		return err
	}
	word.By = accounts.ActorOf(ctx).By()
	for _, one := range word.Deliveries(ds, d.BaseURL, d.Now()) {
		if err := d.Queue(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// changed tells that what is delivered has changed, and sends word to its owner.
func (d *Desk) changed(ctx context.Context, u prefs.User, title, text, page string) error {
	if d.Changed != nil {
		d.Changed()
	}
	return d.tell(ctx, u.ID, title, text, page)
}
