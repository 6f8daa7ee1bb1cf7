// Package zmq receives frames from fedmsg's ZeroMQ sockets and publishes to them.
//
// fedmsg uses the PUB-SUB pattern (ZeroMQ RFC 29) over ZMTP 3.0 (RFC 23) with the NULL mechanism, that is, without
// authentication. A message has two parts, the topic and the payload. A subscription is a prefix of topics. PUB-SUB
// knows no acknowledgement, and what is sent while a Source is not connected is lost. But a Source that has no room
// reads no more, and then TCP holds the messages back: they wait in the publisher, up to its high-water mark, which
// fedmsg has set to none.
//
// Of go-zeromq only the codec is used. Dialling, listening, bounds, deadlines and heartbeats (RFC 37) are ours, since
// that library's sockets stop for ever, or end the process, when a peer wants it: see zmtpConn, which is between the
// network and the codec.
//
// Publishers that keep what they send can be asked for what was missed, over REQ-REP (RFC 28), and so can we: see
// replayClient and replayServer, fedmsg's replay.
//
// A Source subscribes to publishers that listen; a Listener lets publishers connect. A Publisher publishes, as a daemon
// that binds or through a relay. A Gateway hands on by one what the daemon receives; a Relay is both, Listeners and
// Publishers.
package zmq

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.zmq. The zero value of a field means its default, except where the field says otherwise.
type Config struct {
	// Endpoints are the addresses of publishers by name, as in fedmsg's endpoints dictionary: tcp://host:port,
	// tcp://[ip6]:port or ipc:///path. The name becomes Frame.Source. It must be set, {} is none, unless EndpointsFile
	// or SRV is.
	Endpoints map[string]Addresses `yaml:"endpoints"`
	// EndpointsFile lists more of them: see ParseEndpoints. It is a file, or a folder of files whose names end in .yaml,
	// .yml or .json. EndpointsCheck is how often to look for a change. Default 10s.
	EndpointsFile  string        `yaml:"endpoints_file"`
	EndpointsCheck time.Duration `yaml:"endpoints_check"`
	// SRV are domains whose SRV records of _fedmsg._tcp name more of them. The name is the domain. SRVCheck is how often
	// to ask. Default 5m.
	SRV      []string      `yaml:"srv"`
	SRVCheck time.Duration `yaml:"srv_check"`
	// SRVServer is the name server that is asked for the records, and for the addresses of their targets, as host:port.
	// "": those of the system.
	SRVServer string `yaml:"srv_server"`
	// Topics are prefixes of topics to subscribe to; a trailing * is removed. None: everything.
	Topics []string `yaml:"topics"`
	// Heartbeat is the silence after which a PING is sent. After three without an answer the connection is ended.
	// Default 10s. Negative: none, for publishers with libzmq older than 4.2, which do not know PING.
	Heartbeat time.Duration `yaml:"heartbeat"`
	// Silence is the time without a message after which a connection is made anew, for publishers that answer PINGs but
	// send nothing. Default 0: never.
	Silence time.Duration `yaml:"silence"`
	// Timeout bounds dialling, the handshake and one write. Default 10s.
	Timeout time.Duration `yaml:"timeout"`
	// MaxMessage is the size of a whole message, all parts, in bytes; a peer that sends a larger one is disconnected.
	// Default bus.MaxPayload and some room for topic and framing.
	MaxMessage int64 `yaml:"max_message"`
	// OnFull is what to do with a message while the queue is full, since the database does not keep up: "wait" reads no
	// more until there is room, and the publisher keeps what it sends, up to its high-water mark; "drop" drops and
	// counts it. Default wait.
	OnFull string `yaml:"on_full"`
	// RetryMin and RetryMax bound the growing, jittered pause between attempts to connect, so that a publisher that
	// listens for a moment only is found. Default 100ms and 600ms.
	RetryMin time.Duration `yaml:"retry_min"`
	RetryMax time.Duration `yaml:"retry_max"`
	// Replay is fedmsg's replay: asking publishers for what was missed, and answering others.
	Replay ReplayConfig `yaml:"replay"`
}

// ReplayConfig is the section bus.zmq.replay.
type ReplayConfig struct {
	// Endpoints are the addresses of the publishers' stores, by the names of Config.Endpoints, as in fedmsg's
	// replay_endpoints.
	Endpoints map[string]string `yaml:"endpoints"`
	// Timeout bounds dialling, the handshake, and the wait for one answer. Default 30s.
	Timeout time.Duration `yaml:"timeout"`
	// Listen is the address at which others may ask for what we have stored, such as tcp://127.0.0.1:3990. "": nowhere.
	Listen string `yaml:"listen"`
}

// The values of Config.OnFull.
const (
	Wait = "wait"
	Drop = "drop"
)

// Addresses are one endpoint's addresses; in the configuration a list, or one string.
type Addresses []string

// UnmarshalYAML reads a string or a list of strings.
func (a *Addresses) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*a = Addresses{one}
		return nil
	}
	var many []string
	if err := unmarshal(&many); err != nil {
		return fmt.Errorf("an address such as tcp://host:port, or a list of them, was expected: %w", err)
	}
	*a = many
	return nil
}

// Driver opens a Source by the configuration.
func Driver() bus.Driver {
	return bus.NewDriver("zmq",
		"Subscribes to fedmsg's ZeroMQ publishers: any number of endpoints, by topic prefix.", New)
}

// maxUnanswered PINGs without an answer end a connection.
const maxUnanswered = 3

// framingRoom is what a message has beside its payload: the topic, and partCost for two parts.
const framingRoom = bus.MaxTopic + 2*partCost

// SetDefaults fills in what zero values stand for; the configuration calls it, so that it prints what is in effect.
func (c *Config) SetDefaults() { *c = c.withDefaults() }

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.EndpointsCheck, 10*time.Second)
	set(&c.SRVCheck, 5*time.Minute)
	set(&c.Heartbeat, 10*time.Second)
	set(&c.Timeout, 10*time.Second)
	set(&c.RetryMin, 100*time.Millisecond)
	set(&c.RetryMax, 600*time.Millisecond)
	set(&c.Replay.Timeout, replayTimeout)
	if c.MaxMessage == 0 {
		c.MaxMessage = bus.MaxPayload + framingRoom
	}
	if c.OnFull == "" {
		c.OnFull = Wait
	}
	c.RetryMax = max(c.RetryMin, c.RetryMax)
	return c
}

// New checks c and makes a Source. An error names the key and what was expected.
func New(c Config, log *slog.Logger) (*Source, error) {
	c = c.withDefaults()
	if c.Endpoints == nil && !c.Finds() {
		return nil, fmt.Errorf("endpoints: names with addresses were expected, or {} for none")
	}
	if c.OnFull != Wait && c.OnFull != Drop {
		return nil, fmt.Errorf("on_full: %q; %s or %s was expected", c.OnFull, Wait, Drop)
	}
	if err := c.checkBounds(); err != nil {
		return nil, err
	}
	topics, err := prefixes(c.Topics)
	if err != nil {
		return nil, err
	}
	s := &Source{config: c, log: log, now: time.Now, topics: topics, leftOut: map[place]bool{}}
	if s.written, err = writtenPlaces(c); err != nil {
		return nil, err
	}
	if err := s.openFinders(); err != nil {
		return nil, err
	}
	s.update()
	if s.replays, err = newReplays(c, s.now, log); err != nil {
		return nil, err
	}
	return s, nil
}

// Finds reports whether endpoints are found that are not written in the configuration.
func (c Config) Finds() bool { return c.EndpointsFile != "" || len(c.SRV) > 0 }

// minMessage is a size, in bytes, that no fedmsg message is below.
const minMessage = 512

// checkBounds refuses durations that cannot be meant: a number without a unit is some nanoseconds.
func (c Config) checkBounds() error {
	if c.Silence < 0 || c.Timeout < 0 || c.RetryMin < 0 || c.MaxMessage < 0 || c.Replay.Timeout < 0 {
		return fmt.Errorf("silence, timeout, retry_min, max_message and replay.timeout must not be negative")
	}
	for _, d := range []struct {
		key          string
		value, least time.Duration
	}{
		{"heartbeat", c.Heartbeat, 10 * time.Millisecond}, {"silence", c.Silence, 10 * time.Millisecond},
		{"timeout", c.Timeout, time.Millisecond}, {"retry_min", c.RetryMin, time.Millisecond},
		{"replay.timeout", c.Replay.Timeout, 10 * time.Millisecond},
		{"endpoints_check", c.EndpointsCheck, 100 * time.Millisecond}, {"srv_check", c.SRVCheck, time.Second},
	} {
		if d.value > 0 && d.value < d.least {
			return fmt.Errorf("%s: %v; at least %v", d.key, d.value, d.least)
		}
	}
	switch {
	case c.EndpointsCheck < 0 || c.EndpointsCheck > time.Hour:
		return fmt.Errorf("endpoints_check: %v; at most 1h", c.EndpointsCheck)
	case c.SRVCheck < 0 || c.SRVCheck > 24*time.Hour:
		return fmt.Errorf("srv_check: %v; at most 24h", c.SRVCheck)
	case c.SRVServer != "" && !isHostPort(c.SRVServer):
		return fmt.Errorf("srv_server: %q; host:port was expected, such as 127.0.0.1:53", c.SRVServer)
	case c.MaxMessage < minMessage:
		return fmt.Errorf("max_message: at least %d", minMessage)
	case c.MaxMessage > bus.MaxPayload+framingRoom:
		return fmt.Errorf("max_message: at most %d", bus.MaxPayload+framingRoom)
	}
	return nil
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = net.LookupPort("udp", port)
	}
	return err == nil && host != ""
}

func prefixes(topics []string) ([]string, error) {
	if len(topics) == 0 {
		return []string{""}, nil
	}
	list := make([]string, len(topics))
	for i, t := range topics {
		list[i] = strings.TrimSuffix(t, "*")
		if len(list[i]) > bus.MaxTopic {
			return nil, fmt.Errorf("topics: a prefix of %d bytes, at most %d", len(list[i]), bus.MaxTopic)
		}
		if strings.Contains(list[i], "*") {
			return nil, fmt.Errorf("topics: %q: a * is allowed at the end only, topics are prefixes", t)
		}
	}
	return list, nil
}
