// Package sources is `notifyd directory`: how the sources of the directory are, and what an operator says of them. It
// works on the configured database, beside the daemon or without one.
package sources

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/migrations"
)

// Command is `notifyd directory`.
type Command struct {
	List   ListCmd   `cmd:"" default:"withargs" help:"List the sources that are fetched: when they were reached last, what they know, what is wrong."`
	Accept AcceptCmd `cmd:"" help:"Take the next value of a source even if it holds much less than the last one, and fetch it now."`
}

// ListCmd is `notifyd directory list`.
type ListCmd struct {
	JSON bool `name:"json" help:"One JSON array."`
}

// Run prints the sources.
func (c *ListCmd) Run(e *records.Env) error {
	all, err := withDatabase(e, func(db *migrations.DB) ([]directories.Status, error) {
		return directories.Stored(e.Ctx, db.Reader)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(e.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(append([]directories.Status{}, all...))
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tFETCHED\tPEOPLE\tGROUPS\tPACKAGES\tACCOUNTS\tPROBLEM")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", text.Clean(s.Name), ago(s.Fetched, e.Now()), known(s.Counts.People),
			known(s.Counts.Groups), known(s.Counts.Packages), known(s.Counts.Accounts), text.Clean(s.Problem))
	}
	return w.Flush()
}

func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return now.Sub(at).Round(time.Second).String() + " ago"
}

// known is a number, or "-" for what a source does not speak of.
func known(n int) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// AcceptCmd is `notifyd directory accept NAME`.
type AcceptCmd struct {
	Name string `arg:"" help:"The name of the source in the configuration."`
}

// Run notes what the operator says; the daemon acts on it within seconds.
func (c *AcceptCmd) Run(e *records.Env) error {
	_, err := withDatabase(e, func(db *migrations.DB) (struct{}, error) {
		return struct{}{}, directories.Accept(e.Ctx, db.Writer, c.Name)
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Stdout, "The next value of %s is taken, whatever it holds. A daemon that runs fetches it now.\n",
		c.Name)
	return err
}

// withDatabase runs f on the configured database.
func withDatabase[T any](e *records.Env, f func(*migrations.DB) (T, error)) (result T, err error) {
	file, err := e.Config()
	if err != nil {
		return result, err
	}
	set, err := daemon.LoadSettings(file)
	if err != nil {
		return result, err
	}
	db, err := migrations.Config{DSN: set.Database.DSN, Name: "notifyd directory"}.Join(e.Ctx)
	if err != nil {
		return result, err
	}
	defer db.Close()
	return f(db)
}
