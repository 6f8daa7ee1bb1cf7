package history

import (
	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// An Outcome is what Append has made of an event.
type Outcome struct {
	// Event is the event as it is kept: a copy under another id, where its own belongs to a different message.
	Event    *catalogue.Event
	Fate     Fate
	Conflict Conflict
	Moves    []Move // of other messages, in the order in which they are to be followed

	source string // for Committed: whose messages have grown by so many bytes
	grown  int64
}

// New reports whether people may have to be told: the message was not kept before, or as one that proves less.
func (o Outcome) New() bool { return o.Fate == Added || o.Fate == Upgraded }

// A Fate says whether an event was kept.
type Fate int

// The fates.
const (
	Repeated Fate = iota // it was kept already
	Added                // it is new
	Upgraded             // it was kept already, but this copy proves more
	Doubted              // it is new, but unproved, and a proved message has its id: nobody is told of it
)

// A Conflict is another message with the same id and another content.
type Conflict struct {
	Kind  ConflictKind
	ID    string       // the id that both claim
	Other string       // the id under which the other one is kept now
	By    bus.Standing // of the other one
}

// A ConflictKind says which of two messages with one id keeps it.
type ConflictKind string

// The kinds of conflicts. The message that does not keep the id is kept under a derived one.
const (
	NoConflict ConflictKind = ""
	Replaced   ConflictKind = "replaced"  // the later one, which is proved; the earlier one is not
	Refused    ConflictKind = "refused"   // the earlier one, which is proved; the later one is not
	Undecided  ConflictKind = "undecided" // the earlier one; both are proved, or neither is
)

// A Move says that a message is kept under another id now, or that it is contradicted, or both.
type Move struct {
	From, To     string // ids; they may be the same
	Contradicted bool   // a proved message has shown that this one is not what the owner of its id has said
}

// shortHash is the number of hexadecimal digits of the content hash in a derived id.
const shortHash = 16

// derivedID gives the id of a message whose own id belongs to another. It depends on id and content alone, so that all
// nodes, and all copies of the message, come to the same.
func derivedID(id, contentHash string) string {
	return key(id + "~" + contentHash[:min(shortHash, len(contentHash))])
}

// isDerived reports whether an id has the form of a derived one. A message that comes with such an id, of another
// content, is kept under one that is derived again: otherwise a forger could take the place of a message that is still
// to be moved.
func isDerived(id string) bool {
	_, derived := baseID(id)
	return derived
}

// baseID gives the id of which a derived one was made.
func baseID(id string) (base string, derived bool) {
	at := len(id) - shortHash
	if at < 1 || id[at-1] != '~' {
		return "", false
	}
	for _, c := range id[at:] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return id[:at-1], true
}
