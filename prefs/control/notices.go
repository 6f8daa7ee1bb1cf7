package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
)

// notices.go finds the notices that people name by numbers: 1 is the newest one that was sent to the address where they
// speak, or waits for it. What was silenced or withdrawn has no number.

// The bounds on what is looked through and shown.
const (
	lookBack  = 200
	lastShown = 3
	mostShown = 12
	maxTitle  = 160 // characters of a notice in a line
)

// newest gives the notices that have numbers, at most n, the newest first.
func (d *Desk) newest(ctx context.Context, who speaker, n int) ([]outbox.Entry, error) {
	all, err := d.Outbox.Recent(ctx, []string{prefs.Key(who.to.ID)}, 0, lookBack)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e outbox.Entry) bool { return e.Silenced() || e.Withdrawn() || e.Broken })
	return all[:min(n, len(all))], nil
}

// meant gives the notices that an order is about: those of the parcel that it answers, or the one with its number. The
// error is a *Mistake where there is none.
func (d *Desk) meant(ctx context.Context, who speaker, n int) ([]outbox.Entry, error) {
	all, err := d.newest(ctx, who, lookBack)
	if err != nil {
		return nil, err
	}
	if n == 0 && who.said.About != "" {
		all = slices.DeleteFunc(all, func(e outbox.Entry) bool { return e.Parcel != who.said.About })
		if len(all) == 0 {
			return nil, &Mistake{Problem: "I no longer know which notice this answers.", Help: "Say last, and then its number."}
		}
		return all, nil
	}
	n = max(n, 1)
	if len(all) == 0 {
		return nil, &Mistake{Problem: "No notice was sent here lately."}
	}
	if n > len(all) {
		return nil, &Mistake{Problem: fmt.Sprintf("I know only %s.",
			text.Plural(len(all), "notice that was sent here", "notices that were sent here"))}
	}
	return all[n-1 : n], nil
}

// last lists the newest notices.
func (d *Desk) last(ctx context.Context, who speaker, o Order) ([]string, error) {
	n := o.N
	if n == 0 {
		n = lastShown
	}
	all, err := d.newest(ctx, who, min(n, mostShown))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []string{"No notice was sent here lately."}, nil
	}
	var lines []string
	for i, e := range all {
		lines = append(lines, fmt.Sprintf("%d. %s %s", i+1, when(e, who), title(e)))
	}
	return lines, nil
}

// when says when a notice was sent, or why it was not.
func when(e outbox.Entry, who speaker) string {
	switch e.State {
	case outbox.Done:
		return clockTime(e.FinishedAt, who)
	case outbox.Dead:
		return "[failed]"
	}
	return "[" + who.to.Waits(who.user, e, who.now) + "]"
}

// clockTime says when something was: "14:03", or with its day.
func clockTime(t time.Time, who speaker) string {
	local, today := t.In(who.zone), who.now.In(who.zone)
	if local.Year() == today.Year() && local.YearDay() == today.YearDay() {
		return local.Format("15:04")
	}
	return local.Format("2 Jan 15:04")
}

// title is a notice in a line, with its link.
func title(e outbox.Entry) string {
	line := text.ElideRunes(e.Notice.Tag()+text.OneLine(e.Notice.Title), maxTitle)
	if e.Notice.Link != "" && len(e.Notice.Link) < 200 {
		line += " " + e.Notice.Link
	}
	return line
}

// why says why a notice came.
func (d *Desk) why(ctx context.Context, who speaker, o Order) ([]string, error) {
	meant, err := d.meant(ctx, who, o.N)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range meant[:min(len(meant), lastShown)] {
		lines = append(lines, title(e))
		for _, r := range e.Notice.Why {
			lines = append(lines, text.ElideRunes(fmt.Sprintf("  because of %s: %s", text.OneLine(r.Filter),
				text.OneLine(r.Sentence)), 300))
		}
		if e.State == outbox.Waiting {
			lines = append(lines, "  "+who.to.Waits(who.user, e, who.now))
		}
	}
	if more := len(meant) - lastShown; more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more: say last 10, and why with a number.", more))
	}
	return lines, nil
}
