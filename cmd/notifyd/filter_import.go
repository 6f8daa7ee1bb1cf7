package main

import (
	"fmt"
	"io"
	"os"

	"github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/fmn"
)

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
