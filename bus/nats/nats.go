// Package nats receives messages from streams of NATS JetStream, as a durable consumer.
//
// A publisher sends a message to a subject, which is the topic. A stream is told which subjects it keeps, and for how
// long. A consumer is the server's record of how far somebody has read a stream, and of what he has not acknowledged; a
// durable one outlives its reader. So nothing is lost while nothing runs here, for as long as the stream keeps it
// (https://docs.nats.io/nats-concepts/jetstream/consumers). A pull consumer sends what was asked for and no more: while
// the database does not keep up, nothing is asked for.
//
// # From a message to a frame
//
// A body that is a whole envelope of fedmsg is the payload as it came. For any other the Source makes the JSON object
// that bus.Decode reads, as for AMQP: the subject is the topic, the header Nats-Msg-Id the id, the other headers the
// headers. A message without the header sent-at gets the time at which the stream has stored it, one without an id its
// number in the stream: the same, however often it comes. What is no message is terminated: JetStream does not send it
// again. NATS does not tell who has sent a message, so Frame.Publisher is empty.
//
// # At least once
//
// A message is acknowledged when its frame is done with, and not before. The server sends again what is not
// acknowledged within ack_wait; so while a frame waits for its commit the server is told that it is in progress. An
// acknowledgement belongs to the message and not to the connection: what is done with while there is no connection is
// acknowledged over the next one. What comes again while its frame still waits is not handed over twice; what comes
// again later the DedupWindow and the database know by its id.
//
// # A session
//
// Whatever ends is made anew as a whole: connection, stream, consumer, pull. The client library's own reconnect is off:
// it keeps a connection, but not a consumer that was deleted, or one whose leader died. A consumer that is made anew
// begins where the one before had come to. See guard for what the library does not bound.
package nats

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.nats.
type Config struct {
	// Servers are the streams to receive from, by name. The name becomes Frame.Source. Must be set; {} is none.
	Servers map[string]ServerConfig `yaml:"servers"`
}

// ServerConfig is one consumer of one stream. The zero value of a field means its default, except where the field says
// otherwise.
type ServerConfig struct {
	// URLs are nats://host:port, or tls. Of several, which are one cluster, any that answers is taken.
	URLs []string `yaml:"urls"`

	// Stream is the stream to read. Must be set.
	Stream string `yaml:"stream"`
	// Durable is the name of the consumer. Default notifyd. Two who say the same share the messages.
	Durable string `yaml:"durable"`
	// Subjects are the patterns of what is wanted: * is any one word, > the rest. None: all that the stream has. More
	// than one needs a server of 2.10 or later.
	Subjects []string `yaml:"subjects"`
	// Prefix is the words before each topic: bus makes the subject bus.a.b of the topic a.b.
	Prefix string `yaml:"prefix"`
	// Create says what is made where it is not there: consumer (the default), stream (both) or nothing.
	Create string `yaml:"create"`
	// Start is where a new consumer begins: all (the default) that the stream has, or new, with what comes.
	Start string `yaml:"start"`
	// MaxAge and Replicas are those of a stream that is made. Default 168h and 1.
	MaxAge   time.Duration `yaml:"max_age"`
	Replicas int           `yaml:"replicas"`
	// DeadLetter is the subject that gets a copy of what is no message. A stream of its last ones is made, unless Create
	// is nothing. "": no copy.
	DeadLetter string `yaml:"dead_letter"`

	// User and Password, Token, CredsFile and NkeyFile are ways to log in; at most one. CredsFile holds a JWT and its
	// seed, as nsc writes it, NkeyFile a seed; both are read at each connection.
	User      string `yaml:"user"`
	Password  string `yaml:"password" secret:"true"`
	Token     string `yaml:"token" secret:"true"`
	CredsFile string `yaml:"creds_file" secret:"false"`
	NkeyFile  string `yaml:"nkey_file" secret:"false"`
	// CAFile, CertFile and KeyFile are PEM files for TLS, read at each connection. Each makes TLS a must, as tls:// does.
	// Without CAFile the system's authorities are trusted.
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file" secret:"false"`
	// Inbox begins the subjects of answers, for a login that may not subscribe to all. Default _INBOX.
	Inbox string `yaml:"inbox"`

	// AckWait is the time after which the server sends a message again that nobody has said anything about, to this node
	// or to another. Default 10s.
	AckWait time.Duration `yaml:"ack_wait"`
	// MaxAckPending is how many messages may be on the way. Default 256.
	MaxAckPending int `yaml:"max_ack_pending"`
	// Silence is the time without a message after which that is said and the session made anew. Default 1h. Negative:
	// never.
	Silence time.Duration `yaml:"silence"`
	// Timeout bounds dialling and login, each answer of the server, one write, and the time without a sign of life.
	// Default 20s.
	Timeout time.Duration `yaml:"timeout"`
	// RetryMin and RetryMax bound the growing, jittered pause between attempts to connect. Default 1s and 1m.
	RetryMin time.Duration `yaml:"retry_min"`
	RetryMax time.Duration `yaml:"retry_max"`
}

// What Create and Start may be.
const (
	createConsumer = "consumer"
	createStream   = "stream"
	createNothing  = "nothing"
	startAll       = "all"
	startNew       = "new"
)

// Driver opens a Source by the configuration.
func Driver() bus.Driver {
	return bus.NewDriver("nats", "Consumes streams of NATS JetStream.", New)
}

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() {
	for name, s := range c.Servers {
		c.Servers[name] = s.withDefaults()
	}
}

func (c ServerConfig) withDefaults() ServerConfig {
	c.Durable = cmp.Or(c.Durable, "notifyd")
	c.Create = cmp.Or(c.Create, createConsumer)
	c.Start = cmp.Or(c.Start, startAll)
	c.Inbox = cmp.Or(c.Inbox, "_INBOX")
	c.MaxAge = cmp.Or(c.MaxAge, 7*24*time.Hour)
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.AckWait = cmp.Or(c.AckWait, 10*time.Second)
	c.MaxAckPending = cmp.Or(c.MaxAckPending, 256)
	c.Silence = cmp.Or(c.Silence, time.Hour)
	c.Timeout = cmp.Or(c.Timeout, 20*time.Second)
	c.RetryMin = cmp.Or(c.RetryMin, time.Second)
	c.RetryMax = cmp.Or(c.RetryMax, time.Minute)
	c.RetryMax = max(c.RetryMin, c.RetryMax)
	return c
}

// New checks c and makes a Source. An error names the key and what was expected.
func New(c Config, log *slog.Logger) (*Source, error) {
	if c.Servers == nil {
		return nil, fmt.Errorf("servers: names with urls and a stream were expected, or {} for none")
	}
	s := &Source{log: log}
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Servers)) {
		server, err := newServer(name, c.Servers[name].withDefaults(), log)
		if err != nil {
			return nil, fmt.Errorf("servers: %s: %w", name, err)
		}
		at := strings.Join([]string{server.address, server.config.Durable}, " ")
		if first := taken[at]; first != "" {
			return nil, fmt.Errorf("servers: %s: durable: %s reads as it already; each would get a part", name, first)
		}
		taken[at] = name
		s.servers = append(s.servers, server)
	}
	return s, nil
}
