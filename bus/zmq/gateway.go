package zmq

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// GatewayConfig is the section bus.gateway. The zero value of a field means its default, except where the field says
// otherwise.
type GatewayConfig struct {
	// Listen is where subscribers connect, such as tcp://0.0.0.0:9940. It must be set.
	Listen string `yaml:"listen"`
	// Late hands on what came late too, to fill a hole: subscribers cannot tell it from what is new.
	Late bool `yaml:"late"`
	// Bridge hands on only what did not come over ZeroMQ, as fedmsg-migration-tools' amqp-to-zmq does: for subscribers who
	// connect to the publishers there too. Without it everything is handed on.
	Bridge bool `yaml:"bridge"`
	// Sign signs what came in another form than fedmsg's, once it is in that form: see bus.ToFedmsg. What the policy marks
	// is not signed.
	Sign bool `yaml:"sign"`
	// Queue is how many messages a subscriber may be behind, PeerBytes how many bytes, and TotalBytes how many bytes all
	// may be together. Defaults 10000, 16 MiB and 256 MiB.
	Queue      int   `yaml:"queue"`
	PeerBytes  int64 `yaml:"peer_bytes"`
	TotalBytes int64 `yaml:"total_bytes"`
	// Peers is how many subscribers there may be at once, of one host half as many. Default 2000.
	Peers int `yaml:"peers"`
	// Prefixes is how many subscriptions one may make. Default 1000.
	Prefixes int `yaml:"prefixes"`
	// Timeout is for the handshake. Default 10s.
	Timeout time.Duration `yaml:"timeout"`
	// Stall is how long a subscriber may take nothing before it is cut off. Default 10m.
	Stall time.Duration `yaml:"stall"`
}

// SetDefaults fills in what zero values stand for.
func (c *GatewayConfig) SetDefaults() {
	c.Queue = zeroDefault(c.Queue, 10_000)
	c.PeerBytes = zeroDefault(c.PeerBytes, 16<<20)
	c.TotalBytes = zeroDefault(c.TotalBytes, 256<<20)
	c.Peers = zeroDefault(c.Peers, 2000)
	c.Prefixes = zeroDefault(c.Prefixes, 1000)
	c.Timeout = zeroDefault(c.Timeout, 10*time.Second)
	c.Stall = zeroDefault(c.Stall, 10*time.Minute)
}

// zeroDefault leaves a negative value as it is, for check to refuse.
func zeroDefault[T int | int64 | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

func (c GatewayConfig) check() error {
	for _, bound := range []struct {
		key         string
		value, from int64
		to          int64
	}{
		{"queue", int64(c.Queue), 1, 1 << 20}, {"peer_bytes", c.PeerBytes, 1 << 10, 1 << 30},
		{"total_bytes", c.TotalBytes, 1 << 20, 64 << 30}, {"peers", int64(c.Peers), 1, 100_000},
		{"prefixes", int64(c.Prefixes), 1, 10_000},
	} {
		if bound.value < bound.from || bound.value > bound.to {
			return fmt.Errorf("%s: %d; between %d and %d", bound.key, bound.value, bound.from, bound.to)
		}
	}
	switch {
	case c.Timeout < 10*time.Millisecond || c.Timeout > time.Hour:
		return fmt.Errorf("timeout: %v; between 10ms and 1h", c.Timeout)
	case c.Stall < 10*time.Millisecond || c.Stall > 24*time.Hour:
		return fmt.Errorf("stall: %v; between 10ms and 24h", c.Stall)
	}
	return nil
}

func (c GatewayConfig) publisher() PublisherConfig {
	return PublisherConfig{
		Queue: c.Queue, Bytes: c.PeerBytes, Total: c.TotalBytes, Peers: c.Peers, Prefixes: c.Prefixes, Timeout: c.Timeout,
		Stall: c.Stall,
	}
}

// A Gateway hands on to subscribers that connect to it, as fedmsg-gateway does.
type Gateway struct {
	*outlet
	late, bridge, sign bool
}

// NewGateway checks c and makes a Gateway. An error names the key and what was expected.
func NewGateway(c GatewayConfig, log *slog.Logger) (*Gateway, error) {
	c.SetDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	o, err := newOutlet("gateway", c.Listen, c.publisher(), log)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &Gateway{outlet: o, late: c.Late, bridge: c.Bridge, sign: c.Sign}, nil
}

// Wants reports whether f came live: a Gateway is bus.Choosy.
func (g *Gateway) Wants(f bus.Frame) bool { return g.late || !f.Late }

// Signs and Bridges say what the configuration does: a Gateway is a bus.FedmsgOutlet.
func (g *Gateway) Signs() bool { return g.sign }

// Bridges is described at Signs.
func (g *Gateway) Bridges() bool { return g.bridge }

// GatewayDriver opens a Gateway by the configuration.
func GatewayDriver() bus.OutletDriver {
	return bus.NewOutletDriver("gateway",
		"Hands every message on to subscribers that connect, over ZeroMQ, as fedmsg-gateway does.", NewGateway)
}
