package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// catalogueCmd is `notifyd catalogue`.
type catalogueCmd struct {
	List    catalogueListCmd    `cmd:"" help:"List the kinds of message."`
	Show    catalogueShowCmd    `cmd:"" help:"Show one kind of message: its entry, and examples with what it makes of them."`
	Check   catalogueCheckCmd   `cmd:"" help:"Check a site's catalogue, or the embedded one."`
	Try     catalogueTryCmd     `cmd:"" help:"Describe messages with one more file, and say how each field came out."`
	Suggest catalogueSuggestCmd `cmd:"" help:"Draft entries for messages that none describes, for you to edit."`
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
	if without := cat.WithoutKeyword(); len(without) > 0 {
		fmt.Fprintf(e.stdout, "without a keyword, so nobody finds them by one: %s\n", strings.Join(without, ", "))
	}
	if bare := cat.WithoutExamples(); len(bare) > 0 {
		fmt.Fprintf(e.stdout, "without examples, so nobody tried their fields: %s\n", strings.Join(bare, ", "))
	}
	return nil
}

// loadCatalogue returns the embedded catalogue with dir laid over it; with "" the embedded one alone.
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

// A oneFile is a folder of which only one file is visible.
type oneFile struct {
	fs.FS
	name string
}

func asFolder(file string) fs.FS {
	return oneFile{os.DirFS(filepath.Dir(file)), filepath.Base(file)}
}

// ReadDir lists the one file.
func (f oneFile) ReadDir(string) ([]fs.DirEntry, error) {
	info, err := fs.Stat(f.FS, f.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}
