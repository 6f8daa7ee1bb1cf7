package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/notifyd/notifyd/prefs"
)

// A Destination is a line of `destination list --json`, and `destination show --json`.
type Destination struct {
	ID        uint     `json:"id"`
	User      uint     `json:"user"`
	Backend   string   `json:"backend"`
	Address   string   `json:"address"`
	Confirmed bool     `json:"confirmed"`
	On        bool     `json:"on"`
	Refused   string   `json:"refused"` // why nothing is sent: what its server said; "" when all is well
	Every     string   `json:"every"`   // of its schedule; "": no such condition
	Count     int      `json:"count"`
	At        string   `json:"at"`
	Days      []string `json:"days"`
}

func destinationOf(d prefs.Destination) Destination {
	out := Destination{ID: d.ID, User: d.UserID, Backend: d.Backend, Address: d.Address, Confirmed: d.Confirmed, On: d.On,
		Refused: d.Disabled, Count: d.Schedule.Count, At: d.Schedule.At, Days: []string{}}
	if d.Schedule.Every > 0 {
		out.Every = d.Schedule.Every.Round(time.Second).String()
	}
	for _, day := range d.Schedule.Weekdays {
		out.Days = append(out.Days, strings.ToLower(day.String()[:3]))
	}
	return out
}

func (d *Desk) destinations(ctx context.Context, u prefs.User) ([]Destination, error) {
	found, err := d.Prefs.Destinations.List(ctx, u.ID)
	list := make([]Destination, 0, len(found))
	for _, one := range found {
		list = append(list, destinationOf(one))
	}
	return list, err
}

// pageOf bounds a list of destinations that refuse.
const pageOf = 200

// listDestinations gives those of a person, or a page of all that refuse what is sent.
func (d *Desk) listDestinations(ctx context.Context, a Ask) (any, error) {
	if a.User != "" {
		u, err := d.find(ctx, a.User)
		if err != nil {
			return nil, err
		}
		if a.After != 0 {
			return []Destination{}, nil // all were on the first page
		}
		return d.destinations(ctx, u)
	}
	found, err := d.Prefs.Operators.Stopped(ctx, a.After, pageOf)
	list := make([]Destination, 0, len(found))
	for _, one := range found {
		list = append(list, destinationOf(one))
	}
	return list, err
}

// destination returns anybody's destination by its number.
func (d *Desk) destination(ctx context.Context, id uint) (prefs.Destination, error) {
	owner, err := d.Prefs.Destinations.Owner(ctx, id)
	if err != nil {
		return prefs.Destination{}, noSuch(err, "destination", id)
	}
	return d.Prefs.Destinations.Get(ctx, owner, id)
}

func noSuch(err error, what string, id uint) error {
	if errors.Is(err, prefs.ErrNotFound) {
		return fault(NotThere, "there is no %s %d", what, id)
	}
	return err
}

func (d *Desk) showDestination(ctx context.Context, a Ask) (any, error) {
	to, err := d.destination(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Operators.Looked(ctx, to.UserID, "notifyd destination show"); err != nil {
		return nil, err
	}
	return destinationOf(to), nil
}

func (d *Desk) destinationOn(ctx context.Context, a Ask) (any, error) {
	return d.switchTo(ctx, a, true)
}
func (d *Desk) destinationOff(ctx context.Context, a Ask) (any, error) {
	return d.switchTo(ctx, a, false)
}

func (d *Desk) switchTo(ctx context.Context, a Ask, on bool) (any, error) {
	to, err := d.destination(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Destinations.SetOn(ctx, to.UserID, to.ID, on); err != nil {
		return nil, err
	}
	state := map[bool]string{true: "on", false: "off"}[on]
	return Done{ID: a.ID, Name: to.Backend}, d.changed(ctx, prefs.User{ID: to.UserID},
		"An operator has switched "+state+" one of your destinations", "It is "+to.Backend+":"+to.Address+".",
		fmt.Sprintf("/destinations/%d", to.ID))
}

func (d *Desk) deleteDestination(ctx context.Context, a Ask) (any, error) {
	to, err := d.destination(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if err := d.Prefs.Destinations.Delete(ctx, to.UserID, to.ID); err != nil {
		return nil, err
	}
	return Done{ID: a.ID, Name: to.Backend}, d.changed(ctx, prefs.User{ID: to.UserID},
		"An operator has deleted one of your destinations", "It was of the kind "+to.Backend+".", "/destinations")
}

// letIn makes an address a way in on the word of whoever asks.
func (d *Desk) letIn(ctx context.Context, a Ask) (any, error) {
	u, err := d.find(ctx, a.User)
	if err != nil {
		return nil, err
	}
	for _, info := range d.Backends {
		if !info.SignIn {
			continue
		}
		address, err := info.CheckAddress(a.Text)
		if err != nil {
			return nil, fault(Failed, "%q: %v", a.Text, err)
		}
		to, err := d.Prefs.Operators.LetIn(ctx, u.ID, info.Name, address)
		if errors.Is(err, prefs.ErrClaimed) {
			return nil, fault(Failed, "another account has confirmed %s", address)
		}
		if err == nil && d.Changed != nil {
			d.Changed()
		}
		return Done{ID: to.ID, Name: address}, err // the other addresses are told, with a way to take it back
	}
	return nil, fault(Failed, "there is no way to mail links to sign in: none is configured")
}
