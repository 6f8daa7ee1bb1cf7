package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/outbox"
	"github.com/notifyd/notifyd/prefs/schedule"
)

// queueListCmd is `notifyd queue list`.
type queueListCmd struct {
	queueFlags
	State  string `default:"dead" enum:"dead,waiting,claimed,done" help:"What to list: dead (given up), waiting, claimed (being sent) or done."`
	Counts bool   `help:"Only the counts by reason."`
	Limit  int    `default:"50" help:"At most so many, up to 500."`
	Before int64  `placeholder:"ID" help:"Only those with a smaller id: the next page."`
	JSON   bool   `name:"json" help:"One JSON object a line."`
}

// listedDelivery is one line of `queue list --json`. It shows the destination's number and no address.
type listedDelivery struct {
	ID          int64  `json:"id"`
	State       string `json:"state"`
	Backend     string `json:"backend"`
	Destination string `json:"destination"`
	Message     string `json:"message"`
	Title       string `json:"title"`
	Added       string `json:"added"`
	Due         string `json:"due"`
	Settled     string `json:"settled"` // "" while the delivery waits
	Attempts    int    `json:"attempts"`
	Reason      string `json:"reason"`
	Waits       string `json:"waits,omitempty"` // why it waits and until when, in UTC; "" where nothing holds it
}

// listedCause is one line of `queue list --counts --json`.
type listedCause struct {
	Backend string `json:"backend"`
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
}

// Run lists deliveries, newest first, and then their number for each reason.
func (c *queueListCmd) Run(e *env) error {
	return withQueue(e, func(q *queue) error {
		query, err := q.query(e, c.queueFlags, outbox.State(c.State))
		if err != nil {
			return err
		}
		query.Before, query.Limit = c.Before, c.Limit
		if !c.Counts {
			found, err := q.outbox.Find(e.ctx, query)
			if err != nil {
				return err
			}
			if err := c.list(e, found); err != nil {
				return err
			}
			if c.JSON || len(found) == 0 {
				return nil
			}
			fmt.Fprintln(e.stdout)
		}
		causes, err := q.outbox.Causes(e.ctx, query)
		if err != nil {
			return err
		}
		return c.count(e, causes)
	})
}

func (c *queueListCmd) list(e *env, found []outbox.Entry) error {
	if c.JSON {
		return encodeLines(e, found, asListed)
	}
	if len(found) == 0 {
		fmt.Fprintf(e.stdout, "no delivery is %s\n", c.State)
		return nil
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSINCE\tBACKEND\tDESTINATION\tREASON\tTITLE")
	for _, one := range found {
		since := one.AddedAt
		if !one.FinishedAt.IsZero() {
			since = one.FinishedAt
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", one.ID, moment(since), line(one.Backend), nameless(one),
			line(cmp.Or(one.LastError, waits(one))), line(one.Notice.Title))
	}
	return table.Flush()
}

func (c *queueListCmd) count(e *env, causes []outbox.Cause) error {
	if c.JSON {
		return encodeLines(e, causes, func(c outbox.Cause) listedCause { return listedCause{c.Backend, c.Reason, c.Count} })
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "COUNT\tBACKEND\tREASON")
	for _, one := range causes {
		fmt.Fprintf(table, "%d\t%s\t%s\n", one.Count, line(one.Backend), line(one.Reason))
	}
	return table.Flush()
}

// waits says why a delivery waits and until when, in UTC; "" where nothing holds it.
func waits(one outbox.Entry) string {
	if one.State != outbox.Waiting || one.Hold == "" {
		return ""
	}
	return schedule.HoldWords(one.Hold, one.DueAt, time.Now(), time.UTC)
}

func asListed(one outbox.Entry) listedDelivery {
	return listedDelivery{
		Waits: waits(one),
		ID:    one.ID, State: string(one.State), Backend: one.Backend, Destination: nameless(one), Message: one.Message,
		Title: one.Notice.Title, Added: moment(one.AddedAt), Due: moment(one.DueAt), Settled: moment(one.FinishedAt),
		Attempts: one.Attempts, Reason: one.LastError,
	}
}

// nameless returns the key of a destination. The key of account mail contains an address, so nameless returns only
// that it is account mail.
func nameless(one outbox.Entry) string {
	if strings.HasPrefix(one.Destination, outbox.Account) {
		return "account mail"
	}
	return line(one.Destination)
}

// moment returns a time as RFC 3339, to the second, in UTC; "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func encodeLines[T, L any](e *env, list []T, shape func(T) L) error {
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	for _, one := range list {
		if err := encoder.Encode(shape(one)); err != nil {
			return fmt.Errorf("write list: %w", err)
		}
	}
	return nil
}

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
			{"reason", one.Reason}, {"waits", one.Waits},
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
