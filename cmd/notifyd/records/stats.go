package records

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// A Count is one line of `history stats`.
type Count struct {
	Name     string `json:"name"`
	Messages int64  `json:"messages"`
	Bytes    int64  `json:"bytes"`
}

// Counts adds up messages by one of history.TotalsBy, the names in order.
func Counts(ctx context.Context, store *history.Store, sel history.Selection, by string) ([]Count, error) {
	totals, err := store.Totals(ctx, sel, by)
	if err != nil {
		return nil, err
	}
	counts := make([]Count, len(totals))
	for i, t := range totals {
		counts[i] = Count(t)
		if by == "day" {
			if n, err := strconv.ParseInt(t.Name, 10, 64); err == nil {
				counts[i].Name = time.Unix(n*86400, 0).UTC().Format(time.DateOnly)
			}
		}
	}
	return counts, nil
}

// Entries prints counts as datanommer-stats does.
func Entries(w io.Writer, counts []Count) error {
	for _, c := range counts {
		if _, err := fmt.Fprintf(w, "%s has %d entries\n", oneLine(c.Name), c.Messages); err != nil {
			return err
		}
	}
	return nil
}

// Table prints counts with their bytes, and their sum. All but days come with the most messages first.
func Table(w io.Writer, counts []Count, by string) error {
	if by != "day" {
		slices.SortStableFunc(counts, func(a, b Count) int { return cmp.Compare(b.Messages, a.Messages) })
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "MESSAGES\tBYTES\t\t\n")
	sum := Count{}
	for _, c := range counts {
		fmt.Fprintf(table, "%d\t%d\t  %s\n", c.Messages, c.Bytes, oneLine(c.Name))
		sum.Messages, sum.Bytes = sum.Messages+c.Messages, sum.Bytes+c.Bytes
	}
	fmt.Fprintf(table, "%d\t%d\t  in all\n", sum.Messages, sum.Bytes)
	return table.Flush()
}

// CountsJSON prints counts as one JSON object a line.
func CountsJSON(w io.Writer, counts []Count) error {
	for _, c := range counts {
		if err := encode(w, c); err != nil {
			return err
		}
	}
	return nil
}

// StatsCmd is `notifyd history stats`, datanommer-stats.
type StatsCmd struct {
	windowFlags
	By       string   `enum:",topic,category,app,kind,source,verdict,day" default:"" placeholder:"WHAT" help:"A table with bytes, by topic, category, app, kind, source, verdict or day (default: categories, as datanommer-stats prints them)."`
	Topic    bool     `help:"By topic, as datanommer-stats prints them."`
	Category []string `sep:"none" placeholder:"NAME" help:"Only of this category; repeatable."`
	JSON     bool     `name:"json" help:"One JSON object a line."`
}

// Run prints how many messages there are.
func (c *StatsCmd) Run(e *Env) error {
	sel := history.Selection{Categories: history.Choice{Any: c.Category}}
	if err := c.window(e, &sel); err != nil {
		return err
	}
	by := c.By
	switch {
	case by == "" && c.Topic:
		by = "topic"
	case by == "":
		by = "category"
	}
	return withHistory(e, func(_ *migrations.DB, store *history.Store) error {
		counts, err := Counts(e.Ctx, store, sel, by)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return CountsJSON(e.Stdout, counts)
		case c.By == "":
			return Entries(e.Stdout, counts)
		}
		return Table(e.Stdout, counts, by)
	})
}
