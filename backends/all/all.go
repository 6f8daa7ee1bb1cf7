// Package all lists the drivers of every backend.
package all

import (
	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/desktop"
	"github.com/notifyd/notifyd/backends/email"
	"github.com/notifyd/notifyd/backends/irc"
)

// Drivers are those that a configuration may name, sorted by name.
func Drivers() []backends.Driver {
	return []backends.Driver{
		desktop.Driver(),
		email.Driver(),
		irc.Driver(),
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
