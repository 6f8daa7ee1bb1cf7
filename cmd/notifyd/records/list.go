package records

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// ListCmd is `notifyd history list`.
type ListCmd struct {
	selectFlags
	Order string `enum:"desc,asc" default:"desc" help:"desc: the newest first; asc: the oldest."`
	Limit int    `short:"n" default:"50" placeholder:"N" help:"At most so many (default: ${default}); 0: all."`
	Terse bool   `xor:"form" help:"The sentences alone, as tail --terse: title -- summary link."`
	JSON  bool   `name:"json" xor:"form" help:"One JSON object a line, without the content."`
}

// Run prints a line for each message.
func (c *ListCmd) Run(e *Env) error {
	q, err := c.query(e)
	if err != nil {
		return err
	}
	q.OldestFirst, q.Limit = c.Order == "asc", max(0, c.Limit)
	print := Line
	switch {
	case c.Terse:
		print = Terse
	case c.JSON:
		print = JSON
	}
	return withHistory(e, func(_ *migrations.DB, store *history.Store) error {
		out := bufio.NewWriter(e.Stdout)
		n, err := List(e.Ctx, store, q, out, print)
		if err = errors.Join(err, out.Flush()); err == nil && n == 0 && !c.JSON {
			fmt.Fprintln(e.Stderr, "no message is like that")
		}
		return err
	})
}
