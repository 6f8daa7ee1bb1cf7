package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue/suggest"
)

// catalogueSuggestCmd is `notifyd catalogue suggest`.
type catalogueSuggestCmd struct {
	Catalogue string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, laid over the embedded one: what it describes needs no entry."`
	App       string `placeholder:"NAME" help:"Draft for this application only."`
	Into      string `type:"path" placeholder:"DIR" help:"Write one file an application into this folder, which is made where it is not there; a file that is there already is left alone."`
}

// Run reads messages on standard input and drafts entries for those that no entry describes. A file describes one
// application, so messages of several applications need --into.
func (c *catalogueSuggestCmd) Run(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	suggester := suggest.New(cat)
	bad := 0
	err = eachLine(e.stdin, func(line []byte) error {
		m, err := bus.DecodeLine(line, e.now())
		if err != nil {
			bad++
			return nil
		}
		suggester.Add(m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	if suggester.Skipped > 0 {
		fmt.Fprintf(e.stderr, "notifyd: nothing drafted for %d messages: too many topics, or the first word is no application's name\n", suggester.Skipped)
	}
	err = c.write(e, suggester.Drafts())
	if bad > 0 {
		err = errors.Join(err, fmt.Errorf("lines that are no messages: %d", bad))
	}
	return err
}

func (c *catalogueSuggestCmd) write(e *env, drafts []suggest.Draft) error {
	var names []string
	var chosen []suggest.Draft
	for _, d := range drafts {
		names = append(names, d.App)
		if c.App == "" || c.App == d.App {
			chosen = append(chosen, d)
		}
	}
	switch {
	case len(chosen) == 0 && c.App != "":
		return fmt.Errorf("no message of %s lacks an entry", c.App)
	case len(chosen) == 0:
		fmt.Fprintln(e.stderr, "notifyd: an entry describes each of these messages")
		return nil
	case c.Into != "":
		err := writeDrafts(e, c.Into, chosen)
		sayUnsure(e.stderr, chosen)
		return err
	case len(chosen) > 1:
		return fmt.Errorf("these are messages of %d applications, and a file describes one: name a folder with --into, or one application with --app: %s",
			len(chosen), strings.Join(names, ", "))
	}
	_, err := io.WriteString(e.stdout, chosen[0].Text)
	sayUnsure(e.stderr, chosen)
	return err
}

// sayUnsure lists what the drafts are unsure of, each doubt once with the kinds that have it.
func sayUnsure(out io.Writer, drafts []suggest.Draft) {
	const most, mostKinds = 20, 3
	var doubts []string
	kinds := map[string][]string{}
	for _, d := range drafts {
		for _, doubt := range d.Unsure {
			if kinds[doubt.Text] == nil {
				doubts = append(doubts, doubt.Text)
			}
			kinds[doubt.Text] = append(kinds[doubt.Text], doubt.Kind)
		}
	}
	for _, doubt := range doubts[:min(len(doubts), most)] {
		of := kinds[doubt]
		more := ""
		if len(of) > mostKinds {
			more = fmt.Sprintf(" and %d more", len(of)-mostKinds)
		}
		fmt.Fprintf(out, "unsure: %s (%s%s)\n", line(doubt), strings.Join(of[:min(len(of), mostKinds)], ", "), more)
	}
	if len(doubts) > most {
		fmt.Fprintf(out, "unsure of %d things more; they are marked in the drafts\n", len(doubts)-most)
	}
}

func writeDrafts(e *env, dir string, drafts []suggest.Draft) error {
	// The parent has to be there: a path that is mistyped makes no tree of folders.
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make folder: %w", err)
	}
	var errs []error
	for _, d := range drafts {
		name := filepath.Join(dir, d.App+".yaml")
		err := writeNew(name, d.Text)
		if errors.Is(err, fs.ErrExist) {
			errs = append(errs, fmt.Errorf("%s is there: use --catalogue %s to draft what it lacks", filepath.Base(name), dir))
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("write draft: %w", err))
			continue
		}
		fmt.Fprintf(e.stdout, "%s: %d entries\n", name, d.Entries)
	}
	return errors.Join(errs...)
}

// writeNew writes a file that does not exist yet.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Close())
}
