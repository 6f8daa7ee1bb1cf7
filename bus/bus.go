// Package bus is what a message bus carries, and how it is trusted.
//
// A Source hands Frames over as they came off the wire. Decode turns a Frame into a Message, which never changes
// afterwards. Everything above this package works on Messages; nothing above it knows sockets.
package bus

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// A Frame is a topic and a payload as they came off the wire: not decoded, not trusted.
type Frame struct {
	Source  string // the source's name in the configuration, for logs and metrics
	Topic   string
	Payload []byte
	// Ack tells the source that the frame is done with: safe in the database, or no message at all. A bus that knows
	// acknowledgement is told; ZeroMQ only frees the room that the frame took. It may be nil, and is called once.
	Ack func()
}

// Done tells the source that the frame is done with.
func (f Frame) Done() {
	if f.Ack != nil {
		f.Ack()
	}
}

// A Message is a decoded Frame. It is immutable: many goroutines read it.
type Message struct {
	ID       string         // msg_id; unique on the bus. Decode derives one from the content where the sender gave none
	Topic    string         // the whole topic, e.g. org.fedoraproject.prod.git.receive
	Time     time.Time      // when the sender says it was sent, in UTC; the time of reception where it does not say
	Counter  int64          // i: the sender's counter since its start; 0 where absent
	Username string         // the Unix user of the sending process, not an account of the project
	Body     any            // msg (fedmsg) or body (AMQP): map[string]any by use, but any JSON; numbers are json.Number
	Headers  map[string]any // AMQP or STOMP headers; nil where there are none
	Source   string         // Frame.Source
	// Payload is the bytes as received; Decode(Frame{Topic, Payload}) gives this Message again, with any clock. For that
	// sake it is rewritten (see complete) where the sender said no time, or the message came by DecodeLine incomplete.
	Payload []byte
	Trust   Trust // computed once, by Decode
}

// Trust is what is known of who sent a message.
type Trust struct {
	State  TrustState
	Signer string // name in the certificate, or key, when State is Signed
	Reason string // for a person: why it is invalid, or what was not checked
}

// TrustState is the verdict on a signature.
type TrustState string

// The verdicts. A message with a signature that nobody checked is Unchecked, never Signed.
const (
	Unsigned  TrustState = "unsigned"
	Unchecked TrustState = "unchecked"
	Signed    TrustState = "signed"
	Invalid   TrustState = "invalid"
)

// A Driver opens the sources of one kind of bus, as the drivers of database/sql do for databases. bus/all lists them.
type Driver struct {
	Name string // in the configuration: "zmq"
	Doc  string // one or two sentences
	// Open makes a source. decode fills a configuration struct strictly; Open returns its error as it is.
	Open func(decode func(any) error, log *slog.Logger) (Source, error)
}

// A Source receives frames from one bus.
type Source interface {
	// Run receives until ctx ends and sends each frame to out. It reconnects by itself and returns an error only for
	// what no retry can mend (a configuration that cannot work). When it returns, all it started has ended. A source
	// that can make its bus wait blocks on out; one that cannot (ZeroMQ) drops when out is full and counts the drop.
	Run(ctx context.Context, out chan<- Frame) error
}

// ErrMalformed is wrapped by Decode for a frame that is no message; the text says what is wrong, for an operator.
var ErrMalformed = errors.New("malformed message")

// The bounds on what a source accepts.
const (
	MaxTopic   = 1024    // bytes
	MaxPayload = 8 << 20 // bytes
	MaxDepth   = 100     // nesting of the JSON
	MaxValues  = 1 << 19 // values in one payload: a small text must not become a large tree
	MaxID      = 256     // bytes of a msg_id
)
