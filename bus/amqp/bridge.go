package amqp

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/sessions"
	"github.com/notifyd/notifyd/internal/metric"
)

// A BridgeConfig is one bridge of the section bus.to_amqp. The zero value of a field means its default, except where
// the field says otherwise.
type BridgeConfig struct {
	// URL, CAFile, CertFile and KeyFile are as in BrokerConfig.
	URL      string `yaml:"url" secret:"true"`
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
	// Exchange is where messages are published to. It must be there. Default amq.topic.
	Exchange string `yaml:"exchange"`
	// Mandatory says that a message which no queue takes is tried again, and those behind it wait.
	Mandatory bool `yaml:"mandatory"`
	// Topics, NotFrom, Unproved and LiveOnly are as in bus.Choice.
	Topics   []string `yaml:"topics"`
	NotFrom  []string `yaml:"not_from"`
	Unproved bool     `yaml:"unproved"`
	LiveOnly bool     `yaml:"live_only"`
	// Timeout bounds dialling and login, one write, and the wait for the next confirmation. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
	// Heartbeat is as in BrokerConfig.
	Heartbeat time.Duration `yaml:"heartbeat"`
	// RetryMin and RetryMax bound the growing, jittered pause after a failure. Default 1s and 1m.
	RetryMin time.Duration `yaml:"retry_min"`
	RetryMax time.Duration `yaml:"retry_max"`
}

// Bridges is the section bus.to_amqp: bridges by name.
type Bridges map[string]BridgeConfig

// SetDefaults fills in what zero values stand for.
func (c Bridges) SetDefaults() {
	for name, b := range c {
		c[name] = b.withDefaults()
	}
}

func (c BridgeConfig) withDefaults() BridgeConfig {
	b := c.broker().withDefaults()
	c.Exchange, c.Timeout, c.Heartbeat, c.RetryMin, c.RetryMax = b.Exchange, b.Timeout, b.Heartbeat, b.RetryMin, b.RetryMax
	return c
}

// broker gives what a bridge says as a source says it.
func (c BridgeConfig) broker() BrokerConfig {
	return BrokerConfig{
		URL: c.URL, CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, Exchange: c.Exchange, Topics: c.Topics,
		Timeout: c.Timeout, Heartbeat: c.Heartbeat, RetryMin: c.RetryMin, RetryMax: c.RetryMax,
	}
}

// BridgeDriver opens bridges by the configuration.
func BridgeDriver() bus.BridgeDriver {
	return bus.NewBridgeDriver[Bridges]("to_amqp",
		"Publishes what is stored to an exchange of an AMQP broker, in the form of fedora-messaging.", openBridge)
}

func openBridge(name string, c BridgeConfig, log *slog.Logger) (bus.OpenBridge, error) {
	b, err := NewBridge(name, c, log)
	if err != nil {
		return bus.OpenBridge{}, err
	}
	c, place := b.config, b.address.String()
	return bus.OpenBridge{Name: name, To: place + " " + c.Exchange, Place: place, Bridge: b, Choice: bus.Choice{
		Topics: c.Topics, NotFrom: c.NotFrom, Unproved: c.Unproved, LiveOnly: c.LiveOnly, NotBridged: true,
		RetryMin: c.RetryMin, RetryMax: c.RetryMax,
	}}, nil
}

// A Bridge publishes to an exchange. What it calls done the broker has confirmed (publisher confirms,
// https://www.rabbitmq.com/docs/confirms): it is in every queue that wants it, and on disk where that is durable.
type Bridge struct {
	config  BridgeConfig
	name    string
	address address
	log     *slog.Logger
	out     *outbound // nil: not connected

	shortSaid string // why the broker takes no messages, as it was logged last
}

// NewBridge checks c and makes a Bridge. An error names the key and what was expected.
func NewBridge(name string, c BridgeConfig, log *slog.Logger) (*Bridge, error) {
	c = c.withDefaults()
	a, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	where := c.broker().withDefaults()
	if err := where.check(); err != nil {
		return nil, err
	}
	if _, err := where.tlsConfig(a); err != nil {
		return nil, err
	}
	return &Bridge{config: c, name: name, address: a, log: log.With("bridge", name, "address", a.String())}, nil
}

// Carry publishes loads, and waits until the broker has confirmed them: see bus.Bridge.
func (b *Bridge) Carry(ctx context.Context, loads []bus.Load) (done int, refused []bus.Refused, err error) {
	defer func() { // the library's own goroutines are not ours to catch; its calls are
		if p := recover(); p != nil {
			err = sessions.Fail(FailedPanic, fmt.Errorf("client library: %v", p))
		}
		if err != nil && b.out != nil {
			b.out.end()
			b.out = nil
		}
	}()
	if b.out == nil || b.out.conn.IsClosed() {
		if b.out != nil {
			b.out.end()
			b.out = nil
		}
		if b.out, err = b.connect(ctx); err != nil {
			return 0, nil, err
		}
	}
	return b.out.carry(ctx, loads)
}

// Close ends the connection.
func (b *Bridge) Close() error {
	if b.out != nil {
		b.out.end()
	}
	return nil
}

// Collect emits nothing: what every bridge counts says it all.
func (b *Bridge) Collect(metric.Emit) {}
