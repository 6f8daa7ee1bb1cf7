// Package all lists the drivers of every kind of bus: those that receive, those that hand on, and bridges.
package all

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/amqp"
	"github.com/notifyd/notifyd/bus/http"
	"github.com/notifyd/notifyd/bus/http/bridge"
	"github.com/notifyd/notifyd/bus/lines"
	"github.com/notifyd/notifyd/bus/nats"
	"github.com/notifyd/notifyd/bus/zmq"
)

// Drivers are those that a configuration may name, sorted by name.
func Drivers() []bus.Driver {
	return []bus.Driver{
		amqp.Driver(),
		http.Driver(),
		lines.Driver(),
		nats.Driver(),
		zmq.RelayDriver(),
		zmq.Driver(),
	}
}

// Outlets are those that hand on, sorted by name.
func Outlets() []bus.OutletDriver {
	return []bus.OutletDriver{
		zmq.GatewayDriver(),
	}
}

// Bridges are those that lead to another bus, sorted by name.
func Bridges() []bus.BridgeDriver {
	return []bus.BridgeDriver{
		amqp.BridgeDriver(),
		bridge.Driver(),
	}
}
