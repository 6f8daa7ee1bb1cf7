package control

import "context"

// pause keeps everything until a time.
func (d *Desk) pause(ctx context.Context, who speaker, o Order) ([]string, error) {
	return nil, &Mistake{Problem: "A pause is made" + d.atPage() + "."}
}

// resume sends again what was stopped here.
func (d *Desk) resume(ctx context.Context, who speaker) ([]string, error) {
	if who.byMail {
		return nil, &Mistake{Problem: "An answer to a mail starts nothing again.", Help: "It is done" + d.atPage() + "."}
	}
	if who.to.On && who.to.Disabled == "" {
		return []string{"Nothing is stopped here."}, nil
	}
	if err := d.Destinations.SetOn(ctx, who.user.ID, who.to.ID, true); err != nil {
		return nil, err
	}
	return []string{"Notices come here again. Undo: stop"}, nil
}
