package main

import (
	"cmp"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/bus"
	busall "github.com/notifyd/notifyd/bus/all"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// openEdges opens what touches the world: the buses that messages come from and the backends that notices go to.
func (s *service) openEdges(f *config.File, e *env) error {
	var err, err2 error
	s.sources, err = openSources(f, s.log)
	s.backends, err2 = openBackends(f, e, s.settings.Web.manage(), s.log)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if len(s.sources) == 0 {
		s.log.Warn("no bus is configured: nothing will come in")
	}
	if s.settings.Web.Listen != "" && s.backends[email.Info.Name] == nil {
		s.log.Warn("no mail server is configured: nobody can sign in to the pages")
	}
	s.feed = desktop.New(s.db.Writer, s.db.Reader, e.now)
	s.backends[desktop.Info.Name] = s.feed
	return nil
}

// openSources opens every bus that the configuration has a section for.
func openSources(f *config.File, log *slog.Logger) (map[string]bus.Source, error) {
	sources := map[string]bus.Source{}
	var errs []error
	for _, driver := range busall.Drivers() {
		section := "bus." + driver.Name
		decode := f.Section(section)
		if !f.Has(section) {
			continue
		}
		source, err := driver.Open(decode, log.With("source", driver.Name))
		if err != nil {
			errs = append(errs, f.InSection(section, err))
			continue
		}
		sources[driver.Name] = source
	}
	return sources, errors.Join(errs...)
}

// openBackends opens every backend that the configuration has a section for.
func openBackends(f *config.File, e *env, manage string, log *slog.Logger) (map[string]backends.Backend, error) {
	opened := map[string]backends.Backend{}
	var errs []error
	for _, driver := range backendall.Drivers() {
		section := "backends." + driver.Info.Name
		decode := f.Section(section)
		if !f.Has(section) {
			continue
		}
		parts := backends.Parts{Log: log.With("backend", driver.Info.Name), Now: e.now, Random: rand.Float64, Manage: manage}
		backend, err := driver.Open(decode, parts)
		if err != nil {
			errs = append(errs, f.InSection(section, err))
			continue
		}
		if backend != nil {
			opened[driver.Info.Name] = backend
		}
	}
	return opened, errors.Join(errs...)
}

// infos are the backends that s has, in the order of the list.
func (s *service) infos() []backends.Info {
	var infos []backends.Info
	for _, info := range append(backendall.Infos(), desktop.Info) {
		if s.backends[info.Name] != nil {
			infos = append(infos, info)
		}
	}
	return infos
}

// knownKinds says which kinds of message a filter may name: those of the catalogue, and the kind by convention of an
// application that has none.
func knownKinds(c *catalogue.Catalogue) func(string) bool {
	known := map[string]bool{}
	for _, k := range c.Kinds() {
		known[k.Kind] = true
	}
	return func(name string) bool { return known[name] || strings.HasSuffix(name, ".unknown") }
}

// kindNames gives what people call a kind of message, "" where the catalogue has no such kind; one by convention is called
// as events of it are. Where two kinds have one name, their applications tell them apart.
func kindNames(c *catalogue.Catalogue) func(string) string {
	kinds, shared := c.Kinds(), map[string]int{}
	for _, k := range kinds {
		shared[k.Name]++
	}
	names, apps := make(map[string]string, len(kinds)), map[string]string{}
	for _, k := range kinds {
		apps[k.App] = k.AppTitle
		names[k.Kind] = k.Name
		if shared[k.Name] > 1 {
			names[k.Kind] = k.Name + " (" + k.AppTitle + ")"
		}
	}
	return func(kind string) string {
		if app, other := strings.CutSuffix(kind, ".unknown"); other && names[kind] == "" {
			return "Other messages of " + cmp.Or(apps[app], app)
		}
		return names[kind]
	}
}
