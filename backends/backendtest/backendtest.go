// Package backendtest holds every backend to its contract: a backend's own test opens a Fixture and calls Run.
//
//	func TestKit(t *testing.T) {
//		backendtest.Run(t, func(t *testing.T) backendtest.Fixture {
//			server := startServer(t)
//			return backendtest.Fixture{
//				Backend: open(t, server), Info: Info, To: "alice", Refused: "nobody",
//				Received: server.receipts, Down: server.stop, Up: server.start, Stall: server.freeze,
//			}
//		})
//	}
//
// The kit is the contract of backends.Backend in executable form. A backend adds only what the kit cannot know: how to
// read what has arrived, and what would be a breach of its own protocol. The promises are these; a test that fails
// begins with the one that was broken:
//
//   - Info has every field filled in
//   - CheckAddress gives the canonical form of an address, and an error for what is none
//   - metrics keep to their model, and no label holds an address or a secret
//   - Send gives nil only for what the far end has taken, and that arrives
//   - a notice that arrives whole has its text
//   - every reason's filter name must be readable in what was sent
//   - a digest names each of its notices
//   - account mail arrives, although it has neither a topic nor reasons
//   - a parcel that is sent twice is recognised as one
//   - Send is safe for concurrent use: each parcel arrives, and once
//   - Send returns when its context ends
//   - an error about neither the address nor the content is worth a retry: it does not wrap ErrRefused
//   - an address that the far end refuses for good is ErrGone, and the others still work
//   - what could not be sent while the server was down is taken when it is back
//   - no notice breaks out of the protocol, and the next one arrives as ever
//   - a marked notice shows its standing, and nothing that its sender wrote becomes a link
//   - an error holds neither an address nor a secret
//   - Run returns nil soon after its context ends
//   - a Runner that is not Everywhere sends again once Run is called again
//
// An arrival that has not come is not waited for by the clock alone: the kit sends a mark behind it. When the mark has
// arrived and the notice has not, it is lost, and the test fails within seconds.
package backendtest

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
)

// patience is for a server, for a mark that is sent behind something, and for the end of Run. Only a failing test waits
// so long; a machine that is busy needs it. The kit's own tests set it.
var patience = 30 * time.Second

const (
	prompt = 5 * time.Second // a Send after the end of its context
	soon   = 2 * time.Second // an arrival, before a mark is sent behind it
)

// A Fixture is a backend under test and the far end of it: a real or in-process server with a reader.
type Fixture struct {
	Backend backends.Backend // a backends.Runner is run for the length of the test
	Info    backends.Info
	To      string // an address that takes everything
	// Refused is an address that the backend refuses for good; "" where it has none.
	Refused string
	// Secrets must appear in no error: passwords, tokens. The kit adds the addresses.
	Secrets []string
	// Received gives what has arrived so far at To, oldest first.
	Received func() []Receipt
	// Down makes the backend's server unreachable, Up brings it back. nil: it cannot be down.
	Down, Up func()
	// Stall makes the server accept connections or commands and answer none, until the test ends or Up is called.
	// nil: it cannot stall.
	Stall func()
	// Intact looks at everything that went over the wire for breaches that the kit cannot know: a header too many, an
	// IRC line that is not ours. It is called after each test. nil: nothing to check.
	Intact func(t testing.TB)
	// Many is the size of the kit's digest; 0 is 20. Set it lower where the backend is paced.
	Many int
	// Whole says that a notice arrives with its full text and its reasons, not only with its title.
	Whole bool
}

// A Receipt is one parcel, or a part of one, as a person gets it.
type Receipt struct {
	To   string
	ID   string // what makes a repeated parcel recognisable (the Message-ID); "" where the backend has nothing like it
	Text string // all the words a person sees, decoded, spaces collapsed
	Page string // the same as markup, with its links, where the backend sends such a form too
}

// Run runs the whole kit. open is called once for each part and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *bench)
	}{
		{"info", testInfo},
		{"metrics", testMetrics},
		{"one notice", testOne},
		{"digest", testDigest},
		{"account message", testAccount},
		{"retry", testRetry},
		{"concurrent", testConcurrent},
		{"cancelled before", testCancelled},
		{"deadline while stalled", testStalled},
		{"cancel while stalled", testCancelStalled},
		{"refused", testRefused},
		{"down and back", testDown},
		{"hostile", testHostile},
		{"marked", testMarked},
		{"next term", testNextTerm},
	} {
		t.Run(part.name, func(t *testing.T) {
			b := newBench(t, open(t))
			part.test(t, b)
			if b.Intact != nil {
				b.Intact(t)
			}
		})
	}
}
