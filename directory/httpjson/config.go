// Package httpjson reads the directory from JSON on web servers: lists of who owns what, account systems, and whatever
// a site can describe by expressions.
//
//	directory:
//	  http:
//	    dist-git:
//	      shape: pagure_owner_alias
//	      url: https://src.fedoraproject.org/extras/pagure_owner_alias.json
//	    accounts:
//	      shape: fasjson-users
//	      url: https://fasjson.fedoraproject.org/v1/users/
//	      login: {token_file: /etc/notifyd/fasjson.token} # of a proxy that speaks Kerberos for us
//
// A shape says what the JSON looks like. Those that are built in are listed in shapes.go; the shape "map" is for all
// others, and says by expressions (expr-lang.org) where names and lists are:
//
//	shape: map
//	pages: next
//	next: body.pagination.next
//	map:
//	  rows: body.projects
//	  package: {name: row.name, owners: row.maintainers, role: '"owner"'}
//
// Names of packages: "rpms/bash" of a list with namespaces is the package bash, as messages call it, and any other
// namespace stays a part of the name, as in container/bash. The key namespaces says otherwise. So two namespaces never
// meet in one name by accident.
package httpjson

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/directory"
	"github.com/notifyd/notifyd/directory/fetch"
)

// Settings is one source.
type Settings struct {
	Shape    string        `yaml:"shape"`
	URL      string        `yaml:"url"`
	Every    time.Duration `yaml:"every"`
	Within   time.Duration `yaml:"within"`    // how long one fetch may take, with all its pages
	MaxBytes int64         `yaml:"max_bytes"` // of each unpacked answer
	AtLeast  int           `yaml:"at_least"`  // percent of the last good value
	Login    fetch.Login   `yaml:"login"`
	TLS      fetch.TLS     `yaml:"tls"`
	Role     string        `yaml:"role"` // of owners, where the shape has none
	// Namespaces has what stands before the name of a package, by its namespace.
	Namespaces map[string]string `yaml:"namespaces"`
	Servers    map[string]string `yaml:"servers"` // of nicks without one, by protocol: irc, matrix
	Groups     []string          `yaml:"groups"`  // fasjson-groups: those to ask for; * in one is any text
	PageSize   int               `yaml:"page_size"`
	Pages      string            `yaml:"pages"` // none, numbers, next or link
	Next       string            `yaml:"next"`  // expression: the URL of the next page
	Map        Mapping           `yaml:"map"`
}

// Config is the section directory.http: sources by name.
type Config map[string]Settings

func (s Settings) pace() directory.Pace {
	return directory.Pace{Every: s.Every, Within: s.Within, AtLeast: s.AtLeast}
}

// SetDefaults fills in what is not set.
func (c *Config) SetDefaults() {
	for name, s := range *c {
		s.Every = cmp.Or(s.Every, time.Hour)
		s.Within = cmp.Or(s.Within, 5*time.Minute)
		s.MaxBytes = cmp.Or(s.MaxBytes, 16<<20)
		s.AtLeast = cmp.Or(s.AtLeast, 70)
		if shape, ok := shapes[s.Shape]; ok {
			s.Role = cmp.Or(s.Role, shape.role)
			s.Pages = cmp.Or(s.Pages, shape.pages)
		}
		if s.Pages == pagesByNumber {
			s.PageSize = cmp.Or(s.PageSize, 500)
		}
		(*c)[name] = s
	}
}

// Driver opens the sources of the section directory.http.
func Driver() directory.Driver {
	return directory.Driver{
		Name: "http",
		Doc:  "JSON on web servers: lists of owners, FASJSON, and what expressions describe.",
		Open: open,
	}
}

func open(decode func(any) error, _ *slog.Logger) (map[string]directory.Config, error) {
	return directory.OpenEach[Config](decode, func(s Settings) (directory.Config, error) {
		source, err := New(s)
		return s.pace().Of(source), err
	})
}

// The ways to more pages.
const (
	pagesNone     = "none"
	pagesByNumber = "numbers"
	pagesByNext   = "next"
	pagesByLink   = "link"
)

// check returns an error that begins with the key that is wrong.
func (s Settings) check() error {
	if _, known := shapes[s.Shape]; !known {
		return fmt.Errorf("shape: %q; one of %s was expected", s.Shape, strings.Join(slices.Sorted(maps.Keys(shapes)), ", "))
	}
	if err := s.pace().Check(time.Minute, time.Hour); err != nil {
		return err
	}
	ways := []string{pagesNone, pagesByNumber, pagesByNext, pagesByLink}
	switch {
	case s.MaxBytes < 1<<10 || s.MaxBytes > 256<<20:
		return fmt.Errorf("max_bytes: %d; between 1 KiB and 256 MiB was expected", s.MaxBytes)
	case s.PageSize < 0 || s.PageSize > 100_000:
		return fmt.Errorf("page_size: %d; at most 100000 was expected", s.PageSize)
	case !slices.Contains(ways, s.Pages):
		return fmt.Errorf("pages: %q; one of %s was expected", s.Pages, strings.Join(ways, ", "))
	case (s.Pages == pagesByNext) != (s.Next != ""):
		return errors.New("next: it was expected with pages: next, and only there")
	}
	for protocol := range s.Servers {
		if protocol != directory.IRC && protocol != directory.Matrix {
			return fmt.Errorf("servers: %q; irc or matrix was expected", protocol)
		}
	}
	return nil
}
