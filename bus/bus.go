// Package bus is what a message bus carries, and how far it can be believed.
//
// # From a frame to a message
//
// A Source receives Frames: a topic and a payload as they came off the wire. It puts them into an Intake, which has a
// bounded queue for each source and gives them out in fair batches. Decode checks a Frame and makes a Message of it,
// which never changes afterwards. All other rooms work on Messages; none of them knows a socket.
//
//	in := bus.NewIntake(bus.IntakeConfig{})
//	go source.Run(ctx, in)
//	for {
//		batch, open := in.Next(ctx)
//		if !open {
//			break
//		}
//		for _, f := range batch {
//			m, err := bus.Decode(f, time.Now()) // err wraps ErrMalformed: count it
//			if err == nil {
//				err = store(m)
//			}
//			f.Done() // once m is stored, or there is no m
//		}
//	}
//
// Two families of buses are read. fedmsg (https://fedmsg.readthedocs.io) sends messages of two parts over ZeroMQ: the
// topic, and a JSON object, the envelope, whose field msg is the body. fedora-messaging
// (https://fedora-messaging.readthedocs.io) sends AMQP messages: the topic is the routing key, and headers and id stand
// beside the body; a source of such a bus makes one JSON object of them. What fedmsg signs is the canonical form of the
// envelope, as CPython's json module writes it: see Canonical.
//
// # Standing
//
// Anybody who reaches a bus may send anything under any topic and name. What a Message says is its sender's claim; its
// Standing says what of that is proved. It is computed once, when the message is received, and stored with it, so that
// no reader has to remember to check. Decode tells only whether there is something to check: a Proof. Package bus/trust
// checks it, and applies the site's policy.
//
// # Ids
//
// A message has an id, its sender's or one made of its bytes. Buses deliver at least once: two relays, a reconnect or a
// missing acknowledgement bring a message again. A DedupWindow finds what comes again soon, the database's key the
// rest. But an id is a claim like all the rest: only the same id with the same content (ContentHash) is a copy, and a
// copy that proves its sender counts more than one that does not. Bridges between buses write the id anew; what stays
// of it says CommonID.
//
// ZeroMQ does not show what it has lost. Package bus/gaps finds that by the numbers of fedmsg's publishers, and package
// bus/backlog asks an Archive for it.
//
// # The life of an acknowledgement
//
// The receiver of a frame calls Done when it needs the frame no more: the batch with it is committed, or it is no
// message. Done calls the source's Ack, which acknowledges the message where the bus knows that (AMQP, JetStream, an
// HTTP client that waits for its answer). If the process dies before, such a bus sends the message again, and its id
// shows that it is known. Done also gives the room in the Intake back that the frame took; where the bus knows no
// acknowledgement, as ZeroMQ, it does nothing else.
//
// # A source of one's own
//
// It is a folder with a Driver, on the list in bus/all, whose test calls bustest.Run. A Meter gives it metrics, bounds
// and back-pressure. Source is the contract.
//
// # Out
//
// An Outlet hands frames on as they were received, to peers that want them. It waits for none of them: what a source
// may do, to make its bus wait, would here let one slow subscriber stop the others. bustest.RunOutlet tests it. A
// Bridge hands stored messages on to another bus, until that has them. bustest.RunBridge tests it.
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
	Topic   string // what the bus delivers by; where a bus has no topics, the payload's (PeekEnvelope)
	Payload []byte // nobody changes it, and it is no buffer that is used again
	// Publisher is the name that the bus itself has authenticated the sender by, such as the login at a broker or the
	// name of a token; "" where the bus does not know its senders, as ZeroMQ.
	Publisher string
	// Own says that notifyd itself has made it. No source sets it.
	Own bool
	// Late says that the frame did not come live: it fills a hole, from a replay or an archive.
	Late bool
	// ThirdParty says that somebody else gave it than the source or its publishers, such as an archive: what the site
	// believes of the source does not hold for it.
	ThirdParty bool
	// Whole says that the source receives whatever its publishers send, so that a gap in their numbers is a loss (see
	// bus/gaps). Without it some topics may not have been subscribed to.
	Whole bool
	// Resumed says that the source was not connected before this frame: any number of messages may have been lost.
	Resumed bool
	// Ack acknowledges the message on the bus, where the bus knows that. The Intake makes it give the frame's room back
	// too. The receiver calls it once, through Done, from any goroutine, in any order, perhaps after Run has returned.
	// It does not wait. It may be nil.
	Ack func()
}

// Done acknowledges f: it is safe in the database, or it is no message. It is called once.
func (f Frame) Done() {
	if f.Ack != nil {
		f.Ack()
	}
}

// A Message is a decoded Frame. It is immutable: many goroutines read it.
type Message struct {
	ID       string         // msg_id; unique on the bus. Decode makes one where the sender gave none
	Topic    string         // the whole topic, e.g. org.fedoraproject.prod.git.receive
	Time     time.Time      // when the sender says it was sent, in UTC; the time of reception where it does not say
	Counter  int64          // i: the sender's counter since its start; 0 where absent
	Sequence int64          // seq_id: the number in the sender's store, added after signing; 0 where absent
	Username string         // the Unix user of the sending process, not an account of the project
	Body     any            // msg (fedmsg) or body (AMQP): map[string]any by use, but any JSON; numbers are json.Number
	Headers  map[string]any // AMQP or STOMP headers; nil where there are none
	Source   string         // Frame.Source
	// Payload is the bytes as received. Decode gives this Message again with the same topic and time of reception.
	Payload []byte
	// Standing is what is proved of the sender. Decode sets Unsigned or Unchecked; the verifier replaces that before
	// anybody else sees the message. Of a stored message it is what was found at its reception.
	Standing Standing
	// Publisher is Frame.Publisher.
	Publisher string
	// Late is Frame.Late.
	Late bool
	// ThirdParty is Frame.ThirdParty.
	ThirdParty bool
	// Mended says for people what was odd in the metadata and what it was taken for, such as "timestamp 1767225600000
	// was taken for milliseconds". Each line begins with the name of a field (MendedField). Nil for nearly all messages.
	Mended []string

	undated bool // see Undated
	unread  bool // the payload is larger than MaxRead
	amqp    bool // see Foreign
	proof   *Proof
	content *content
}

// Undated reports whether the sender says no time that can be, so that Time is that of reception. A signature does not
// tell such a message from a repeat of it years later.
func (m *Message) Undated() bool { return m.undated }

// A Driver opens the sources of one kind of bus, as the drivers of database/sql do for databases. NewDriver makes one;
// bus/all lists them.
type Driver struct {
	Name string // in the configuration: "zmq"
	Doc  string // one or two sentences
	// Open makes a source and starts nothing. decode fills a struct with the section of the configuration, strictly,
	// and calls its method SetDefaults where it has one; Open returns the error of decode as it is. Any other error
	// names the key that is wrong, and what was expected there.
	Open func(decode func(any) error, log *slog.Logger) (Source, error)
}

// A Source receives frames from one bus. What it promises is what bus/bustest holds against every source:
//
//   - Order: the frames of one sender come in the order in which it sent them, unchanged. A source does not judge a
//     payload, Decode does; only a frame out of bounds (Frame.OutOfBounds) is dropped, counted and done with.
//   - Back-pressure before dropping: while its queue in the Intake is full, a source makes its bus wait, by reading no
//     more. One that cannot, or is told not to, drops and counts. Frames handed over and not yet done with hold at most
//     MaxHeld bytes for each Frame.Source.
//   - Acknowledgement: once for each frame, after Frame.Done and never before. A frame that was not done with when Run
//     returned comes again, where the bus can.
//   - Nothing that a peer sends, or does not send, ends or stops a source, and no secret stands in a log or an error.
//   - It is Metered. Meter does this, and most of the above, for a source that embeds it.
type Source interface {
	// Run receives until ctx ends or the input is spent, and puts each frame into in, which it never closes. It is
	// called once; of a source that is not Competing again after it has returned because its ctx had ended. It connects
	// again by itself, for as long as it takes.
	//
	// It returns within seconds of ctx's end, without waiting for frames to be done with; all it started has ended
	// then. So whatever it reads from is closed, or given a deadline, when ctx ends: context.AfterFunc does this. It
	// also returns when its input is spent for good, as that of a file is: that ends the source and nothing else. Both
	// are nil. An error is for what no retry can mend, and ends the program.
	Run(ctx context.Context, in *Intake) error
}

// ErrMalformed is wrapped by the errors of Decode: the frame is no message. The text is for an operator.
var ErrMalformed = errors.New("malformed message")

// The bounds on what is accepted from a bus.
const (
	MaxTopic   = 1024    // bytes
	MaxPayload = 8 << 20 // bytes
	// MaxRead bounds what is read of a payload, so that no message keeps others waiting: its bytes, and for each value
	// 32 more, for each key 96, for each float 96. So an object of 8000 fields is read, and a list of 30,000 integers.
	// Of a larger payload only the envelope is read: see Decode.
	MaxRead  = 1 << 20
	MaxDepth = 100 // nesting of the JSON
	MaxID    = 256 // bytes of a msg_id

	// MaxHeld is the bytes of all frames that one Frame.Source has handed over and that are not done with.
	MaxHeld = 32 << 20
)
