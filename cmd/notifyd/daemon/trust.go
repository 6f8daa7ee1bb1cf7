package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/cmd/notifyd/config"
	"github.com/notifyd/notifyd/internal/watch"
)

// openTrust reads the certificates and keys that messages are checked by.
func (s *Service) openTrust(f *config.File) error {
	var err error
	s.trust, err = watch.New(trust.Files(s.settings.Trust), s.settings.Trust.Check, s.log)
	if err != nil {
		return f.InSection("bus.trust", err)
	}
	for _, warning := range s.trustWarnings() {
		s.log.Warn("trust is limited", "problem", warning)
	}
	return nil
}

// findsNames reports whether a source finds its publishers while it runs: then a name that nobody has may come up.
func findsNames(sources map[string]bus.Source) bool {
	for _, source := range sources {
		if finding, ok := source.(bus.Finding); ok && finding.Finds() {
			return true
		}
	}
	return false
}

// reserveNames keeps sources that find publishers from taking the names of others.
func reserveNames(sources map[string]bus.Source) {
	for name, source := range sources {
		if finding, ok := source.(bus.Finding); ok && finding.Finds() {
			others := maps.Clone(sources)
			delete(others, name)
			finding.Reserve(func() []string { return sourceNames(others) })
		}
	}
}

// checkDistinct refuses a name that sources of two buses have. What names a source means it alone: bus.trust.sources
// would otherwise believe both.
func checkDistinct(f *config.File, sources map[string]bus.Source) error {
	var errs []error
	first := map[string]string{}
	for _, driver := range slices.Sorted(maps.Keys(sources)) {
		section := "bus." + driver
		for _, name := range sourceNames(map[string]bus.Source{driver: sources[driver]}) {
			if other, twice := first[name]; twice {
				errs = append(errs, f.InSection(section, fmt.Errorf("%s: %s has a source of this name; another name was expected, "+
					"so that bus.trust.sources and the like mean one of them", name, other)))
				continue
			}
			first[name] = section
		}
	}
	return errors.Join(errs...)
}

// checkNames gives the mistakes of sections that name sources, by the names that there are.
func checkNames(f *config.File, set Settings, sources map[string]bus.Source) error {
	names := sourceNames(sources)
	if findsNames(sources) {
		for name := range set.Trust.Sources {
			names = append(names, name)
		}
		names = append(names, set.Backlog.Sources...)
		for name, rule := range set.History.Readers.Sources {
			if !rule.Gone {
				names = append(names, name)
			}
		}
	}
	return errors.Join(f.InSection("history.readers", set.History.Readers.CheckSources(names)),
		f.InSection("bus.trust", set.Trust.CheckSources(names)), f.InSection("bus.backlog", set.Backlog.Check(names)),
		checkSigner(f, set, sources), checkDistinct(f, sources),
	)
}

// sourceWarnings says what limits the sources at this moment.
func (s *Service) sourceWarnings() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.listening.Running())) {
		if w, ok := s.sources[name].(bus.Warning); ok {
			all = append(all, w.Warnings()...)
		}
	}
	return all
}

// nothingVerified is the warning of a site that can check no signature.
const nothingVerified = "nothing is verified: bus.trust has neither a ca nor gpg_keys, so anybody who reaches a bus may " +
	"send under any name"

// warningsOf says what is wrong with the files that messages are checked by, and with how long a signature counts.
func warningsOf(v *trust.Verifier, keep time.Duration, now time.Time) []string {
	warnings := v.Warnings(now)
	if v.Checks() && v.MaxAge() > keep {
		warnings = append(warnings, "bus.trust.max_age is longer than history.keep: what the history has forgotten can be sent "+
			"again as new")
	}
	return warnings
}

// trustWarnings says what limits the trust in messages at this moment.
func (s *Service) trustWarnings() []string {
	v := s.trust.Load()
	warnings := warningsOf(v, s.tuned.Load().history.Keep, s.env.Now())
	doubted := func(source string) bool { return !v.Trusts(source) }
	if !v.Checks() && slices.ContainsFunc(sourceNames(s.sources), doubted) {
		warnings = append(warnings, nothingVerified)
	}
	if err := s.trust.Err(); err != nil {
		warnings = append(warnings, fmt.Sprintf("the last good files of bus.trust stay in use: %v", err))
	}
	if s.signer != nil { // it is opened after the trust
		warnings = append(warnings, s.signerWarnings()...)
	}
	return warnings
}

const (
	trustLooked   = time.Minute    // how often the warnings are looked at
	trustRepeated = 24 * time.Hour // how often a warning that stays is logged
)

// watchTrust logs each warning about trust when it comes up, and daily while it stays.
func (s *Service) watchTrust(ctx context.Context) error {
	said := map[string]time.Time{}
	for _, warning := range s.trustWarnings() {
		said[warning] = s.env.Now() // Open has logged it
	}
	ticker := time.NewTicker(trustLooked)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			for _, warning := range due(said, s.trustWarnings(), s.env.Now()) {
				s.log.Error("trust is limited", "problem", warning)
			}
		}
	}
}

// due picks the warnings that were not said for trustRepeated, and notes that they are said now. It forgets those that
// are over.
func due(said map[string]time.Time, warnings []string, now time.Time) []string {
	var fresh []string
	for _, warning := range warnings {
		if at, ok := said[warning]; !ok || now.Sub(at) >= trustRepeated {
			said[warning] = now
			fresh = append(fresh, warning)
		}
	}
	for warning := range said {
		if !slices.Contains(warnings, warning) {
			delete(said, warning)
		}
	}
	return fresh
}
