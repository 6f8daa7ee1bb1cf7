package backends

import (
	"context"
	"errors"
	"io"
	"time"
)

// Returns is what becomes of what comes back of parcels: reports that they were not delivered, and what people answer.
// What comes back is known by a token that was sent with the parcel. A token is short, of letters and digits, and reads
// the same in capitals.
type Returns interface {
	// ReportToken makes the token of a parcel by which reports come back; "" where the parcel has no destination.
	ReportToken(p Parcel) string
	// ReplyToken makes the one by which people answer. It is no ReportToken, and the other way round.
	ReplyToken(p Parcel) string
	// StopToken is the token of a stop link (Reason.Stop), as it may stand in an address; "" where it is none.
	StopToken(link string) string

	// Knows reports whether a token is one of these, without asking anybody.
	Knows(token string) bool
	// Report notes a report. The error is ErrToken where its token is not ours; after any other it should come again.
	Report(ctx context.Context, r Returned) (said string, err error)
	// Answered tells which parcel a ReplyToken is of, and to whom it was sent. The error is as that of Report. once is
	// an id of the answer: where that came before, it is ErrAgain.
	Answered(ctx context.Context, token, once string) (About, error)
	// Stop does what a click on a stop link does. The error is as that of Report.
	Stop(ctx context.Context, token string) (said string, err error)
	// Answer queues what is said to somebody who has answered a parcel. The parcel has no way back.
	Answer(ctx context.Context, about About, n Notice) error
}

// A Returned is a report about a parcel.
type Returned struct {
	Token string
	Kind  string // "hard" and "complaint" end an address; "soft" and "full" after a while; others never
	Words string // why, for people
	At    time.Time

	Days, Failures int // how long "soft" and "full" may go on, and how many parcels at least
}

// An About is the parcel that somebody has answered.
type About struct {
	Parcel      string // Parcel.ID; "" where it is not known any more
	Destination string // its key
	Backend     string
	Address     string
}

// A Receiver is a backend that takes what comes back, from a program of the machine: a mail system.
type Receiver interface {
	// Receive takes one message that was sent to some addresses of ours ("": nobody knows to which). The error says that
	// it should come again; whatever can never be understood is no error.
	Receive(ctx context.Context, to []string, message io.Reader) (Received, error)
}

// A Received is what became of a message.
type Received struct {
	Kind string // what it was: "hard", "auto-reply", "command"
	Said string // what was done, in words
}

// ErrNoReturns is the error of a Receiver that is configured to take nothing.
var ErrNoReturns = errors.New("nothing is taken that comes back: it is not configured")
