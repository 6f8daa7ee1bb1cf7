package verbs

import (
	"fmt"

	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

// DestinationCommand is `notifyd destination`.
type DestinationCommand struct {
	List   destinationList   `cmd:"" help:"List the addresses of a person, or all that refuse what is sent."`
	Show   destinationShow   `cmd:"" help:"Show one address."`
	On     destinationOn     `cmd:"" help:"Switch an address on again, such as one that refused and is mended."`
	Off    destinationOff    `cmd:"" help:"Switch an address off: nothing more is sent there, nor what waits."`
	Delete destinationDelete `cmd:"" help:"Delete an address, and all that was sent there or waits."`
}

// Help is printed by destination --help.
func (*DestinationCommand) Help() string { return statuses }

type destinationList struct {
	User string `arg:"" optional:"" placeholder:"USER" help:"Whose; none: all that refuse what is sent, whoever has them."`
	asJSON
}

// Run prints addresses.
func (c *destinationList) Run(e *records.Env) error {
	return list(e, c.asJSON, people.Ask{Verb: "destination.list", User: c.User}, "there is none",
		"ID\tACCOUNT\tBACKEND\tADDRESS\tSTATE",
		func(a *people.Ask, last people.Destination) { a.After = last.ID },
		func(d people.Destination) string { return cells(d.ID, d.User, d.Backend, d.Address, stateOf(d)) })
}

func stateOf(d people.Destination) string {
	switch {
	case !d.Confirmed:
		return "not confirmed"
	case d.Refused != "":
		return "refused: " + d.Refused
	case !d.On:
		return "off"
	}
	return "on"
}

// destinationID is an argument.
type destinationID struct {
	ID uint `arg:"" placeholder:"ID" help:"The number of a destination."`
	asJSON
}

type destinationShow struct{ destinationID }

// Run prints an address. Its owner sees in the audit that somebody looked.
func (c *destinationShow) Run(e *records.Env) error {
	return with(e, func(line people.Line) error {
		d, err := ask[people.Destination](e, line, people.Ask{Verb: "destination.show", ID: c.ID})
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(e, d)
		}
		fmt.Fprintf(e.Stdout, "%-12s %d\n%-12s %d\n%-12s %s\n%-12s %s\n", "destination", d.ID, "account", d.User,
			"address", plain(d.Backend+":"+d.Address), "state", plain(stateOf(d)))
		if d.Every+d.At != "" || d.Count > 0 {
			fmt.Fprintf(e.Stdout, "%-12s every %s, at %s, count %d, days %v\n", "digest", or(d.Every, "-"), or(d.At, "-"),
				d.Count, d.Days)
		}
		return nil
	})
}

type destinationOn struct{ destinationID }

// Run switches an address on.
func (c *destinationOn) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "destination.on", ID: c.ID}, func(d people.Done) string {
		return fmt.Sprintf("destination %d is on", d.ID)
	})
}

type destinationOff struct{ destinationID }

// Run switches an address off.
func (c *destinationOff) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "destination.off", ID: c.ID}, func(d people.Done) string {
		return fmt.Sprintf("destination %d is off", d.ID)
	})
}

type destinationDelete struct {
	destinationID
	sure
}

// Run deletes an address.
func (c *destinationDelete) Run(e *records.Env) error {
	if err := c.check("the deletion of a destination"); err != nil {
		return err
	}
	return change(e, c.asJSON, people.Ask{Verb: "destination.delete", ID: c.ID}, func(d people.Done) string {
		return fmt.Sprintf("destination %d is deleted", d.ID)
	})
}
