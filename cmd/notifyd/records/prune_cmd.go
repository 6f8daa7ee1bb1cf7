package records

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/migrations"
)

// PruneCmd is `notifyd history prune`.
type PruneCmd struct {
	DryRun bool `required:"" help:"Say what would go. The daemon alone deletes, every history.prune."`
}

// Run says what retention would delete now, by the configuration.
func (c *PruneCmd) Run(e *Env) error {
	if !c.DryRun {
		return fmt.Errorf("--dry-run: false; expected true: the daemon alone deletes, every history.prune")
	}
	file, err := e.Config()
	if err != nil {
		return err
	}
	set, err := daemon.LoadSettings(file)
	if err != nil {
		return err
	}
	return withHistory(e, func(_ *migrations.DB, store *history.Store) error {
		foreseen, err := store.Foresee(e.Ctx, set.Retention())
		if err != nil {
			return err
		}
		return Foreseen(e.Stdout, foreseen)
	})
}

// Foreseen prints what retention would delete, by rule and reason, and the sum.
func Foreseen(w io.Writer, foreseen []history.Pruned) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "MESSAGES\tBYTES\tBY\t\t\n")
	sum := history.Pruned{}
	for _, p := range foreseen {
		rule := cmp.Or(p.Rule, "no rule: history.keep and the like")
		fmt.Fprintf(table, "%d\t%d\t%s\t  %s\n", p.Messages, p.Bytes, p.Why, rule)
		sum.Messages, sum.Bytes = sum.Messages+p.Messages, sum.Bytes+p.Bytes
	}
	fmt.Fprintf(table, "%d\t%d\t\t  in all\n", sum.Messages, sum.Bytes)
	return table.Flush()
}
