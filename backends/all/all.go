// Package all is the list of media that are opened by configuration: nothing else names them.
package all

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/irc"
)

// Parts are what the media are made of besides their configuration. Every medium takes what it needs.
type Parts struct {
	Log    *slog.Logger
	Now    func() time.Time
	Random func() float64 // in [0, 1), for jitter; safe for concurrent use
	Manage string         // page where people change what they get; "" where there are no pages
}

// A Medium is a kind of backend and how to make one.
type Medium struct {
	Kind backends.Kind
	// Open makes the backend of its section of the configuration, which decode fills into the struct that it is given.
	// A nil Backend says that the section is empty: the medium is not used. Nothing is dialled yet; a backend that is a
	// backends.Runner must be run.
	Open func(decode func(into any) error, parts Parts) (backends.Backend, error)
}

// Media are those with a section in the configuration, by name. The desktop's feed has none: it is a part of the
// database, and cmd/notifyd makes it where it opens that.
func Media() []Medium {
	return []Medium{
		{email.Kind, openEmail},
		{irc.Kind, openIRC},
	}
}

// Kinds are the kinds of Media.
func Kinds() []backends.Kind {
	var kinds []backends.Kind
	for _, m := range Media() {
		kinds = append(kinds, m.Kind)
	}
	return kinds
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
