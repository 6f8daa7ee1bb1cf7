package debian

import (
	"cmp"
	"log/slog"
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

func (s Settings) pace() directory.Pace {
	return directory.Pace{Every: s.Every, Within: s.Within, AtLeast: s.AtLeast}
}

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
	return directory.OpenEach[Config](decode, func(s Settings) (directory.Config, error) {
		source, err := New(s)
		return s.pace().Of(source), err
	})
}
