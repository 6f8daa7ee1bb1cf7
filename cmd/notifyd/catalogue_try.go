package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/prefs"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// catalogueTryCmd is `notifyd catalogue try`.
type catalogueTryCmd struct {
	File      string `arg:"" type:"existingfile" help:"File of entries to try."`
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of the site's catalogue that the file is laid over."`
	Accounts  string `type:"existingfile" placeholder:"FILE" help:"JSON object of nicks, mail addresses and OpenIDs to accounts."`
}

// maxTried bounds the messages that are merged at the end: as many as a large digest has.
const maxTried = 1000

// Run describes the messages on standard input with the file laid over the catalogue. The status is 1 when a line is
// no message or a field failed.
func (c *catalogueTryCmd) Run(e *env) error {
	cat, err := catalogue.Load(folder(c.Catalogue), asFolder(c.File))
	if err != nil {
		return fmt.Errorf("load catalogue: %w", err)
	}
	if cat, err = withAccounts(cat, c.Accounts); err != nil {
		return err
	}
	out := bufio.NewWriter(e.stdout)
	lines, bad, failed := 0, 0, 0
	var events []*catalogue.Event
	err = eachLine(e.stdin, func(line []byte) error {
		if lines++; lines > 1 {
			fmt.Fprintln(out)
		}
		m, err := bus.DecodeLine(line, e.now())
		if err != nil {
			bad++
			fmt.Fprintf(out, "error: %v\n", err)
			return nil
		}
		t := cat.Try(m)
		failed += showTrial(out, t)
		if events = append(events, t.Event); len(events) > maxTried {
			events = events[1:]
		}
		return nil
	})
	showDigest(out, events, e.now())
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("try messages: %w", err)
	}
	switch {
	case bad > 0:
		return fmt.Errorf("%d of %d lines are no messages", bad, lines)
	case failed > 0:
		return fmt.Errorf("%d fields failed", failed)
	}
	return nil
}

// showDigest writes the lines that the events would have in a digest, if some of them belong together.
func showDigest(out io.Writer, events []*catalogue.Event, now time.Time) {
	everything := []prefs.Subscription{{Destinations: []prefs.Destination{{ID: 1}}}}
	var notices []backends.Notice
	for _, event := range events {
		for _, d := range prefs.Plan(event, everything, now, nil) {
			notices = append(notices, d.Notice)
		}
	}
	groups := backends.Merge(notices)
	if len(groups) == len(notices) {
		return
	}
	fmt.Fprint(out, "\nin a digest:\n")
	for _, g := range groups {
		fmt.Fprintf(out, "%6d  %s\n", len(g.Notices), line(g.Title))
	}
}

// showTrial writes the result of one message, and returns the number of fields that failed.
func showTrial(out io.Writer, t catalogue.Trial) int {
	d := describe(t.Event)
	entry := t.Entry
	if entry == "" {
		entry = "no entry: described by convention"
	}
	fmt.Fprintf(out, "topic:    %s\nkind:     %s (%s)\nsummary:  %s\n", d.Topic, d.Kind, entry, d.Summary)
	link := d.Link
	if link != "" && t.Link != "" {
		link += " (" + t.Link + ")"
	}
	for _, f := range []struct{ name, text string }{
		{"link:", link}, {"icon:", d.Icon}, {"icon 2:", d.SecondaryIcon}, {"actor:", d.Actor},
		{"users:", strings.Join(d.Users, ", ")}, {"packages:", strings.Join(d.Packages, ", ")},
		{"objects:", strings.Join(d.Objects, ", ")}, {"severity:", d.Severity}, {"keyword:", string(t.Event.Keyword)},
		{"phase:", d.Phase}, {"author:", strings.Join(d.Roles.Author, ", ")},
		{"assigned:", strings.Join(d.Roles.Assigned, ", ")}, {"mentioned:", strings.Join(d.Roles.Mentioned, ", ")},
		{"watchers:", strings.Join(d.Roles.Watchers, ", ")},
	} {
		if f.text != "" {
			fmt.Fprintf(out, "%-9s %s\n", f.name, f.text)
		}
	}
	if left := t.Event.LeftOut(); len(left) > 0 {
		fmt.Fprintf(out, "left out: %s\n", line(strings.Join(left, ", ")))
	}
	return showOutcomes(out, t.Fields)
}

// showOutcomes writes what is wrong with the fields of an entry, and returns how many failed. Of the alternatives of a
// list it says that they are empty only where all are.
func showOutcomes(out io.Writer, fields []catalogue.Outcome) int {
	some := map[string]bool{} // the fields of which one alternative has come out
	for _, f := range fields {
		some[f.Field] = some[f.Field] || f.Text != "" || f.Err != nil || f.Unfit != ""
	}
	var empty []string
	failed := 0
	for _, f := range fields {
		switch {
		case f.Err != nil:
			failed++
			fmt.Fprintf(out, "failed:   %s (%s): %v\n", f.Field, f.At(), f.Err)
		case f.Unfit != "":
			fmt.Fprintf(out, "not used: %s (%s): %s\n", f.Field, f.At(), f.Unfit)
		case !some[f.Field]:
			some[f.Field] = true // it is said once
			empty = append(empty, fmt.Sprintf("%s (%s)", f.Field, f.At()))
		}
	}
	if len(empty) > 0 {
		fmt.Fprintf(out, "empty:    %s\n", strings.Join(empty, ", "))
	}
	return failed
}

// withAccounts returns cat with the accounts of a file; unchanged where file is "".
func withAccounts(cat *catalogue.Catalogue, file string) (*catalogue.Catalogue, error) {
	if file == "" {
		return cat, nil
	}
	accounts, err := readAccounts(file)
	if err != nil {
		return nil, err
	}
	return cat.WithAccounts(accounts), nil
}
