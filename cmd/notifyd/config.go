package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// defaultConfig is where a packaged notifyd looks when no file was named.
const defaultConfig = "/etc/notifyd/notifyd.yaml"

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Check the configuration and say what is wrong with it."`
	Print configPrintCmd `cmd:"" help:"Print the configuration in effect, with secrets masked."`
}

type configCheckCmd struct{}

// Run checks the whole configuration as serve would, without connecting to anything.
func (c *configCheckCmd) Run(e *env) error {
	f, _, err := checkedConfig(e)
	if err != nil {
		return err
	}
	name := f.Name()
	if name == "" {
		name = "defaults and environment"
	}
	fmt.Fprintf(e.stdout, "%s: ok\n", name)
	return nil
}

type configPrintCmd struct{}

// Run prints what the program would run with.
func (c *configPrintCmd) Run(e *env) error {
	f, _, err := checkedConfig(e)
	if err != nil {
		return err
	}
	return f.Print(e.stdout)
}

// checkedConfig reads the configuration and opens every bus and backend it names, which checks their sections.
func checkedConfig(e *env) (*config.File, settings, error) {
	f, err := openConfig(e)
	if err != nil {
		return nil, settings{}, err
	}
	s, err := loadSettings(f)
	quiet := slog.New(slog.DiscardHandler)
	_, err2 := openSources(f, quiet)
	_, err3 := openBackends(f, e, s.Web.manage(), quiet)
	return f, s, errors.Join(err, err2, err3, f.Unknown(), f.InSection("", checkFiles(s)))
}

// checkFiles reads the files that the configuration names, as serve would.
func checkFiles(s settings) error {
	var errs []error
	if folder := s.Catalogue.Folder; folder != "" {
		if _, err := catalogue.Load(os.DirFS(folder)); err != nil {
			errs = append(errs, fmt.Errorf("catalogue.folder: %w", err))
		}
	}
	if file := s.Directory.File; file != "" {
		if _, err := directory.ReadFile(file); err != nil {
			errs = append(errs, fmt.Errorf("directory.file: %w", err))
		}
	}
	return errors.Join(errs...)
}

// openConfig reads the file that --config names, or the packaged one where it exists, or none.
func openConfig(e *env) (*config.File, error) {
	name := e.config
	if name == "" {
		if _, err := os.Stat(defaultConfig); err == nil {
			name = defaultConfig
		}
	}
	return config.Read(name, os.Environ())
}
