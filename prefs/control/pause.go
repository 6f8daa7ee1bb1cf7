package control

import (
	"context"
	"errors"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// usualPause is how long a pause lasts where nothing is said.
const usualPause = 24 * time.Hour

// pause keeps everything until a time.
func (d *Desk) pause(ctx context.Context, who speaker, o Order) ([]string, error) {
	p := schedule.Pause{Until: o.Until}
	switch {
	case o.Solved:
		return nil, &Mistake{Problem: "A pause ends at a time.", Help: usage["pause"]}
	case o.For != 0:
		p.Until = who.now.Add(o.For)
	case o.Until.IsZero():
		p.Until = who.now.Add(usualPause)
	}
	err := d.Accounts.Pause(ctx, who.user.ID, p)
	var wrong *schedule.Error
	if errors.As(err, &wrong) {
		return nil, &Mistake{Problem: "That is no pause: it " + wrong.Problem + ".", Help: usage["pause"]}
	}
	if err != nil {
		return nil, err
	}
	undo := "Undo: resume"
	if who.byMail {
		undo = "It is ended" + d.atPage() + "."
	}
	return []string{"Paused, everywhere, until " + schedule.Date(p.Until, who.now, who.zone) +
		": all is kept until then, but what is critical. Then it comes in one digest.", undo}, nil
}

// resume ends a pause, and sends again what was stopped here.
func (d *Desk) resume(ctx context.Context, who speaker) ([]string, error) {
	if who.byMail {
		return nil, &Mistake{Problem: "An answer to a mail starts nothing again.", Help: "It is done" + d.atPage() + "."}
	}
	var lines []string
	if !who.to.On || who.to.Disabled != "" {
		if err := d.Destinations.SetOn(ctx, who.user.ID, who.to.ID, true); err != nil {
			return nil, err
		}
		lines = append(lines, "Notices come here again. Undo: stop")
	}
	switch err := d.Accounts.Resume(ctx, who.user.ID, false); {
	case err == nil:
		lines = append(lines, "The pause is over: what was kept comes now. Undo: pause")
	case !errors.Is(err, prefs.ErrNotFound):
		return nil, err
	}
	if len(lines) == 0 {
		return []string{"Nothing is paused or stopped here."}, nil
	}
	return lines, nil
}
