package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/links"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// stop ends what is sent to the address where somebody speaks.
func (d *Desk) stop(ctx context.Context, who speaker) ([]string, error) {
	var err error
	if who.said.Destination != "" {
		_, err = d.Unsubscriber.Unsubscribe(ctx, links.Target{Destination: who.to.ID})
	} else {
		_, err = d.Unsubscriber.StopAddress(ctx, who.said.Backend, who.said.Address, who.said.Account)
	}
	if err != nil {
		return nil, err
	}
	undo := "Undo: resume"
	if who.byMail {
		undo = "To have it again, switch this address on" + d.atPage() + "."
	}
	return []string{"Stopped: nothing more is sent here. Your filters stay as they are.", undo}, nil
}

// atPage says where the page is, if there is one.
func (d *Desk) atPage() string {
	if d.Manage == "" {
		return " on your page"
	}
	return " at " + d.Manage
}

// digest says when notices come, changes it, or sends what waits.
func (d *Desk) digest(ctx context.Context, who speaker, o Order) ([]string, error) {
	was := who.to.Schedule
	set := schedule.Schedule{At: o.At, Every: o.For}
	switch {
	case o.Now:
		return d.sendNow(ctx, who)
	case o.Off:
		set = schedule.Schedule{}
	case !set.Digest():
		return []string{"Notices come here " + scheduleWords(was) + ".", usage["digest"]}, nil
	}
	err := d.Destinations.SetSchedule(ctx, who.user.ID, who.to.ID, set)
	var wrong *schedule.Error
	if errors.As(err, &wrong) {
		return nil, &Mistake{Problem: "That is no time for a digest: " + wrong.Problem + ".", Help: usage["digest"]}
	}
	if err != nil {
		return nil, err
	}
	lines := []string{"From now on notices come here " + scheduleWords(set) + "."}
	if !set.Digest() && was.Digest() {
		if err := d.Outbox.GoOn(ctx, prefs.Key(who.to.ID)); err != nil {
			return nil, err
		}
		lines[0] += " What was waiting for a digest goes now."
	}
	return append(lines, "Undo: "+undoDigest(was, d)), nil
}

// undoDigest says how a schedule is set again.
func undoDigest(was schedule.Schedule, d *Desk) string {
	switch {
	case !was.Digest():
		return "digest off"
	case was.Equal(schedule.Schedule{At: was.At}) && !strings.Contains(was.At, ","):
		return "digest " + was.At
	case was.Equal(schedule.Schedule{Every: was.Every}):
		return "digest every " + schedule.Span(was.Every)
	}
	return "it was " + scheduleWords(was) + ", which is set" + d.atPage()
}

// scheduleWords says when notices come.
func scheduleWords(s schedule.Schedule) string {
	if !s.Digest() {
		return "at once"
	}
	return "in a digest (" + s.Text() + ")"
}

// sendNow sends what waits for a digest.
func (d *Desk) sendNow(ctx context.Context, who speaker) ([]string, error) {
	waits, err := d.waiting(ctx, who)
	if err != nil {
		return nil, err
	}
	if len(waits) == 0 {
		return []string{"Nothing waits."}, nil
	}
	if err := d.Outbox.SendNow(ctx, prefs.Key(who.to.ID)); err != nil {
		return nil, err
	}
	return []string{text.Plural(len(waits), "notice goes", "notices go") + " now."}, nil
}

func (d *Desk) waiting(ctx context.Context, who speaker) ([]outbox.Entry, error) {
	return d.Outbox.Find(ctx, outbox.Query{State: outbox.Waiting, Destinations: []string{prefs.Key(who.to.ID)}})
}

// filters lists the filters that reach the address.
func (d *Desk) filters(ctx context.Context, who speaker) ([]string, error) {
	all, err := d.Filters.List(ctx, who.user.ID)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f prefs.Filter) bool {
		return len(f.Destinations) > 0 && !slices.Contains(f.Destinations, who.to.ID)
	})
	if len(all) == 0 {
		return []string{"No filter of yours sends here."}, nil
	}
	var lines []string
	for _, f := range all[:min(len(all), mostShown)] {
		state := "on"
		switch {
		case f.Broken != "":
			state = "broken"
		case !f.On:
			state = "off"
		}
		lines = append(lines, fmt.Sprintf("%s (%s)", text.ElideRunes(text.OneLine(f.Name), maxTitle), state))
	}
	if more := len(all) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	return lines, nil
}

// status says what waits, and what is muted.
func (d *Desk) status(ctx context.Context, who speaker) ([]string, error) {
	lines := []string{"Notices come here " + scheduleWords(who.to.Schedule) + "."}
	switch {
	case who.to.Disabled != "":
		lines[0] = "Nothing is sent here: " + text.ElideRunes(text.OneLine(who.to.Disabled), maxTitle)
	case !who.to.On:
		lines[0] = "Nothing is sent here: this address is switched off."
	}
	if p := who.user.Pause; p.On(who.now) {
		lines = append(lines, "Paused until "+schedule.Date(p.Until, who.now, who.zone)+".")
	}
	waits, err := d.waiting(ctx, who)
	if err != nil {
		return nil, err
	}
	lines = append(lines, waitingWords(waits, who)...)
	muted, err := d.on(ctx, who)
	if err != nil {
		return nil, err
	}
	if len(muted) == 0 {
		lines = append(lines, "Nothing is muted.")
	}
	for i, m := range muted[:min(len(muted), mostShown/2)] {
		lines = append(lines, fmt.Sprintf("%d. muted: %s, %s; silenced so far: %d", i+1, m.Of(), m.Until(who.zone),
			m.Silenced))
	}
	if more := len(muted) - mostShown/2; more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	return lines, nil
}

// waitingWords says what waits, by the reason.
func waitingWords(waits []outbox.Entry, who speaker) (lines []string) {
	counts := map[string]int{}
	var order []string
	for _, e := range waits {
		words := who.to.Waits(who.user, e, who.now)
		if counts[words]++; counts[words] == 1 {
			order = append(order, words)
		}
	}
	if len(order) == 0 {
		return []string{"Nothing waits."}
	}
	for _, words := range order[:min(len(order), lastShown)] {
		lines = append(lines, text.Plural(counts[words], "notice", "notices")+": "+words)
	}
	return lines
}
