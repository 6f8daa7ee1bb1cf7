package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/notifyd/notifyd/backends"
	backendall "github.com/notifyd/notifyd/backends/all"
	"github.com/notifyd/notifyd/bus"
	busall "github.com/notifyd/notifyd/bus/all"
	"github.com/notifyd/notifyd/cmd/notifyd/carrier"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/people"
	"github.com/notifyd/notifyd/cmd/notifyd/relay"
)

// openAdapters opens the buses that messages come from and the backends that notices go to.
func (s *Service) openAdapters(f *config.File) error {
	var errs [4]error
	s.openGuard()
	s.sources, errs[0] = openSources(f, s.log)
	s.backends, errs[1] = openBackends(f, s.log, backends.Parts{
		Now: s.env.Now, Random: rand.Float64, Manage: s.settings.Web.manage(), Writer: s.db.Writer, Reader: s.db.Reader,
		Stop: s.prefs.Unsubscriber.StopAddress, Command: s.controlDesk().Do, Returns: s.returns(),
		Back: func(ctx context.Context, backend, address string) error { return s.outbox.Wake(ctx, backend, address) },
	})
	s.outlets, errs[2] = openOutlets(f, s.log)
	s.bridges, errs[3] = openBridges(f, s.log, s.sources)
	err := errors.Join(append(errs[:], checkOutlets(f, s.settings, s.outlets), checkNames(f, s.settings, s.sources))...)
	if err != nil {
		return err
	}
	if len(s.sources) == 0 {
		s.log.Warn("no bus is configured: nothing will come in")
	}
	mails := slices.ContainsFunc(s.infos(), func(b backends.Info) bool { return b.SignIn })
	if s.settings.Web.Listen != "" && !mails && !s.settings.Accounts.HasWaysIn() {
		s.log.Warn("neither a mail server nor a provider of sign-ins is configured: nobody can sign in to the pages")
	}
	return nil
}

// openSources opens every bus that the configuration has a section for.
func openSources(f *config.File, log *slog.Logger) (map[string]bus.Source, error) {
	sources := map[string]bus.Source{}
	var errs []error
	for _, d := range busall.Drivers() {
		errs = append(errs, openInto(sources, f, d.Name, d.Open, log.With("source", d.Name)))
	}
	reserveNames(sources)
	return sources, errors.Join(errs...)
}

// openOutlets opens every outlet that the configuration has a section for.
func openOutlets(f *config.File, log *slog.Logger) (map[string]bus.Outlet, error) {
	outlets := map[string]bus.Outlet{}
	var errs []error
	for _, d := range busall.Outlets() {
		errs = append(errs, openInto(outlets, f, d.Name, d.Open, log.With("outlet", d.Name)))
	}
	return outlets, errors.Join(errs...)
}

// openInto opens a driver, where the configuration has a section for it below "bus", and adds what it has opened.
func openInto[T any](all map[string]T, f *config.File, name string,
	open func(func(any) error, *slog.Logger) (T, error), log *slog.Logger) error {
	section := "bus." + name
	decode := f.Section(section)
	if !f.Has(section) {
		return nil
	}
	opened, err := open(decode, log)
	if err != nil {
		return f.InSection(section, err)
	}
	all[name] = opened
	return nil
}

// outputs makes what hands on to the outlets.
func (s *Service) outputs(log *seldom) []*relay.Output {
	var all []*relay.Output
	for name, outlet := range s.outlets {
		all = append(all, relay.NewOutput(relay.OutputConfig{
			Outlet: outlet, May: s.reading().MayLeave, Elsewhere: s.elsewhere(), Signer: s.signer.Load,
			Odd: func(m *bus.Message, err error) {
				log.say(m.Source, "not_fedmsg", "handed a message on as it came, which is not fedmsg's form", "outlet", name,
					"topic", m.Topic, "id", m.ID, "error", err)
			},
		}))
	}
	return all
}

// elsewhere makes a function that says whether a source is not one of fedmsg's. Names may come up while the daemon
// runs, so one that is not known is looked for again, now and then.
func (s *Service) elsewhere() func(source string) bool {
	others := map[string]bus.Source{}
	for name, source := range s.sources {
		if _, fedmsg := source.(bus.FedmsgSource); !fedmsg {
			others[name] = source
		}
	}
	var names []string
	var looked time.Time
	return func(source string) bool {
		if now := s.env.Now(); !slices.Contains(names, source) && now.Sub(looked) > time.Second {
			names, looked = sourceNames(others), now
		}
		return slices.Contains(names, source)
	}
}

// openBridges opens every bridge that the configuration has, by its driver and name.
func openBridges(f *config.File, log *slog.Logger, sources map[string]bus.Source) (map[string]bus.OpenBridge, error) {
	bridges, byDriver := map[string]bus.OpenBridge{}, map[string][]bus.OpenBridge{}
	names := sourceNames(sources)
	var errs []error
	for _, d := range busall.Bridges() {
		errs = append(errs, openInto(byDriver, f, d.Name, d.Open, log))
		for _, b := range byDriver[d.Name] {
			for _, from := range b.Choice.NotFrom {
				if !slices.Contains(names, from) && !findsNames(sources) {
					errs = append(errs, f.InSection("bus."+d.Name, fmt.Errorf("%s: not_from: %q is no source; there are %q", b.Name,
						from, names)))
				}
			}
			bridges[d.Name+"."+b.Name] = b
		}
	}
	return bridges, errors.Join(errs...)
}

// openCarriers makes what works for the bridges. What is stored from now on is theirs.
func (s *Service) openCarriers(ctx context.Context) error {
	if len(s.bridges) == 0 {
		return nil
	}
	database, err := s.prefs.Identity(ctx)
	if err != nil {
		return fmt.Errorf("read identity of the database: %w", err)
	}
	holder := s.leases.Node
	if !s.db.Postgres {
		holder = "the owner of the file" // there is one at a time, and it waits for nobody after a kill
	}
	for _, name := range slices.Sorted(maps.Keys(s.bridges)) {
		var while func(context.Context, func(context.Context) error) error
		if s.db.Postgres {
			while = func(ctx context.Context, run func(context.Context) error) error {
				return s.leases.While(ctx, "bridge "+name, run)
			}
		}
		c := carrier.New(carrier.Config{
			Name: name, Open: s.bridges[name], History: s.history, Describe: s.describer.describe,
			Database: database[:min(16, len(database))], Holder: holder, Now: s.env.Now, Log: s.log,
			While: while, May: s.reading().MayLeave,
		})
		for _, source := range s.sources {
			located, ok := source.(bus.Located)
			if !ok {
				continue
			}
			for from, place := range located.Locations() {
				if place == s.bridges[name].Place {
					c.NotFrom(from)
				}
			}
		}
		if err := c.Prepare(ctx); err != nil {
			return err
		}
		s.carriers = append(s.carriers, c)
	}
	return nil
}

// binders gives the sources and outlets to which others connect, by their sections.
func (s *Service) binders() map[string]bus.Binder {
	all := map[string]bus.Binder{}
	for name, source := range s.sources {
		if b, ok := source.(bus.Binder); ok {
			all["bus."+name] = b
		}
	}
	for name, outlet := range s.outlets {
		if b, ok := outlet.(bus.Binder); ok {
			all["bus."+name] = b
		}
	}
	return all
}

// bindAll takes all addresses, so that the daemon does not start where one is taken.
func (s *Service) bindAll(ctx context.Context) error {
	var errs []error
	for name, b := range s.binders() {
		if err := b.Bind(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// openBackends opens every backend that the configuration has a section for, and those that need none. The log in
// parts is derived from log.
func openBackends(f *config.File, log *slog.Logger, parts backends.Parts) (map[string]backends.Backend, error) {
	opened := map[string]backends.Backend{}
	var errs []error
	for _, driver := range backendall.Drivers() {
		section := "backends." + driver.Info.Name
		decode := f.Section(section)
		if !f.Has(section) {
			if !driver.Always {
				continue
			}
			decode = func(any) error { return nil }
		}
		parts.Log = log.With("backend", driver.Info.Name)
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

// infos returns the Info of each backend that s has, in the order of the list.
func (s *Service) infos() []backends.Info {
	var infos []backends.Info
	for _, info := range backendall.Infos() {
		opened := s.backends[info.Name]
		if informed, ok := opened.(backends.Informed); ok {
			info = informed.Info()
		}
		if opened != nil {
			infos = append(infos, info)
		}
	}
	return infos
}

// OpenReceiver opens the backend that takes what comes back, for a program that hands it over; nil: there is none.
func OpenReceiver(f *config.File, parts backends.Parts) (backends.Receiver, error) {
	opened, err := openBackends(f, parts.Log, parts)
	return receiverOf(opened), err
}

func receiverOf(opened map[string]backends.Backend) backends.Receiver {
	for _, backend := range opened {
		if r, ok := backend.(backends.Receiver); ok {
			return r
		}
	}
	return nil
}

// receive takes what came back of a mail, for a command.
func (s *Service) receive(ctx context.Context, a people.Ask) (backends.Received, error) {
	r := receiverOf(s.backends)
	if r == nil {
		return backends.Received{}, backends.ErrNoReturns
	}
	return r.Receive(ctx, a.To, bytes.NewReader(a.Message))
}
