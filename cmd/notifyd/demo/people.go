package demo

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/backends/irc/ircsink"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/prefs/schedule"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/web"
)

// These are the people of the demo. The directory says that the address of alice is alice's, so her name on the bus is
// proved. It knows nothing of the others, who have no name: what says @me matches nothing for them.
const (
	alice        = "alice"
	aliceAddress = "alice@example.org"
	bellaAddress = "bella@example.org"
	guest        = "guest" // bella's nick, for whoever joins the demo's network
)

// What each wants is a file of filters, as people export and import them.
//
//go:embed alice.yaml bella.yaml carla.yaml
var wants embed.FS

// populate makes the people with their addresses and filters.
func (d *demo) populate(ctx context.Context) error {
	d.irc.Add(ircsink.User{Nick: alice})
	for _, name := range []string{alice, "bella", "carla"} {
		text, err := wants.ReadFile(name + ".yaml")
		if err != nil {
			return fmt.Errorf("bug: %w", err)
		}
		file, err := rulespec.Parse(rulespec.Env{}, text)
		if err != nil {
			return fmt.Errorf("bug: read what %s wants: %w", name, err)
		}
		if err := d.settle(ctx, file); err != nil {
			return fmt.Errorf("settle %s: %w", name, err)
		}
	}
	return d.addDesktop(ctx)
}

// settle makes a person of what that person wants. The first destination is the one that the person signs up with.
func (d *demo) settle(ctx context.Context, file rulespec.File) error {
	store := d.service.Prefs()
	_, address, _ := strings.Cut(file.Destinations[0].To, ":")
	user, err := store.Accounts.Register(ctx, "", "", "email", address)
	if err != nil {
		return err
	}
	ids := map[string]uint{}
	for _, want := range file.Destinations {
		if ids[want.To], err = d.addDestination(ctx, user.ID, want); err != nil {
			return fmt.Errorf("add %s: %w", want.To, err)
		}
	}
	for _, want := range file.Filters {
		saved := prefs.Filter{Filter: want.Filter, On: true}
		for _, to := range want.To {
			saved.Destinations = append(saved.Destinations, ids[to])
		}
		if _, err := store.Filters.Save(ctx, user.ID, saved); err != nil {
			return fmt.Errorf("save filter %q: %w", want.Name, err)
		}
	}
	return nil
}

// addDestination adds an address, if the person has it not yet, and confirms it.
func (d *demo) addDestination(ctx context.Context, user uint, want rulespec.FileDestination) (uint, error) {
	store := d.service.Prefs().Destinations
	backend, address, _ := strings.Cut(want.To, ":")
	have, err := store.List(ctx, user)
	if err != nil {
		return 0, err
	}
	for _, to := range have {
		if to.Backend == backend && to.Address == address {
			return to.ID, store.SetSchedule(ctx, user, to.ID, scheduleOf(want))
		}
	}
	to, err := store.Add(ctx, user, backend, address)
	if err != nil {
		return 0, err
	}
	code, err := store.NewCode(ctx, user, to.ID)
	if err != nil {
		return 0, err
	}
	if err := store.Confirm(ctx, user, to.ID, code); err != nil {
		return 0, err
	}
	return to.ID, store.SetSchedule(ctx, user, to.ID, scheduleOf(want))
}

func scheduleOf(want rulespec.FileDestination) schedule.Schedule {
	return schedule.Schedule{Every: want.Every, Count: want.Count, At: want.At, Weekdays: want.Days}
}

// addDesktop gives alice her desktop, if there is a session.
func (d *demo) addDesktop(ctx context.Context) error {
	if !desktop.HasSession() {
		return nil
	}
	user, err := d.service.Prefs().Accounts.ByName(ctx, alice)
	if err != nil {
		return err
	}
	_, err = d.addDestination(ctx, user.ID,
		rulespec.FileDestination{To: desktop.Info.Name + ":" + web.FeedAddress(user.ID)})
	return err
}
