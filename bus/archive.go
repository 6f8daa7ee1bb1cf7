package bus

import (
	"context"
	"errors"
	"time"
)

// An Archive keeps what publishers have sent, and gives it again: a publisher's own store, or a service that has
// listened all the time. It is asked for a Hole (selective retransmission: a receiver asks for what it lacks, Lin and
// Costello, "Error Control Coding", chapter 22), and nobody else notices.
type Archive interface {
	// Name is what it is called in metrics and logs, such as "replay".
	Name() string
	// Fetch asks for what lies in a hole, and hands it over by pages, in the order in which it was sent, perhaps with
	// more that was sent about then. It waits for page to return before it asks for the next. It returns nil once it has
	// asked for everything: what did not come, the archive does not have. The error is ErrCannotAsk, ErrTooEarly, that
	// of page, or says why the archive could not answer; then it may be asked again later.
	Fetch(ctx context.Context, h Hole, page func(Page) error) error
}

// A Hole is messages that were sent and not received, as far as that is known.
type Hole struct {
	Number    int64  // names the hole among those of its source
	Publisher string // by Envelope.Publisher: whose message showed it; "": nobody's did
	Sequence  bool   // First and Last are seq_ids; otherwise they are the publisher's counter
	// First and Last are the numbers of the missing messages. Last is 0 where it is not known, and perhaps First too.
	First, Last int64
	// Since and Until are the receptions of the message before the hole and of the one that showed it.
	Since, Until time.Time
	Missing      int64 // how many are still missing; 0 where that is not known
}

// Unbounded reports whether nobody knows how much is missing, or whether anything is.
func (h Hole) Unbounded() bool { return h.Last == 0 }

// A Page is a part of what an Archive gives.
type Page struct {
	Frames []Frame // with topic and payload alone, as they would have come live
	// Next and Reached say how far the hole is asked for: below this number, up to this time. Zero: no further.
	Next    int64
	Reached time.Time
}

// ErrTooEarly is the error of an Archive that may have more of the hole later: it has given what it has.
var ErrTooEarly = errors.New("the archive may not have everything yet")

// ErrCannotAsk is the error of an Archive for a hole that it cannot be asked for, such as one without numbers.
var ErrCannotAsk = errors.New("the archive cannot be asked for such a hole")

// An Archived source knows archives of what its publishers send.
type Archived interface {
	// Archives gives them by Frame.Source.
	Archives() map[string]Archive
}

// A Selective source does not receive everything.
type Selective interface {
	// Wants reports whether the source would receive a topic live; of "", whether it receives everything. source is as
	// in Frame.Source.
	Wants(source, topic string) bool
}

// A KeptQuery selects messages that are kept: all that any of its fields selects.
type KeptQuery struct {
	Numbers      []int64
	First, Last  int64 // numbers, both inclusive; Last 0: none
	IDs          []string
	Since, Until time.Time // when they were sent, both inclusive; Until zero: none
}

// A Kept is a message that is kept.
type Kept struct {
	Number  int64 // greater than that of every message kept before
	ID      string
	Time    time.Time
	Payload []byte
}

// A Keeper has kept messages.
type Keeper interface {
	// Kept gives the first messages that q selects, by number: not more than the limit, and not more than one after the
	// bytes are used up.
	Kept(ctx context.Context, q KeptQuery, limit int, bytes int64) ([]Kept, error)
}

// A Replayer is a source that can give messages again to others, as an archive.
type Replayer interface {
	// ServeReplay gives what k has to whoever asks, until ctx ends. It returns nil at once where it is not configured.
	ServeReplay(ctx context.Context, k Keeper) error
}

// A Finding source finds its publishers by itself, so that their names, as in Frame.Source, come and go while it runs.
type Finding interface {
	// Finds reports whether names may come up that the source does not know yet.
	Finds() bool
	// Reserve is called before Run. What is found under one of the names that it gives, those of other sources, is left
	// out.
	Reserve(names func() []string)
}

// A Warning source says what limits it at this moment, beyond a lost connection, for an operator. It is safe at any
// time.
type Warning interface {
	Warnings() []string
}
