package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/directories"
	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// Check returns the mistakes for which Open would refuse a configuration. It reads the files that the configuration
// names and opens every source and backend, but connects to nothing.
func Check(f *config.File, env Env) error {
	_, err := check(f, env)
	return err
}

// Warnings returns what works in a configuration without mistakes, but should be changed.
func Warnings(f *config.File, env Env) []string {
	warnings := f.Exposed()
	s, err := LoadSettings(f)
	if err != nil {
		return warnings
	}
	if v, err := trust.Open(s.Trust); err == nil {
		warnings = append(warnings, warningsOf(v, s.History.Keep, env.Now())...)
	}
	quiet := slog.New(slog.DiscardHandler)
	opened, err := openBackends(f, quiet, backends.Parts{Now: env.Now, Random: rand.Float64, Manage: s.Web.manage()})
	if lacks := lacksWayIn(s, opened); err == nil && lacks != "" && f.Has("web.listen") { // the pages are wanted
		warnings = append(warnings, lacks)
	}
	sources, err := openSources(f, quiet)
	c, err2 := catalogue.Load(folder(s.Catalogue.Folder))
	if err == nil && err2 == nil {
		warnings = append(warnings, s.History.idle(sources, c)...)
	}
	return warnings
}

// check does the work of Check and also returns the settings of the program's own sections.
func check(f *config.File, env Env) (Settings, error) {
	s, err := LoadSettings(f)
	quiet := slog.New(slog.DiscardHandler)
	sources, err2 := openSources(f, quiet)
	opened, err3 := openBackends(f, quiet, backends.Parts{Now: env.Now, Random: rand.Float64, Manage: s.Web.manage()})
	_, err4 := trust.Open(s.Trust)
	outlets, err5 := openOutlets(f, quiet)
	_, err6 := openBridges(f, quiet, sources)
	asked, err7 := directories.OpenSources(f, s.Directory, quiet)
	return s, errors.Join(err, err2, err3, err5, err6, checkOutlets(f, s, outlets),
		f.InSection("bus.trust", err4), checkNames(f, s, sources),
		err7, f.Unknown(), f.InSection("", checkFiles(s, len(asked) == 0)),
		f.InSection("", checkReports(s, opened)), f.InSection("bus.publish", checkSignerFiles(s)))
}

// lacksWayIn says that the pages are served, and nobody can sign in to them; "" where somebody can.
func lacksWayIn(s Settings, opened map[string]backends.Backend) string {
	if s.Web.Listen == "" || !s.Accounts.Mail || s.Accounts.HasWaysIn() {
		return "" // Accounts.CheckListen has seen to it that there is one beside the mail
	}
	for _, info := range backendall.Infos() {
		if info.SignIn && opened[info.Name] != nil {
			return ""
		}
	}
	return "web.listen: nobody could sign in to the pages; expected a section backends.email, accounts.oidc or " +
		"accounts.trusted_header, or \"\""
}

// checkFiles reads the files that the configuration names. alone says that the directory is one of them, and all there
// is.
func checkFiles(s Settings, alone bool) error {
	var errs []error
	if folder := s.Catalogue.Folder; folder != "" {
		if _, err := catalogue.Load(os.DirFS(folder)); err != nil {
			errs = append(errs, fmt.Errorf("catalogue.folder: %w", err))
		}
	}
	if file := s.Directory.File; file != "" {
		if _, err := directory.ReadFacts(file, alone); err != nil {
			errs = append(errs, fmt.Errorf("directory.file: %w", err))
		}
	}
	return errors.Join(errs...)
}

// folder returns a file system of the named folder; nil for "".
func folder(name string) fs.FS {
	if name == "" {
		return nil
	}
	return os.DirFS(name)
}
