package people

import (
	"context"
	"fmt"
	"time"

	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
)

// A Filter is a line of `filter list --json`, and `filter show --json`.
type Filter struct {
	ID           uint   `json:"id"`
	User         uint   `json:"user"`
	Name         string `json:"name"`
	On           bool   `json:"on"`
	OneShot      bool   `json:"once"`
	Ends         string `json:"ends,omitempty"` // as a filter file has it, in UTC
	Broken       string `json:"broken"`         // why it matches nothing; "" when all is well
	Nameless     bool   `json:"nameless"`       // it is broken only because its owner's name is not proved
	OffReason    string `json:"off_reason"`
	OffBy        string `json:"off_by"`
	Destinations []uint `json:"destinations"` // empty: all that are confirmed
	Sentence     string `json:"sentence"`
	YAML         string `json:"yaml,omitempty"` // of show: its text form
}

func filterOf(f prefs.Filter) Filter {
	return Filter{
		ID: uint(f.ID), User: f.UserID, Name: f.Name, On: f.On, OneShot: f.OneShot,
		Ends: schedule.WriteEnd(f.Ends, time.UTC), Broken: f.Broken, Nameless: f.Nameless, OffReason: f.OffReason,
		OffBy: f.OffBy, Destinations: append([]uint{}, f.Destinations...),
		Sentence: rulespec.Sentence(rulespec.Env{}, f.Filter),
	}
}

func (d *Desk) filters(ctx context.Context, u prefs.User) ([]Filter, error) {
	found, err := d.Prefs.Filters.List(ctx, u.ID)
	list := make([]Filter, 0, len(found))
	for _, f := range found {
		list = append(list, filterOf(f))
	}
	return list, err
}

func (d *Desk) listFilters(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	return d.filters(ctx, u)
}

// filter returns anybody's filter by its number.
func (d *Desk) filter(ctx context.Context, id uint) (prefs.Filter, error) {
	owner, err := d.Prefs.Filters.Owner(ctx, rulespec.FilterID(id))
	if err != nil {
		return prefs.Filter{}, noSuch(err, "filter", id)
	}
	return d.Prefs.Filters.Get(ctx, owner, rulespec.FilterID(id))
}

func (d *Desk) showFilter(ctx context.Context, a Ask) (any, error) {
	f, err := d.filter(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Operators.Looked(ctx, f.UserID, "notifyd filter show"); err != nil {
		return nil, err
	}
	own, err := d.Prefs.Destinations.List(ctx, f.UserID)
	if err != nil {
		return nil, err
	}
	shown := filterOf(f)
	shown.YAML = string(rulespec.Format(rulespec.File{Filters: []rulespec.FileFilter{prefs.FileFilter(f, own)}}))
	return shown, nil
}

// filterOff switches a filter off, for a reason that its owner reads.
func (d *Desk) filterOff(ctx context.Context, a Ask) (any, error) {
	f, err := d.filter(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Operators.SwitchOff(ctx, f.UserID, f.ID, a.Text); err != nil {
		return nil, err
	}
	return Done{ID: a.ID, Name: f.Name}, d.changed(ctx, prefs.User{ID: f.UserID},
		"An operator has switched off your filter "+f.Name, "The reason: "+a.Text, fmt.Sprintf("/filters/%d", f.ID))
}
