package catalogue

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/notifyd/notifyd/internal/watch"
)

//go:embed apps/*.yaml
var embedded embed.FS

// maxFiles bounds the files of a site's folder.
const maxFiles = 1000

// files are those of a folder of a catalogue.
var files = watch.Files{Of: "the catalogue", Most: maxFiles, Bytes: maxFile}

// Embedded gives the catalogue that is part of the program.
func Embedded() (*Catalogue, error) { return Load(nil) }

// Load gives the embedded catalogue with the folders of sites over it, the later over the earlier. Their *.yaml files
// add applications and entries, or override them by name and kind. A nil site is none. The error joins every *Mistake.
func Load(sites ...fs.FS) (*Catalogue, error) {
	sources, mistakes := readAll(sites)
	c, more := build(sources)
	if mistakes = append(mistakes, more...); len(mistakes) > 0 {
		return nil, errors.Join(unique(mistakes)...)
	}
	return c, nil
}

// unique drops mistakes that were found twice, and those after the first hundred.
func unique(mistakes []error) []error {
	seen := map[string]bool{}
	var kept []error
	for _, m := range mistakes {
		if !seen[m.Error()] && len(kept) < 100 {
			kept = append(kept, m)
		}
		seen[m.Error()] = true
	}
	return kept
}

// builtIn holds the embedded applications. They are read and compiled once for all catalogues, because a site's folder
// changes few of them.
var builtIn = sync.OnceValue(func() (b struct {
	sources  []*appSource
	apps     map[*appSource]*app
	mistakes []error
}) {
	own, err := fs.Sub(embedded, "apps")
	if err != nil {
		b.mistakes = []error{fmt.Errorf("open embedded catalogue: %w", err)}
		return b
	}
	b.sources, b.mistakes = readFolder(own, true)
	b.apps = map[*appSource]*app{}
	var compiler compiler
	for _, s := range b.sources {
		b.apps[s] = compiler.app(s)
	}
	b.mistakes = append(b.mistakes, compiler.mistakes...)
	return b
})

// readAll reads the sources of all applications, the site's over the embedded ones.
func readAll(sites []fs.FS) ([]*appSource, []error) {
	sources, mistakes := slices.Clone(builtIn().sources), slices.Clone(builtIn().mistakes)
	for _, site := range sites {
		if site == nil {
			continue
		}
		over, more := readFolder(site, false)
		mistakes = append(mistakes, more...)
		for _, s := range over {
			sources = put(sources, s)
		}
	}
	sources, more := likened(sources)
	return sources, append(mistakes, more...)
}

func put(sources []*appSource, s *appSource) []*appSource {
	for i, old := range sources {
		if old.name.text == s.name.text {
			sources[i] = old.overridden(s)
			return sources
		}
	}
	return append(sources, s)
}

func readFolder(folder fs.FS, embedded bool) (sources []*appSource, mistakes []error) {
	names, err := files.Names(folder)
	if err != nil {
		return nil, []error{err}
	}
	for _, name := range names {
		data, err := files.Read(folder, name)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		s, more := readApp(name, data, embedded)
		mistakes = append(mistakes, more...)
		if s != nil {
			sources = append(sources, s)
		}
	}
	return sources, append(mistakes, twice(sources)...)
}

// twice finds applications and kinds that are there more than once among sources of the same folder.
func twice(sources []*appSource) []error {
	var mistakes []error
	apps, kinds := map[string]position{}, map[string]position{}
	for _, s := range sources {
		if old, ok := apps[s.name.text]; ok {
			mistakes = append(mistakes, s.name.at.mistake("application %s is in %s already", s.name.text, old.file))
		}
		apps[s.name.text] = s.name.at
		for _, e := range s.entries {
			if old, ok := kinds[e.kind()]; ok {
				mistakes = append(mistakes,
					e.one("kind").at.mistake("kind %s is there already, at %s:%d", e.kind(), old.file, old.Line))
			}
			kinds[e.kind()] = e.at
		}
	}
	return mistakes
}

// build compiles sources.
func build(sources []*appSource) (*Catalogue, []error) {
	compiler := &compiler{mistakes: twice(sources)}
	c := &Catalogue{failures: make(map[*app][]atomic.Uint64, len(sources)),
		left: make(map[*app]*[2]atomic.Uint64, len(sources))}
	slices.SortFunc(sources, func(a, b *appSource) int { return strings.Compare(a.name.text, b.name.text) })
	for _, s := range sources {
		a := builtIn().apps[s]
		if a == nil {
			a = compiler.app(s)
		}
		for _, root := range s.roots {
			c.roots = append(c.roots, root.text)
		}
		c.failures[a] = make([]atomic.Uint64, a.fields)
		c.left[a] = &[2]atomic.Uint64{}
		c.apps = append(c.apps, a)
		for _, e := range a.entries {
			for _, p := range e.patterns {
				c.tree.Add(p, e)
			}
		}
	}
	return c, compiler.mistakes
}
