package verbs

import (
	"fmt"

	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
)

// FilterList is `notifyd filter list`.
type FilterList struct {
	who
	asJSON
}

// Help is printed by filter list --help.
func (*FilterList) Help() string { return statuses }

// Run prints the filters of a person.
func (c *FilterList) Run(e *records.Env) error {
	return list(e, c.asJSON, people.Ask{Verb: "filter.list", User: c.User}, "there are no filters",
		"ID\tSTATE\tNAME\tRULES", nil,
		func(f people.Filter) string { return cells(f.ID, stateOfFilter(f), f.Name, f.Sentence) })
}

func stateOfFilter(f people.Filter) string {
	switch {
	case f.Nameless:
		return "waits for a name"
	case f.Broken != "":
		return "broken"
	case f.OffReason != "":
		return "off (" + or(f.OffBy, "an operator") + ": " + f.OffReason + ")"
	case !f.On:
		return "off"
	}
	return "on"
}

// FilterShow is `notifyd filter show`.
type FilterShow struct {
	ID uint `arg:"" placeholder:"ID" help:"The number of a stored filter."`
	asJSON
}

// Help is printed by filter show --help.
func (*FilterShow) Help() string { return statuses }

// Run prints a filter in its text form. Its owner sees in the audit that somebody looked.
func (c *FilterShow) Run(e *records.Env) error {
	return with(e, func(line people.Line) error {
		f, err := ask[people.Filter](e, line, people.Ask{Verb: "filter.show", ID: c.ID})
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(e, f)
		}
		fmt.Fprintf(e.Stdout, "# filter %d of account %d: %s\n# %s\n", f.ID, f.User, plain(stateOfFilter(f)),
			plain(f.Sentence))
		if f.Broken != "" {
			fmt.Fprintf(e.Stdout, "# it matches nothing: %s\n", plain(f.Broken))
		}
		_, err = fmt.Fprint(e.Stdout, f.YAML)
		return err
	})
}

// FilterOff is `notifyd filter off`.
type FilterOff struct {
	ID     uint   `arg:"" placeholder:"ID" help:"The number of a stored filter."`
	Reason string `required:"" placeholder:"TEXT" help:"Why: its owner reads it, and may switch the filter on again."`
	asJSON
}

// Help is printed by filter off --help.
func (*FilterOff) Help() string { return statuses }

// Run switches a filter off.
func (c *FilterOff) Run(e *records.Env) error {
	return change(e, c.asJSON, people.Ask{Verb: "filter.off", ID: c.ID, Text: c.Reason}, func(d people.Done) string {
		return fmt.Sprintf("filter %d (%s) is off; its owner reads why", d.ID, plain(d.Name))
	})
}
