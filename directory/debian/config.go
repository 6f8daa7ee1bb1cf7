package debian

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// Settings is one source.
type Settings struct {
	URL      string        `yaml:"url"` // of a Sources index, plain, .gz or .xz
	Every    time.Duration `yaml:"every"`
	Within   time.Duration `yaml:"within"`    // how long one fetch may take
	MaxBytes int64         `yaml:"max_bytes"` // of the unpacked index
	AtLeast  int           `yaml:"at_least"`  // percent of the last good value
	// Teams has the groups that addresses stand for.
	Teams map[string]string `yaml:"teams"`
	// Orphaned has the addresses of maintainers that mean that there is none.
	Orphaned []string    `yaml:"orphaned"`
	Login    fetch.Login `yaml:"login"`
	TLS      fetch.TLS   `yaml:"tls"`
}

// Config is the section directory.debian: sources by name.
type Config map[string]Settings

// SetDefaults fills in what is not set.
func (c *Config) SetDefaults() {
	for name, s := range *c {
		s.Every = cmp.Or(s.Every, 6*time.Hour)
		s.Within = cmp.Or(s.Within, 10*time.Minute)
		s.MaxBytes = cmp.Or(s.MaxBytes, 256<<20)
		s.AtLeast = cmp.Or(s.AtLeast, 70)
		if s.Orphaned == nil {
			s.Orphaned = []string{"packages@qa.debian.org"}
		}
		(*c)[name] = s
	}
}

// Driver opens the sources of the section directory.debian.
func Driver() directory.Driver {
	return directory.Driver{
		Name: "debian",
		Doc:  "Maintainers and uploaders from the Sources index of a Debian archive.",
		Open: open,
	}
}

func open(decode func(any) error, _ *slog.Logger) (map[string]directory.Config, error) {
	var c Config
	if err := decode(&c); err != nil {
		return nil, err
	}
	opened := map[string]directory.Config{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c)) {
		s := c[name]
		source, err := New(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.%w", name, err))
			continue
		}
		opened[name] = directory.Config{Source: source, Every: s.Every, Within: s.Within,
			Shrink: float64(s.AtLeast) / 100}
	}
	return opened, errors.Join(errs...)
}
