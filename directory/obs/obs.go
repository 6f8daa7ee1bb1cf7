// Package obs reads who maintains which package from an Open Build Service, as build.opensuse.org is one.
//
//	directory:
//	  obs:
//	    opensuse:
//	      url: https://api.opensuse.org
//	      login: {user: notifyd, password_file: /etc/notifyd/obs-password}
//	      projects: [openSUSE:Factory]
//
// A package of a project names the project where it is developed (devel), and there stand the people who maintain it.
// So a fetch asks for all packages of a project at once, then for those of each project of development, and for the
// members of the groups that were met: some hundred questions, one after the other.
//
// Who holds a role is said by the package where it is developed, else by the project there, else by the package and the
// project that were asked for. The roles are bugowner, who answers for bugs, and maintainer; a reviewer, a reader and a
// downloader own nothing. The interface is described in the "openSUSE Build Service API" (build.opensuse.org/apidocs).
package obs

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// Settings is one source.
type Settings struct {
	URL      string        `yaml:"url"`
	Projects []string      `yaml:"projects"`
	Every    time.Duration `yaml:"every"`
	Within   time.Duration `yaml:"within"`    // how long one fetch may take, with all its questions
	MaxBytes int64         `yaml:"max_bytes"` // of each unpacked answer
	AtLeast  int           `yaml:"at_least"`  // percent of the last good value
	Login    fetch.Login   `yaml:"login"`
	TLS      fetch.TLS     `yaml:"tls"`
}

// Config is the section directory.obs: sources by name.
type Config map[string]Settings

func (s Settings) pace() directory.Pace {
	return directory.Pace{Every: s.Every, Within: s.Within, AtLeast: s.AtLeast}
}

// SetDefaults fills in what is not set.
func (c *Config) SetDefaults() {
	for name, s := range *c {
		s.Every = cmp.Or(s.Every, 6*time.Hour)
		s.Within = cmp.Or(s.Within, 30*time.Minute)
		s.MaxBytes = cmp.Or(s.MaxBytes, 32<<20)
		s.AtLeast = cmp.Or(s.AtLeast, 70)
		(*c)[name] = s
	}
}

// Driver opens the sources of the section directory.obs.
func Driver() directory.Driver {
	return directory.Driver{Name: "obs", Doc: "Maintainers and groups of an Open Build Service.", Open: open}
}

func open(decode func(any) error, _ *slog.Logger) (map[string]directory.Config, error) {
	return directory.OpenEach[Config](decode, func(s Settings) (directory.Config, error) {
		source, err := New(s)
		return s.pace().Of(source), err
	})
}

// projectName is what a project, a package or a group may be called. It stands in paths and in XPath, so nothing else
// gets there.
var projectName = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.:+-]{0,199}$`)

// New opens a source. It connects to nothing.
func New(s Settings) (directory.Source, error) {
	switch {
	case len(s.Projects) == 0:
		return nil, errors.New("projects: is missing, such as [openSUSE:Factory]")
	case s.MaxBytes < 1<<10 || s.MaxBytes > 256<<20:
		return nil, fmt.Errorf("max_bytes: %d; between 1 KiB and 256 MiB was expected", s.MaxBytes)
	}
	if err := s.pace().Check(time.Minute, 2*time.Hour); err != nil {
		return nil, err
	}
	for _, p := range s.Projects {
		if !projectName.MatchString(p) {
			return nil, fmt.Errorf("projects: %q is no name of a project", p)
		}
	}
	client, err := fetch.Open(fetch.Settings{URL: s.URL, Login: s.Login, TLS: s.TLS, MaxBytes: s.MaxBytes})
	if err != nil {
		return nil, err
	}
	return &source{projects: s.Projects, client: client}, nil
}
