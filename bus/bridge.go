package bus

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/notifyd/notifyd/internal/metric"
)

// A Bridge hands messages on to another bus: one way, at least once. It is the third of three. A Source may make its
// bus wait, an Outlet makes nobody wait and loses; a Bridge is asked again until the other bus has said that it has the
// message. So it is given only what is stored, by the Carrier (cmd/notifyd/carrier), which remembers how far it came.
// What bus/bustest holds against every bridge (RunBridge):
//
//   - Confirmed: what Carry calls done is with the other bus, which has said so. It is done in the order of loads.
//   - Same: the message keeps its id, its topic and its body.
//   - Refused: what the other bus will never take, such as a topic that is too long for it, is done too, and told; so
//     no message keeps those behind it waiting for ever. What it does not take now, or not from us, is an error.
//   - Back: Carry connects where there is no connection. After an error it may be called again, at any time.
//   - End: Carry returns within seconds of ctx's end. After Close all that it started has ended.
//   - Nothing that the other bus sends, or does not send, ends the program or keeps Carry for longer than its timeout,
//     and no secret stands in a log or an error.
//
// # Rings
//
// Two bridges make a ring, and bridges of others stand beside ours. Every message has one row in the history, whichever
// way it came, and a bridge is given each row once: so a ring ends with the first message that is known already. A
// message must keep id and content for that. What is known to come from the other bus is not given at all: see Choice
// and Located. As a last resort a message counts its hops: see HeaderVia.
type Bridge interface {
	// Carry hands loads on in their order, and waits until the other bus has them. The first done of them are with it,
	// or refused; err says why the others are not, and is nil where there are none.
	Carry(ctx context.Context, loads []Load) (done int, refused []Refused, err error)
	// Close ends what Carry has begun. It is called once, after the last Carry.
	Close() error
	// Collect emits the series that this kind of bridge has beside those of every bridge. It may emit none.
	Collect(emit metric.Emit)
}

// A Load is a message that a bridge carries, with what its other bus may want to know of it.
type Load struct {
	Message *Message
	// ID is the id that the sender gave. Message.ID is that under which the message is kept.
	ID       string
	Severity string   // debug, info, warning, error or critical
	Users    []string // accounts that the message is about
	Packages []string
	Groups   []string
	Via      []string // the databases that the message was in, the last of them ours: see HeaderVia
}

// Refused says that the other bus will never take a load.
type Refused struct {
	Index  int    // of loads
	Reason string // one of few words, for a metric
	Err    error  // for the log
}

// A Choice says which messages a bridge is given, and how long it waits after a failure.
type Choice struct {
	Topics   []string // patterns: * is any one word, # any number; none: all
	NotFrom  []string // sources whose messages are not given
	Unproved bool     // also what the policy marks as not proved
	LiveOnly bool     // not what came late, to fill a hole
	// NotBridged says that nothing is given that a bridge from AMQP has brought to ZeroMQ: it comes from where this one
	// leads to.
	NotBridged bool
	RetryMin   time.Duration // the pause after a failure: it grows, with jitter
	RetryMax   time.Duration
}

// An OpenBridge is a bridge by its name in the configuration.
type OpenBridge struct {
	Name   string // in the section of its driver
	To     string // where it leads to, for logs and metrics; no secret
	Place  string // the bus there: see Located; "" where no source can be at the same
	Bridge Bridge
	Choice Choice
}

// A BridgeDriver opens bridges of one kind, as a Driver opens sources. bus/all lists them.
type BridgeDriver struct {
	Name string // in the configuration: "to_amqp"
	Doc  string // one or two sentences
	// Open makes the bridges of the section, sorted by name, and starts nothing: see Driver.Open.
	Open func(decode func(any) error, log *slog.Logger) ([]OpenBridge, error)
}

// A Located source says where its messages come from, by the names of Frame.Source, in the words of OpenBridge.Place.
// What comes from there is not given to a bridge that leads there.
type Located interface {
	Locations() map[string]string
}

// HeaderVia is the header of a message that lists the databases of notifyd that it was in, with spaces between. A
// bridge that can send headers adds its own. None is given a message that was in its database before, or in MaxVia of
// them: so a ring ends even where somebody in it changes the content, and with it the identity, of messages.
const (
	HeaderVia = "notifyd_via"
	MaxVia    = 8
)

// Via reads HeaderVia of m.
func (m *Message) Via() []string {
	text, _ := m.Headers[HeaderVia].(string)
	return strings.Fields(text)
}

// Bridged reports whether m is in the form in which bridges from AMQP write to ZeroMQ.
func (m *Message) Bridged() bool { return m.Username == amqpBridge }
