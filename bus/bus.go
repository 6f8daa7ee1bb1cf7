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
	Topic   string // the bus's own word for what it is about; where a bus has none, the payload's (PeekHead)
	Payload []byte // never changed, and no buffer that is used again
	// Ack tells the source that the frame is done with: safe in the database, or no message at all. A bus that knows
	// acknowledgement is told; ZeroMQ only frees the room that the frame took. It may be nil, and is called once, by any
	// goroutine, in any order, and perhaps after Run has returned. It does not wait.
	Ack func()
}

// Done tells the source that the frame is done with. It is called once.
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
	// Open makes a source and starts nothing. decode fills a configuration struct strictly; Open returns its error as it
	// is. Any other error names the key that is wrong and what was expected there.
	Open func(decode func(any) error, log *slog.Logger) (Source, error)
}

// A Source receives frames from one bus. What it promises is what bus/bustest holds against every source:
//
//   - Order: the frames of one sender come in the order in which it sent them, unchanged. A source does not judge a
//     payload, Decode does; only a frame out of bounds (Frame.OutOfBounds) is dropped, counted and done with.
//   - Back-pressure before dropping: when out is full, a source that can make its bus wait does. One that cannot
//     (ZeroMQ) drops and counts. Frames handed over and not yet done with hold at most MaxHeld bytes.
//   - Acknowledgement: the bus is told once, after Frame.Done and never before. A frame that was not done with when Run
//     returned comes again, where the bus can.
//   - Nothing that a peer sends, or does not send, ends or stops a source, and no secret stands in a log or an error.
//   - It is Metered. Meter does this, and most of the above, for a source that embeds it.
type Source interface {
	// Run receives until ctx ends or the input is spent, and sends each frame to out, which it never closes. It is
	// called once. It connects again by itself, for as long as it takes.
	//
	// It returns within seconds of ctx's end, without waiting for frames to be done with; all it started has ended then.
	// So whatever it reads from is closed, or given a deadline, when ctx ends: context.AfterFunc does this.
	// It also returns when its input is spent for good, as that of a file is: that ends the source and nothing else.
	// Both are nil. An error is for what no retry can mend, and ends the program.
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

	// MaxHeld is the bytes of all frames that a source has handed over and that are not done with. The buffer of out
	// counts frames only, and decoding, describing and storing a batch of them takes six times their bytes.
	MaxHeld = 32 << 20
)
