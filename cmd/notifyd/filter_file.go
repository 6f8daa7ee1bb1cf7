package main

import (
	"fmt"
	"io"
	"os"

	"github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/fmn"
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
	file, err := rulespec.Parse(envOf(cat), text)
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

// filterImportCmd is `notifyd filter import`.
type filterImportCmd struct {
	From       string `required:"" enum:"fmn" help:"What wrote the file: fmn, of either generation."`
	File       string `arg:"" placeholder:"FILE" help:"The JSON that FMN exported; - is standard input."`
	IRCNetwork string `name:"irc-network" placeholder:"NAME" help:"The network of the nicks, as it is configured."`
	Catalogue  string `type:"existingdir" placeholder:"DIR" help:"Folder of a site's catalogue, over the embedded one."`
}

// Run writes the filters in their text form. It lists on standard error what could not be converted, a line each.
func (c *filterImportCmd) Run(e *env) error {
	cat, err := loadCatalogue(c.Catalogue)
	if err != nil {
		return err
	}
	export, err := readAtMost(e.stdin, c.File, fmn.MaxExport)
	if err != nil {
		return fmt.Errorf("read export: %w", err)
	}
	file, notes, err := fmn.Import(export,
		fmn.Options{Catalogue: cat, IRCNetwork: c.IRCNetwork, CheckAddress: checkAddress})
	if err != nil {
		return fmt.Errorf("import %s: %w", c.File, err)
	}
	for _, note := range notes {
		fmt.Fprintf(e.stderr, "%s: %s\n", c.File, visible(note.String()))
	}
	if _, err := e.stdout.Write(rulespec.Format(file)); err != nil {
		return fmt.Errorf("write filters: %w", err)
	}
	return nil
}

// readAtMost reads a file, or standard input where its name is -. Of one that is larger than most it reads a byte more.
func readAtMost(stdin io.Reader, name string, most int64) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, most+1))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most+1))
}

// checkAddress returns the canonical form of an address, as the backend of that name writes it.
func checkAddress(backend, address string) (string, error) {
	for _, info := range all.Infos() {
		if info.Name == backend {
			return info.CheckAddress(address)
		}
	}
	return "", fmt.Errorf("there is no backend %q", backend)
}
