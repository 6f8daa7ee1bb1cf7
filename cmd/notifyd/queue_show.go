package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/notifyd/notifyd/outbox"
)

// queueShowCmd is `notifyd queue show`.
type queueShowCmd struct {
	ID   int64 `arg:"" placeholder:"ID" help:"The number that queue list gives."`
	JSON bool  `name:"json" help:"As one JSON object."`
}

// shownDelivery is the output of `queue show --json`.
type shownDelivery struct {
	listedDelivery
	Address string   `json:"address"`
	Text    string   `json:"text"`
	Link    string   `json:"link"`
	Why     []string `json:"why"`
}

// Run shows a delivery with its address, its text and the filters that caused it. It never shows the text and link of
// account mail, which are a way into the account.
func (c *queueShowCmd) Run(e *env) error {
	return withQueue(e, func(q *queue) error {
		found, err := q.outbox.Find(e.ctx, outbox.Query{IDs: []int64{c.ID}})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("there is no delivery %d", c.ID)
		}
		one := asShown(found[0])
		if c.JSON {
			return encodeLines(e, []shownDelivery{one}, func(s shownDelivery) shownDelivery { return s })
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		for _, field := range [][2]string{
			{"state", one.State}, {"backend", one.Backend}, {"destination", one.Destination}, {"address", one.Address},
			{"message", one.Message}, {"title", one.Title}, {"text", one.Text}, {"link", one.Link},
			{"why", strings.Join(one.Why, "; ")},
			{"added", one.Added}, {"due", one.Due}, {"settled", one.Settled}, {"attempts", fmt.Sprint(one.Attempts)},
			{"reason", one.Reason},
		} {
			fmt.Fprintf(table, "%s\t%s\n", field[0], line(field[1]))
		}
		return table.Flush()
	})
}

func asShown(one outbox.Entry) shownDelivery {
	shown := shownDelivery{listedDelivery: asListed(one), Address: one.Address, Text: one.Notice.Text,
		Link: one.Notice.Link, Why: []string{}}
	if strings.HasPrefix(one.Destination, outbox.Account) {
		shown.Text, shown.Link = "(not shown: it may let somebody in)", ""
	}
	for _, r := range one.Notice.Why {
		shown.Why = append(shown.Why, r.Filter+": "+r.Sentence)
	}
	return shown
}
