// Package all lists every kind of bus. Nothing else names them.
package all

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/zmq"
)

// Kinds are the kinds of source that a configuration may name, sorted by name.
func Kinds() []bus.Kind {
	return []bus.Kind{
		zmq.Kind(),
	}
}
