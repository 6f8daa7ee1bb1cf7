package main

import (
	"fmt"
	"io"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
)

// filterCheckCmd is `notifyd filter check`.
type filterCheckCmd struct {
	filterFlags
}

// Help is printed by filter check --help.
func (*filterCheckCmd) Help() string {
	return "Exit status: 0 all filters are right; 1 one has a mistake; " +
		"2 the file, the directory or the catalogue could not be read."
}

// Run prints every mistake, or else every filter as a sentence. If a directory is given, everything that it lacks is
// a mistake too.
func (c *filterCheckCmd) Run(e *env) error { return e.finish(c.check(e)) }

func (c *filterCheckCmd) check(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	text, err := readText(c.File)
	if err != nil {
		return fmt.Errorf("read filters: %w", err)
	}
	file, err := rulespec.Parse(rulespec.Env{KnowsKind: cat.KnownKinds()}, text)
	mistakes := printMistakes(e.stderr, c.File, err)
	if mistakes > 0 && len(file.Filters) == 0 {
		return statusBroken
	}
	missing, err := c.missing(e.stderr, file)
	if err != nil {
		return err
	}
	if mistakes += missing; mistakes > 0 {
		return statusUnexpected
	}
	for _, f := range file.Filters {
		if _, err := fmt.Fprintf(e.stdout, "%s: %s\n", visible(f.Name),
			rulespec.Sentence(rulespec.Env{}, f.Filter)); err != nil {
			return fmt.Errorf("write sentence: %w", err)
		}
	}
	return nil
}

// missing prints what the filters require and the directory lacks, and returns their number.
func (c *filterCheckCmd) missing(w io.Writer, file rulespec.File) (int, error) {
	if c.Directory == "" {
		return 0, nil
	}
	dir, err := directory.ReadFile(c.Directory)
	if err != nil {
		return 0, fmt.Errorf("read directory: %w", err)
	}
	n := 0
	for _, f := range file.Filters {
		for _, err := range rulespec.Missing(f.Filter, dir) {
			fmt.Fprintf(w, "%s:%d: %s\n", c.File, f.Line, textOf(err))
			n++
		}
	}
	return n, nil
}
