package control

import (
	"context"
	"errors"

	"github.com/notifyd/notifyd/prefs/schedule"
)

// pause keeps everything until a time.
func (d *Desk) pause(ctx context.Context, who speaker, o Order) ([]string, error) {
	p := schedule.Pause{Until: o.Until}
	if o.For > 0 {
		p.Until = who.now.Add(o.For)
	}
	if p.Until.IsZero() {
		return nil, &Mistake{Problem: "Until when?", Help: usage["pause"]}
	}
	err := d.Accounts.Pause(ctx, who.user.ID, p)
	var wrong *schedule.Error
	if errors.As(err, &wrong) {
		return nil, &Mistake{Problem: "The pause " + wrong.Problem + ".", Help: usage["pause"]}
	}
	if err != nil {
		return nil, err
	}
	return []string{"Everything is kept until " + schedule.Date(p.Until, who.now, who.zone) +
		", and goes in one digest then; only what is critical goes at once. Undo: resume"}, nil
}

// resume ends a pause, or sends again what was stopped here.
func (d *Desk) resume(ctx context.Context, who speaker) ([]string, error) {
	if who.byMail {
		return nil, &Mistake{Problem: "An answer to a mail starts nothing again.", Help: "It is done" + d.atPage() + "."}
	}
	if who.user.Pause.On(who.now) {
		if err := d.Accounts.Resume(ctx, who.user.ID, false); err != nil {
			return nil, err
		}
		return []string{"The pause is over. What was kept goes now, in one digest."}, nil
	}
	if who.to.On && who.to.Disabled == "" {
		return []string{"Nothing is stopped here."}, nil
	}
	if err := d.Destinations.SetOn(ctx, who.user.ID, who.to.ID, true); err != nil {
		return nil, err
	}
	return []string{"Notices come here again. Undo: stop"}, nil
}
