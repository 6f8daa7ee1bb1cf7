// Package outbox is what is owed until a backend has taken it: the durable queue, retries and digests.
//
// A digest, quiet hours, a snooze and a retry are one thing: due_at. The outbox knows nothing of why a notice is owed.
package outbox

import (
	"time"

	"github.com/notifyd/notifyd/backends"
)

// A Delivery is a notice owed to a destination. (Message, Destination) is unique: adding the pair again changes nothing.
type Delivery struct {
	Message     string // the bus message's id, or a name of our own for account mail
	Destination string // stable key of the destination, e.g. "42"; or Account and the address for mail about an account
	Backend     string
	Address     string
	Notice      backends.Notice
	Manage      string    // goes into Parcel.Manage
	DueAt       time.Time // not sent before
	// Together lets the delivery travel in one parcel with everything else that waits for the destination (a digest).
	// When one of them falls due, all go.
	Together bool
	// PullAt is the number of waiting Together deliveries at which the digest goes at once; 0: never.
	PullAt int
}

// Account begins the key of a destination for mail about an account: sign-in links, codes. Their text and link are
// forgotten as soon as they are sent or given up.
const Account = "account:"

// State is where a stored delivery stands.
type State string

// Waiting: owed. Claimed: a worker has it under a lease. Done: the backend took it. Dead: given up, kept and re-sendable.
const (
	Waiting State = "waiting"
	Claimed State = "claimed"
	Done    State = "done"
	Dead    State = "dead"
)
