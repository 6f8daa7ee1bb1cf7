package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// catalogueCmd is `notifyd catalogue`.
type catalogueCmd struct {
	Check catalogueCheckCmd `cmd:"" help:"Check a site's catalogue, or the embedded one."`
}

// catalogueCheckCmd is `notifyd catalogue check`.
type catalogueCheckCmd struct {
	Dir string `arg:"" optional:"" type:"existingdir" help:"Folder of the site's *.yaml files; without it the embedded catalogue alone is checked."`
}

// Run prints one line for each mistake and ends with status 1 where there is one.
func (c *catalogueCheckCmd) Run(e *env) error {
	mistakes := catalogue.Check(folder(c.Dir))
	for _, m := range mistakes {
		fmt.Fprintln(e.stdout, m)
	}
	if len(mistakes) > 0 {
		return errSilent
	}
	cat, err := loadCatalogue(c.Dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%d kinds of message of %d applications, no mistakes\n", len(cat.Kinds()), len(cat.Apps()))
	return nil
}

// loadCatalogue gives the embedded catalogue with dir over it; "" for the embedded one alone.
func loadCatalogue(dir string) (*catalogue.Catalogue, error) {
	cat, err := catalogue.Load(folder(dir))
	if err != nil {
		return nil, fmt.Errorf("load catalogue: %w", err)
	}
	return cat, nil
}

func folder(dir string) fs.FS {
	if dir == "" {
		return nil
	}
	return os.DirFS(dir)
}
