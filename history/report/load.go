package report

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/rulespec"
)

// files are those of a folder of reports.
var files = watch.Files{Of: "reports", Most: maxFiles, Bytes: maxFile}

//go:embed reports/*.yaml
var embedded embed.FS

// A Set is the reports that there are, the built-in ones and a site's. It is immutable.
type Set struct{ all []*Report }

// Load gives the built-in reports with a site's folder over them: its *.yaml files add reports, or replace them by
// name. A nil site is none. The error joins a *Mistake for each mistake.
func Load(site fs.FS, env rulespec.Env) (*Set, error) {
	builtIn, err := fs.Sub(embedded, "reports")
	if err != nil {
		return nil, fmt.Errorf("open built-in reports: %w", err)
	}
	set, mistakes := &Set{}, []error(nil)
	for _, folder := range []fs.FS{builtIn, site} {
		if folder == nil {
			continue
		}
		if err := set.add(folder, env, folder == site); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	slices.SortFunc(set.all, func(a, b *Report) int { return strings.Compare(a.Name, b.Name) })
	return set, errors.Join(mistakes...)
}

// add reads the reports of a folder, over those that are there.
func (s *Set) add(folder fs.FS, env rulespec.Env, own bool) error {
	names, err := files.Names(folder)
	if err != nil {
		return err
	}
	var mistakes []error
	from := map[string]string{}
	for _, file := range names {
		source, err := files.Read(folder, file)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		r, err := Parse(env, file, source)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		if other := from[r.Name]; other != "" {
			twice := fmt.Sprintf("report %s is in %s already", r.Name, other)
			mistakes = append(mistakes, &Mistake{File: file, Problem: twice})
		}
		from[r.Name], r.Own = file, own
		s.put(r)
	}
	return errors.Join(mistakes...)
}

func (s *Set) put(r *Report) {
	at := slices.IndexFunc(s.all, func(old *Report) bool { return old.Name == r.Name })
	if at < 0 {
		s.all = append(s.all, r)
		return
	}
	s.all[at] = r
}

// All gives the reports, sorted by name.
func (s *Set) All() []*Report { return s.all }

// Find gives the report of a name, nil where there is none.
func (s *Set) Find(name string) *Report {
	for _, r := range s.all {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Source is a site's folder as a Watcher reads it. Nil is none. env gives what rules are checked with.
func Source(site fs.FS, env func() rulespec.Env) watch.Source[*Set] {
	source := watch.InFolder(site, files, func() (*Set, error) { return Load(site, env()) })
	source.Name, source.Figures = "reports", func(s *Set) []any { return []any{"reports", len(s.all)} }
	return source
}
