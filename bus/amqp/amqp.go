// Package amqp receives messages from AMQP 0-9-1 brokers: fedora-messaging's and openSUSE's buses over RabbitMQ.
//
// A publisher sends a message to an exchange, under a routing key, which is the topic. A queue that is bound to the
// exchange by a pattern of topics gets a copy, and keeps it until its consumer has acknowledged it. So nothing is lost
// while nothing runs here, if the queue has a name: then it is durable, and belongs to nobody. A queue without a name
// is made by the broker for one connection and ends with it (https://www.rabbitmq.com/docs/queues).
//
// # From a delivery to a frame
//
// The bus has no envelope: id, headers and priority stand beside the body. A Source makes the JSON object of them that
// bus.Decode reads, in the form in which fedora-messaging records messages: topic, id, headers, priority, body. What
// bus.Decode calls malformed is no message, and nothing will make it one: it is rejected, and the broker moves it to
// the dead-letter exchange of the queue, where there is one, or drops it.
//
// # At least once
//
// A delivery is acknowledged when its frame is done with, and not before. At most Prefetch of them are on the way,
// which is how the broker is made to wait. What was not acknowledged when a connection ends, the broker delivers again;
// the DedupWindow and the database know it by its id. The client library puts what comes into a queue without bounds:
// see guard, which bounds it in bytes.
//
// # A session
//
// Whatever ends is made anew as a whole: connection, channel, queue, bindings, consumer. A channel is finished after
// any exception, a queue that is deleted cancels its consumer and leaves the channel open, and a consumer may be silent
// although all seems well (fedora-messaging issues 208, 221, 574). So a session ends by the first sign of any of these,
// and by silence.
package amqp

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.amqp.
type Config struct {
	// Brokers are the queues to receive from, by name. The name becomes Frame.Source. Must be set; {} is none.
	Brokers map[string]BrokerConfig `yaml:"brokers"`
}

// BrokerConfig is one queue at one broker. The zero value of a field means its default, except where the field says
// otherwise.
type BrokerConfig struct {
	// URL is amqp://user:password@host:port/vhost, or amqps for TLS. In user, password and vhost special characters are
	// percent-encoded: the vhost /public is %2Fpublic.
	URL string `yaml:"url" secret:"true"`
	// CAFile, CertFile and KeyFile are PEM files for TLS, read at each connection. Without CAFile the system's
	// authorities are trusted. A certificate without a password in URL is itself the login (SASL EXTERNAL).
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
	// Exchange is where publishers send to. It must be there. Default amq.topic.
	Exchange string `yaml:"exchange"`
	// Topics are the patterns by which the queue is bound: * is any one word, # any number. None: everything, or what
	// a Passive queue is bound to.
	Topics []string `yaml:"topics"`
	// Queue is the name of a durable queue. "": the broker makes one for each connection, and what is sent in between is
	// lost.
	Queue string `yaml:"queue"`
	// Passive says that the queue is there, made by somebody else. Only Topics are bound to it.
	Passive bool `yaml:"passive"`
	// QueueType is classic or quorum. "": as the broker has it.
	QueueType string `yaml:"queue_type"`
	// Arguments are others of the queue, such as x-expires. A number is sent as a number, true and false as such.
	Arguments map[string]string `yaml:"arguments"`
	// DeadLetter is the exchange that gets what is no message. It is made, with a queue of this name that keeps the last
	// ones, unless Passive. "": such messages are dropped.
	DeadLetter string `yaml:"dead_letter"`
	// Prefetch is how many messages may be on the way. Default 64.
	Prefetch int `yaml:"prefetch"`
	// Heartbeat is the silence after which a sign of life is sent; the broker may want it shorter. After two or
	// three without one RabbitMQ gives the messages of a node that is cut off to another. Default 4s.
	Heartbeat time.Duration `yaml:"heartbeat"`
	// Silence is the time without a message after which that is said and the session made anew. Default 1h. Negative:
	// never.
	Silence time.Duration `yaml:"silence"`
	// Timeout bounds dialling and login, the making of queue and bindings, and one write. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
	// RetryMin and RetryMax bound the growing, jittered pause between attempts to connect. Default 1s and 1m.
	RetryMin time.Duration `yaml:"retry_min"`
	RetryMax time.Duration `yaml:"retry_max"`
}

// Driver opens a Source by the configuration.
func Driver() bus.Driver {
	return bus.NewDriver("amqp",
		"Consumes queues of AMQP brokers such as RabbitMQ: fedora-messaging and openSUSE's bus.", New)
}

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() {
	for name, b := range c.Brokers {
		c.Brokers[name] = b.withDefaults()
	}
}

func (c BrokerConfig) withDefaults() BrokerConfig {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Heartbeat, 4*time.Second)
	set(&c.Silence, time.Hour)
	set(&c.Timeout, 30*time.Second)
	set(&c.RetryMin, time.Second)
	set(&c.RetryMax, time.Minute)
	c.RetryMax = max(c.RetryMin, c.RetryMax)
	if c.Exchange == "" {
		c.Exchange = "amq.topic"
	}
	if c.Prefetch == 0 {
		c.Prefetch = 64
	}
	return c
}

// New checks c and makes a Source. An error names the key and what was expected.
func New(c Config, log *slog.Logger) (*Source, error) {
	if c.Brokers == nil {
		return nil, fmt.Errorf("brokers: names with a url were expected, or {} for none")
	}
	s := &Source{log: log}
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Brokers)) {
		b, err := newBroker(name, c.Brokers[name].withDefaults(), log)
		if err != nil {
			return nil, fmt.Errorf("brokers: %s: %w", name, err)
		}
		if at := b.address.String() + " " + b.config.Queue; b.config.Queue != "" {
			if first := taken[at]; first != "" {
				return nil, fmt.Errorf("brokers: %s: queue: %s consumes it already; each would get a part", name, first)
			}
			taken[at] = name
		}
		s.brokers = append(s.brokers, b)
	}
	return s, nil
}
