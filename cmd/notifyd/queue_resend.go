package main

import (
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/accounts"
)

// choice selects the dead letters of a command: some ids, those that flags select, or all.
type choice struct {
	IDs []int64 `arg:"" name:"id" optional:"" help:"The numbers that queue list gives."`
	queueFlags
	All    bool `help:"All that were given up."`
	DryRun bool `name:"dry-run" help:"Only say how many it would be."`
}

// pick returns the dead letters that were chosen, and how many of the ids are none.
func (c *choice) pick(e *env, q *queue) (chosen []picked, missing int, err error) {
	if len(c.IDs) == 0 && c.empty() && !c.All {
		return nil, 0, errors.New("say which: ids, flags that pick some out, or --all")
	}
	query, err := q.query(e, c.queueFlags, outbox.Dead)
	if err != nil {
		return nil, 0, err
	}
	if len(c.IDs) > 0 {
		query.IDs = c.IDs
	}
	if chosen, err = q.pick(e, query); err != nil || len(c.IDs) == 0 {
		return chosen, 0, err
	}
	there := map[int64]bool{}
	for _, one := range chosen {
		there[one.id] = true
	}
	for _, id := range c.IDs {
		if !there[id] {
			missing++
			fmt.Fprintf(e.stderr, "%d: %v\n", id, outbox.ErrNotFound)
		}
	}
	return chosen, missing, nil
}

// queueResendCmd is `notifyd queue resend`.
type queueResendCmd struct{ choice }

// aloneAtMost is how many deliveries to one destination are sent one by one. More are sent together as a digest:
// nobody wants four hundred lines on IRC.
const aloneAtMost = 3

// Run makes dead letters wait again; the daemon finds them within outbox.poll. It prints why it leaves some, with
// status 1.
func (c *queueResendCmd) Run(e *env) error {
	return withQueue(e, func(q *queue) error {
		chosen, refused, err := c.pick(e, q)
		if err != nil {
			return err
		}
		if c.DryRun {
			fmt.Fprintf(e.stdout, "would send %d again, unless one is refused\n", len(chosen))
			return nil
		}
		many := map[string]int{}
		for _, one := range chosen {
			many[one.destination]++
		}
		again := 0
		byCommand := accounts.WithActor(e.ctx, accounts.Actor{Kind: accounts.Command})
		for _, one := range chosen {
			err := q.destinations.Resend(byCommand, q.outbox, 0, one.id, many[one.destination] > aloneAtMost)
			switch {
			case err == nil:
				again++
			case errors.Is(err, outbox.ErrUnsendable), errors.Is(err, outbox.ErrNotFound):
				refused++
				fmt.Fprintf(e.stderr, "%d: %s\n", one.id, line(err.Error()))
			default:
				return err
			}
		}
		fmt.Fprintf(e.stdout, "%d on their way again\n", again)
		return notAll(refused, "were not sent again")
	})
}

// queueDropCmd is `notifyd queue drop`.
type queueDropCmd struct{ choice }

// Run deletes dead letters for good.
func (c *queueDropCmd) Run(e *env) error {
	return withQueue(e, func(q *queue) error {
		chosen, missing, err := c.pick(e, q)
		if err != nil {
			return err
		}
		if c.DryRun {
			fmt.Fprintf(e.stdout, "would delete %d\n", len(chosen))
			return nil
		}
		ids := make([]int64, len(chosen))
		for i, one := range chosen {
			ids[i] = one.id
		}
		dropped, err := q.outbox.Drop(e.ctx, ids)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%d deleted\n", dropped)
		return notAll(missing, "are not there to delete")
	})
}

// notAll returns an error that counts the failures; nil where n is 0.
func notAll(n int, what string) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d %s", n, what)
}
