// Package all is the list of backends that are opened by configuration: nothing else names them.
package all

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/irc"
)

// Parts are what backends are made of besides their configuration. Every backend takes what it needs.
type Parts struct {
	Log    *slog.Logger
	Now    func() time.Time
	Random func() float64 // in [0, 1), for jitter; safe for concurrent use
	Manage string         // page where people change what they get; "" where there are no pages
}

// A Driver is what is known of a backend, and how to open it.
type Driver struct {
	Info backends.Info
	// Open makes the backend of its section of the configuration, which decode fills into the struct that it is given.
	// A nil Backend says that the section is empty: the backend is not used. Nothing is dialled yet; a backend that is a
	// backends.Runner must be run.
	Open func(decode func(into any) error, parts Parts) (backends.Backend, error)
}

// Drivers are the backends with a section in the configuration, by name. The desktop's feed has none: it is a part of the
// database, and cmd/notifyd makes it where it opens that.
func Drivers() []Driver {
	return []Driver{
		{email.Info, openEmail},
		{irc.Info, openIRC},
	}
}

// Infos are the Infos of Drivers.
func Infos() []backends.Info {
	var infos []backends.Info
	for _, d := range Drivers() {
		infos = append(infos, d.Info)
	}
	return infos
}

func openEmail(decode func(any) error, parts Parts) (backends.Backend, error) {
	var c email.Config
	if err := decode(&c); err != nil {
		return nil, err
	}
	if c == (email.Config{}) {
		return nil, nil
	}
	b, err := email.New(c, parts.Log, parts.Now)
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	return b, nil
}

func openIRC(decode func(any) error, parts Parts) (backends.Backend, error) {
	var c irc.Config
	if err := decode(&c); err != nil {
		return nil, err
	}
	if len(c.Networks) == 0 {
		return nil, nil
	}
	if c.Manage == "" {
		c.Manage = parts.Manage
	}
	b, err := irc.New(c, parts.Log, parts.Random)
	if err != nil {
		return nil, fmt.Errorf("irc: %w", err)
	}
	return b, nil
}
