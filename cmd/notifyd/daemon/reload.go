package daemon

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/cmd/notifyd/daemon/accounts"
	"github.com/notifyd/notifyd/history/readers"
	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// liveKeys are the keys of the configuration, and sections with all keys below, that a reload puts into effect. Other
// changed keys are named in the log and wait for a restart.
var liveKeys = []string{
	"log.level", "catalogue.folder", "catalogue.check", "directory.file", "directory.check",
	"directory.precedence", "directory.bots",
	"reports.folder", "reports.check",
	"history.keep", "history.keep_bytes", "history.source_bytes", "history.prune", "history.rules",
	"history.readers", "web.trusted_proxies",
	"accounts.sign_up", "accounts.domains", "accounts.groups", "accounts.invitations", "accounts.admins",
	"accounts.helpers",
	"bus.trust", "bus.publish.cert_file", "bus.publish.key_file",
}

// A tuning holds the settings that are read while the daemon runs and that a reload replaces. It never changes.
type tuning struct {
	history  historySettings
	proxies  []netip.Prefix
	readers  *readers.Policy
	accounts accounts.Settings
	replaced chan struct{} // closed when there is a next one
}

// tune puts settings into effect.
func (s *Service) tune(set Settings) error {
	level, err := set.Log.level()
	if err != nil {
		return err
	}
	proxies, err := set.Web.proxies()
	if err != nil {
		return err
	}
	s.level.Set(level)
	next := &tuning{history: set.History, proxies: proxies, readers: readers.New(set.History.Readers),
		accounts: set.Accounts, replaced: make(chan struct{})}
	if before := s.tuned.Swap(next); before != nil {
		close(before.replaced)
	}
	return nil
}

// retuned returns a loop that calls run with the current tuning, and again with each later tuning, until ctx ends.
func (s *Service) retuned(run func(context.Context, *tuning) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			now := s.tuned.Load()
			part, stop := context.WithCancel(ctx)
			ended := make(chan error, 1)
			go func() { ended <- run(part, now) }()
			select {
			case err := <-ended:
				stop()
				return err
			case <-now.replaced:
			case <-ctx.Done():
			}
			stop()
			if err := <-ended; err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
}

// reloads reads the configuration again on each signal, until ctx ends. Signals that arrive during a reload cause one
// more reload: the channel of signals holds one.
func (s *Service) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.env.Reload:
			if s.ready.Load() { // not while it stops
				s.reload()
			}
		}
	}
}

// reload reads the configuration again. It notifies the service manager before and after, as a service of
// Type=notify-reload must (systemd.service(5)).
func (s *Service) reload() {
	s.notify(reloading())
	err := s.takeConfiguration()
	s.metrics.reloaded(s.env.Now(), err == nil)
	status := ""
	if err != nil {
		status = "The last reload failed, see the log; the configuration before it is in use"
		for line := range strings.Lines(err.Error()) {
			s.log.Error("configuration not reloaded; the old one stays", "mistake", strings.TrimSuffix(line, "\n"))
		}
	}
	if s.ready.Load() { // a stop may have begun in the meantime
		s.notify("READY=1\nSTATUS=" + status)
	}
}

// takeConfiguration reads the configuration again and applies the changes that are possible while the daemon runs. If
// it contains a mistake, nothing changes.
func (s *Service) takeConfiguration() error {
	next, err := s.current.Reread()
	if err != nil {
		return err
	}
	set, err := check(next, s.env)
	if err != nil {
		return err
	}
	changed := s.current.Changed(next)
	if err := s.adapt(next, changed); err != nil {
		return err
	}
	if err := s.watchOthers(set, changed); err != nil {
		return err
	}
	if err := s.tune(set); err != nil {
		return err
	}
	s.current = next
	keys := s.liveKeys()
	live := func(key string) bool {
		return slices.ContainsFunc(keys, func(l string) bool { return within(key, l) })
	}
	s.log.Info("configuration reloaded", "file", next.Name(), "changed", keysThat(changed, live))
	waiting := keysThat(s.started.Changed(next), func(key string) bool { return !live(key) })
	if len(waiting) > 0 {
		s.log.Warn("some keys have changed that need a restart", "keys", waiting)
	}
	s.metrics.restartNeeded.Set(float64(len(waiting)))
	s.warnOfExposed(next)
	return nil
}

// adapt lets sources take what has changed of their sections and needs no restart.
func (s *Service) adapt(next *config.File, changed []string) error {
	for name, source := range s.sources {
		section := "bus." + name
		adaptable, ok := source.(bus.Adaptable)
		if !ok || !slices.ContainsFunc(changed, func(key string) bool {
			return slices.ContainsFunc(adaptable.Adapts(), func(l string) bool { return within(key, section+"."+l) })
		}) {
			continue
		}
		if err := adaptable.Adapt(next.Section(section)); err != nil {
			return next.InSection(section, err)
		}
	}
	return nil
}

// liveKeys gives the keys that a reload puts into effect: ours, and those of the sources.
func (s *Service) liveKeys() []string {
	keys := slices.Clone(liveKeys)
	for name, source := range s.sources {
		if adaptable, ok := source.(bus.Adaptable); ok {
			for _, key := range adaptable.Adapts() {
				keys = append(keys, "bus."+name+"."+key)
			}
		}
	}
	return keys
}

// within reports whether a key is section, or below it.
func within(key, section string) bool { return strings.HasPrefix(key+".", section+".") }

func keysThat(keys []string, hold func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !hold(key) })
}

// watchOthers makes the watchers read the catalogue, the directory and the trusted keys from where set says. All were
// checked just before.
func (s *Service) watchOthers(set Settings, changed []string) error {
	return errors.Join(
		reread(s.describer.watcher, catalogue.Source(folder(set.Catalogue.Folder)), set.Catalogue.Check, changed),
		reread(s.trust, trust.Files(set.Trust), set.Trust.Check, changed),
		reread(s.signer, trust.SignerFiles(set.Publish.CertFile, set.Publish.KeyFile), set.Trust.Check, changed),
		reread(s.reports, s.reportFiles(set.Reports), set.Reports.Check, changed),
		s.directory.Reload(set.Directory, slices.ContainsFunc(changed, func(key string) bool {
			return key == "directory.file" || key == "directory.check"
		})),
	)
}

// reread makes a watcher read its files at once. If its section of the configuration has changed, the watcher changes
// to source, which makes the value anew even if the bytes are the same.
func reread[T any](w *watch.Watcher[T], source watch.Source[T], check time.Duration, changed []string) error {
	if slices.ContainsFunc(changed, func(key string) bool { return within(key, source.Name) }) {
		return w.Change(source, check)
	}
	return w.Reload()
}
