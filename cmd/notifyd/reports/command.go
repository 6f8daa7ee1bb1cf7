// Package reports is `notifyd report`: it prints reports, and checks the files that they are.
package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/notifyd/notifyd/cmd/notifyd/archive"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon"
	"github.com/notifyd/notifyd/cmd/notifyd/records"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/history/report"
	"github.com/notifyd/notifyd/migrations"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Command is `notifyd report`: it works on the configured database, beside the daemon or without one.
type Command struct {
	Make  MakeCmd  `cmd:"" default:"withargs" help:"Print a report of what was said: notifyd report this-week."`
	List  ListCmd  `cmd:"" help:"List the reports."`
	Show  ShowCmd  `cmd:"" help:"Show the data of a report: its YAML."`
	Check CheckCmd `cmd:"" help:"Check files of reports, or a folder of them."`
}

// MakeCmd is `notifyd report NAME`.
type MakeCmd struct {
	Name   string `arg:"" help:"The name of a report, or a file with one."`
	Last   bool   `xor:"window" help:"Of the last window that is over, instead of the one under way."`
	Since  string `xor:"window" placeholder:"WHEN" help:"Of what was sent since then: 7d, 2026-11-23, 2026-11-23T08:00. Times without a zone are UTC."`
	Until  string `placeholder:"WHEN" help:"Of what was sent before then; with --since."`
	Format string `enum:"text,html,json,csv" default:"text" help:"text, html, json or csv."`
}

// Run prints the report.
func (c *MakeCmd) Run(e *records.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	r, err := s.find(c.Name)
	if err != nil {
		return err
	}
	return s.withDesk(e, func(desk *report.Desk) error {
		since, until, err := c.window(e.Now(), r, desk)
		if err != nil {
			return err
		}
		made, err := desk.Make(e.Ctx, r, readers.Sources{}, since, until)
		if err != nil {
			return err
		}
		out, err := written(made, c.Format)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(e.Stdout, out)
		return err
	})
}

// window gives the time that the report is of.
func (c *MakeCmd) window(now time.Time, r *report.Report, desk *report.Desk) (since, until time.Time, err error) {
	current, finished := desk.Latest(r)
	switch {
	case c.Since == "" && c.Until != "":
		return since, until, errors.New("--until needs --since")
	case c.Last:
		return finished, current, nil
	case c.Since == "":
		return current, r.Window.Next(current, 1, r.Zone), nil
	}
	if since, err = archive.Moment(c.Since, now); err != nil {
		return since, until, fmt.Errorf("--since: %w", err)
	}
	until = now
	if c.Until != "" {
		if until, err = archive.Moment(c.Until, now); err != nil {
			return since, until, fmt.Errorf("--until: %w", err)
		}
	}
	if !until.After(since) {
		return since, until, fmt.Errorf("it would end (%s) before it begins (%s)", until.UTC().Format(time.RFC3339),
			since.UTC().Format(time.RFC3339))
	}
	return since, until, nil
}

func written(made *report.Result, format string) (string, error) {
	switch format {
	case "html":
		html, err := made.HTML()
		return string(html) + "\n", err
	case "json":
		out, err := made.JSON()
		return string(out), err
	case "csv":
		return made.CSV()
	}
	return made.Text()
}

// ListCmd is `notifyd report list`.
type ListCmd struct{}

// Run prints a line for each report.
func (c *ListCmd) Run(e *records.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tWINDOW\tFROM\tTITLE")
	for _, r := range s.set.All() {
		from := "built in"
		if r.Own {
			from = s.Folder
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.Name, r.Window, from, r.Title)
	}
	return table.Flush()
}

// ShowCmd is `notifyd report show`.
type ShowCmd struct {
	Name string `arg:"" help:"The name of a report."`
}

// Run prints the file of a report.
func (c *ShowCmd) Run(e *records.Env) error {
	s, err := open(e)
	if err != nil {
		return err
	}
	r, err := s.find(c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.Stdout, strings.TrimRight(r.Source, "\n"))
	return err
}

func folder(name string) fs.FS {
	if name == "" {
		return nil
	}
	return os.DirFS(name)
}

// A setting is what the commands take from the configuration.
type setting struct {
	daemon.Settings
	Folder    string
	env       rulespec.Env
	catalogue *catalogue.Catalogue
	directory rulespec.Directory
	set       *report.Set
}

func open(e *records.Env) (*setting, error) {
	f, err := e.Config()
	if err != nil {
		return nil, err
	}
	all, err := daemon.LoadSettings(f)
	if err != nil {
		return nil, err
	}
	s := &setting{Settings: all, Folder: all.Reports.Folder}
	if s.catalogue, s.directory, err = all.LoadCatalogue(); err != nil {
		return nil, err
	}
	s.env = rulespec.Env{KnowsKind: s.catalogue.KnownKinds(), ObjectsOf: s.catalogue.ObjectsOf}
	if s.set, err = report.Load(folder(s.Folder), s.env); err != nil {
		return nil, fmt.Errorf("load reports: %w", err)
	}
	return s, nil
}

// find gives a report by its name, or reads the file of that name.
func (s *setting) find(name string) (*report.Report, error) {
	if r := s.set.Find(name); r != nil {
		return r, nil
	}
	if strings.ContainsAny(name, "/.") {
		return readReport(s.env, name)
	}
	var names []string
	for _, r := range s.set.All() {
		names = append(names, r.Name)
	}
	return nil, fmt.Errorf("there is no report %q; there are %s", name, strings.Join(names, ", "))
}

func (s *setting) withDesk(e *records.Env, f func(*report.Desk) error) error {
	db, err := migrations.Config{DSN: s.Database.DSN, Name: "notifyd report"}.Look(e.Ctx)
	if err != nil {
		return err
	}
	desk := report.NewDesk(report.Config{
		Store: history.NewStore(db.Reader, db.Reader, e.Now), Describe: s.catalogue.Describe, Now: e.Now,
		Directory: func() rulespec.Directory { return s.directory }, KindName: s.catalogue.KindNames(),
		AppName: s.catalogue.AppNames(),
	})
	return errors.Join(f(desk), db.Close())
}
