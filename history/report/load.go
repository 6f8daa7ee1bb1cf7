package report

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/internal/watch"
	"github.com/notifyd/notifyd/rulespec"
)

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
	files, err := reportFiles(folder)
	if err != nil {
		return err
	}
	var mistakes []error
	from := map[string]string{}
	for _, file := range files {
		source, err := read(folder, file)
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

// reportFiles lists the files of a folder that are reports, sorted: *.yaml and *.yml that are not hidden.
func reportFiles(folder fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("read folder of reports: %w", err)
	}
	var names []string
	for _, e := range entries {
		ext := path.Ext(e.Name())
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && (ext == ".yaml" || ext == ".yml") {
			names = append(names, e.Name())
		}
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("the folder of reports has %d files; at most %d", len(names), maxFiles)
	}
	return names, nil
}

// read reads a file of a report, no more of it than a report may have. Who opens a pipe waits, and a device has no end.
func read(folder fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return nil, fmt.Errorf("look at report: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Mistake{File: name, Problem: "it is no regular file"}
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// Source is a site's folder as a Watcher reads it. Nil is none. env gives what rules are checked with.
func Source(site fs.FS, env func() rulespec.Env) watch.Source[*Set] {
	source := watch.Source[*Set]{
		Name: "reports",
		Read: func() (watch.Content[*Set], error) {
			sum, err := sumOf(site)
			return watch.Content[*Set]{Sum: sum, Make: func() (*Set, error) { return Load(site, env()) }}, err
		},
		Figures: func(s *Set) []any { return []any{"reports", len(s.all)} },
	}
	if site != nil {
		source.Look = func() ([]fs.FileInfo, error) { return infos(site) }
	}
	return source
}

// infos gives how the files look from outside.
func infos(site fs.FS) (all []fs.FileInfo, err error) {
	names, err := reportFiles(site)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		info, err := fs.Stat(site, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was removed just now; the next look sees it
		}
		if err != nil {
			return nil, fmt.Errorf("look at report: %w", err)
		}
		all = append(all, info)
	}
	return all, nil
}

// sumOf gives the sum of the names and bytes of the files.
func sumOf(site fs.FS) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	if site == nil {
		return [sha256.Size]byte(h.Sum(nil)), nil
	}
	names, err := reportFiles(site)
	if err != nil {
		return sum, err
	}
	for _, name := range names {
		data, err := read(site, name)
		if err != nil {
			return sum, err
		}
		fmt.Fprintf(h, "%q %d\n", name, len(data))
		h.Write(data)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
