// Package bustest is what every source must do, as a test: a source's own test opens a Fixture and calls Run.
//
//	func TestContract(t *testing.T) {
//		bustest.Run(t, func(t testing.TB) bustest.Fixture {
//			peer := startPeer(t)
//			return bustest.Fixture{
//				Driver: Driver(), Config: "address: " + peer.address, Publish: peer.publish, Waits: true,
//				Mistakes: map[string]string{"address": "address: nowhere"},
//			}
//		})
//	}
//
// The kit is the contract of bus.Source in executable form. A source adds only what the kit cannot know: how to send
// something over its bus, and what a hostile peer can do there. Each failure begins with the promise that is broken.
//
// A source whose input ends, as that of a file does, is tested on one that stays open while the kit publishes: a named
// pipe opened for reading and writing is a file that ends when it is closed.
package bustest

import (
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// Prompt is how soon Run must return when its context has ended.
const Prompt = 3 * time.Second

// A Fixture is a driver under test and the far end of its bus: a real or in-process peer.
type Fixture struct {
	Driver bus.Driver
	// Config is the driver's section of the configuration, in YAML, by which it receives from the peer.
	Config string
	// Mistakes are sections that Open must refuse, by the key that its error must name.
	Mistakes map[string]string
	// Secrets must appear in no error and no log: passwords and tokens of Config and Mistakes.
	Secrets []string

	// Publish sends messages over the bus, in this order, as one sender, and gives how many it sent: what the bus
	// cannot carry, such as a line break where lines are messages, it leaves out. It may return as soon as the bus has
	// them, or wait until they are acknowledged. It is called by several goroutines at once, so it must not end the
	// test by t.Fatal.
	Publish func(t testing.TB, messages ...bus.Frame) int
	// Ready waits until the source gets what is published; nil where the bus keeps it until then.
	Ready func(t testing.TB)

	// Waits says that the source makes the bus wait while the intake is full. Without it the source drops and counts.
	Waits bool
	// Redelivers says that a frame that was not done with when Run returned comes again to the next source.
	Redelivers bool
	// Composes says that the source makes the payload, of what the bus carries in another form: the message that Decode
	// makes of it is compared. Without it the payload must be the very bytes that were published.
	Composes bool
	// TopicInside says that the bus carries no topic beside the payload: the source reads it there (bus.PeekEnvelope).
	TopicInside bool
	// Acked is how many messages have been acknowledged on the bus. nil: the bus knows no acknowledgement.
	Acked func() int
	// End ends the input for good. nil: it has no end.
	End func(t testing.TB)
	// Down makes the peer die, Up brings it back at the same address. nil: there is no connection that could be lost.
	Down, Up func(t testing.TB)
	// Listens says that peers connect to the source. It is connected while it listens, whoever comes and goes.
	Listens bool
	// Attacks are what a hostile peer can do: garbage, half a frame, silence.
	Attacks []Attack

	// Patience is how long the kit waits for what should happen, by default 30s; Quiet how long it looks for what
	// should not, by default 200ms.
	Patience, Quiet time.Duration
}

// An Attack is something that a hostile peer does beside the honest one, until stop is called.
type Attack struct {
	Name  string
	Start func(t testing.TB) (stop func())
	// Alone says that the source has one peer only, and the attacker replaces it: an honest message must arrive after
	// the attack. Without it one must arrive during the attack too.
	Alone bool
}

// A part is one test of the kit.
type part struct {
	name string
	test func(*bench)
}

var parts = []part{
	{"driver", testDriver},
	{"mistakes", testMistakes},
	{"order", testOrder},
	{"end while idle", testEndIdle},
	{"end while full", testEndFull},
	{"end before begin", testEndBefore},
	{"end while down", testEndDown},
	{"spent", testSpent},
	{"acknowledge", testAcknowledge},
	{"again", testAgain},
	{"back-pressure", testBackPressure},
	{"held", testHeld},
	{"hostile frames", testHostile},
	{"attacks", testAttacks},
	{"reconnect", testReconnect},
	{"late peer", testLatePeer},
	{"next term", testNextTerm},
}

// Run runs the whole kit. open is called once for each part, and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t testing.TB) Fixture) {
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) { part.test(newBench(t, open(t))) })
	}
}
