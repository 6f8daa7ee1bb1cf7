// Package outbox keeps what is owed to destinations until a backend has taken it.
//
// It is a transactional outbox (Richardson, "Microservices Patterns", chapter 3). Add stores deliveries in the
// transaction that stores why they are owed; Run sends them afterwards. So nothing is sent that was not committed, and
// nothing that was committed is lost. Hohpe and Woolf call the promise "Guaranteed Delivery" ("Enterprise Integration
// Patterns").
//
// Sending and noting that it was sent cannot be one transaction. After a crash between the two a parcel is sent again:
// delivery is at least once. But a parcel keeps its id and its notices over all attempts. With the id a receiver can be
// idempotent ("Idempotent Receiver" in the same book): it becomes the Message-ID of a mail.
//
// The life of a delivery, by file:
//
//	add.go       stored in the queue of its destination, with a due time
//	claim.go     a lease is taken on queues that have something due
//	pack.go      a parcel is packed for each
//	gate.go      what its owner does not want now is held, or silenced
//	hands.go     parcels wait for a worker, a few ahead of those that are being sent (pool.go)
//	send.go      the backend gets the parcel, unless its circuit breaker is open (pause.go)
//	complete.go  the queue is free again, and mark.go writes down: sent, deferred, refused, expired, waits
//	             or returned; pause.go ends a wait
//
// Each destination has a queue. The worker with the queue's lease is the only one that sends there: this keeps the
// order of notices, and a slow destination does not hold up others. Leases are short and are renewed while a send runs,
// so another node soon takes over from one that was killed ("Competing Consumers").
//
// A digest, quiet hours and a retry are one thing: a due time that is not now. A retry waits twice as long each time,
// with jitter (exponential backoff). A backend that is down costs no attempts: its circuit breaker opens (Nygard,
// "Release It!") until a probe is answered. What was refused, or tried for too long, is a dead letter: kept, shown to
// its owner, and sent again on demand.
//
// What always holds:
//
//   - The pair of message and destination is stored once: adding it again changes nothing.
//   - At most one parcel of a destination is being sent at a time, as long as its lease is renewed.
//   - A parcel that was tried once always has the same id and the same notices, but for those that were withdrawn.
//   - A bounded number waits for a destination; what comes beyond is counted, and its owner is told how much (fold.go).
//   - No transaction is open while a backend sends, and no more sends run than there are workers.
//
// A delivery is added in a transaction, and the loop is notified after its commit:
//
//	err := db.Transaction(func(tx *gorm.DB) error {
//		_, err := o.Add(tx, []outbox.Delivery{{Message: "2026-1", Destination: "42", Backend: "email", ...}})
//		return err
//	})
//	if err == nil {
//		o.Notify()
//	}
//
// The outbox knows nothing of why a notice is owed, and nothing of users.
package outbox

import (
	"time"

	"github.com/notifyd/notifyd/backends"
)

// A Delivery is a notice owed to a destination. (Message, Destination) is unique: adding the pair again changes
// nothing.
type Delivery struct {
	Message     string // the bus message's id, or a name of our own for account mail
	Destination string // key of the destination, e.g. "42"; or Account and the address for mail about an account
	Backend     string
	Address     string
	Notice      backends.Notice
	Manage      string // goes into Parcel.Manage
	// Reasons refer to the filters that matched, as they were then. What they say is put after Notice.Why when the notice
	// is sent or shown.
	Reasons []Reason
	Owner   string    // key of the person who has the destination; "": nobody is known
	DueAt   time.Time // not sent before
	// Hold is why DueAt is later than it might be, in a word or two that whoever makes deliveries can put into a sentence;
	// "" where nothing holds it. The outbox keeps it, and has some such words of its own: see HeldByCap. It also tells
	// digests apart: see Together.
	Hold string
	Cap  Cap  // that its owner has chosen for the destination; the zero Cap: that of the Config
	Pair Pair // what it says has begun or ended; the zero Pair for most
	// Together lets the delivery travel in one parcel with others that wait for the destination (a digest). When one of
	// them falls due, all go that have its Hold, with all else that is due.
	Together bool
	// Lead lets the first delivery to a destination go at once, and makes one digest of what follows within this time of
	// it or of the last such digest. Hold is that of the digest. It means nothing with Together.
	Lead time.Duration
	// Refresh gives the notice to the delivery of this pair that is there already, if it was never tried.
	Refresh bool
	// PullAt is the number of waiting deliveries with the same Hold at which their digest goes at once; 0: never.
	PullAt int
}

// A Reason refers to one revision of a filter: what it was called and what it said when it matched.
type Reason struct {
	Filter   uint64
	Revision int64 // 0: it is not known
}

// An Unexplained is a delivery of which Config.Explain is asked. Its destination is none of mail about an account.
type Unexplained struct {
	Destination string
	Reasons     []Reason
}

// An Explained is what Config.Explain answers.
type Explained struct {
	Why    []backends.Reason // in the order of the reasons; one that nobody knows any more is left out
	Manage string            // as in Parcel.Manage
}

// Account begins the key of a destination for mail about an account: sign-in links, codes. Their text and link are
// wiped as soon as they are sent or given up.
const Account = "account:"

// HeldByCap begins the Hold of what goes over the rate cap of its destination: "cap 60 10m0s" of a Cap of 60 in 10 min.
// HeldByRetry is that of what has failed and is tried again. Asked is that of what its owner wants now, by a click of
// their own: a Gate may let it pass what it holds otherwise. It counts for one attempt.
const (
	HeldByCap   = "cap"
	HeldByRetry = "retry"
	Asked       = "now"
)

// State is where a stored delivery stands.
type State string

// Waiting: owed. Claimed: a worker has it under a lease. Done: the backend took it. Dead: given up, kept, and sent
// again on demand.
const (
	Waiting State = "waiting"
	Claimed State = "claimed"
	Done    State = "done"
	Dead    State = "dead"
)
