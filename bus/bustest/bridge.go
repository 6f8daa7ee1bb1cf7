package bustest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A BridgeFixture is a driver of bridges under test and the far end of its bus: RunBridge is to bus.Bridge what Run is
// to bus.Source.
type BridgeFixture struct {
	Driver bus.BridgeDriver
	// Config is the driver's section of the configuration, in YAML, with one bridge.
	Config string
	// Mistakes are sections that Open must refuse, by the key that its error must name.
	Mistakes map[string]string
	// Secrets must appear in no error and no log.
	Secrets []string

	// Received gives all that the other bus has, in the order in which it came, with its repeats.
	Received func(t testing.TB) []Arrived
	// Never are loads that the other bus will never take: each is to be refused, and nothing else.
	Never []bus.Load
	// Down makes the other bus die, Up brings it back at the same address, with what it has confirmed.
	Down, Up func(t testing.TB)
	// Attacks are what a hostile peer in the other bus's place can do. Each is Alone. An attack may begin with the next
	// connection, and that may fail.
	Attacks []Attack
	// Timeout is that of Config: how long one silence of the other bus may last.
	Timeout time.Duration
}

// Arrived is a message as it is on the other bus.
type Arrived struct {
	ID, Topic string
	Body      []byte // JSON
}

// The promises of bus.Bridge; those that a source makes too have the same words.
const (
	promiseConfirmed  = "what Carry calls done is with the other bus, in the order of loads"
	promiseCarried    = "a message keeps its id, its topic and its body"
	promiseNever      = "what the other bus will never take is done and told, and stops nothing"
	promiseNotNow     = "what the other bus does not take now is an error, and not done"
	promiseAgainLater = "after an error Carry works as soon as the other bus does"
	promiseCarryEnd   = "Carry returns within seconds of ctx's end"
	promiseClosed     = "after Close all that a bridge started has ended"
	promiseCarryLong  = "nothing that the other bus does keeps Carry for longer than its timeout"
)

var bridgeParts = []struct {
	name string
	test func(*bridgeBench)
}{
	{"driver", testBridgeDriver},
	{"mistakes", testBridgeMistakes},
	{"order", testBridgeOrder},
	{"bodies", testBridgeBodies},
	{"refused", testBridgeRefused},
	{"outage", testBridgeOutage},
	{"outage while it works", testBridgeCut},
	{"attacks", testBridgeAttacks},
	{"end", testBridgeEnd},
}

// RunBridge runs the whole kit for bridges. open is called once for each part, and cleans up by t.Cleanup.
func RunBridge(t *testing.T, open func(t testing.TB) BridgeFixture) {
	for _, part := range bridgeParts {
		t.Run(part.name, func(t *testing.T) {
			part.test(newBridgeBench(t, open(t)))
		})
	}
}

var bridgeName = regexp.MustCompile(`^to_[a-z][a-z0-9]*$`)

func testBridgeDriver(b *bridgeBench) {
	d := b.Driver
	if !bridgeName.MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") {
		b.broken(promiseDriver, "the name %q is not to_ and one word, or the doc %q is no sentence", d.Name, d.Doc)
	}
	if all := checkMistaken(b.report, d.Open); all != nil {
		b.broken(promiseMistake, "Open gives %v where decode fails, want nil", all)
	}
	b.start()
	b.close() // although it never carried
}

func testBridgeMistakes(b *bridgeBench) {
	for _, key := range slices.Sorted(maps.Keys(b.Mistakes)) {
		all, err := b.openBy(b.Mistakes[key])
		switch {
		case err == nil:
			b.broken(promiseMistake, "Open = nil with the configuration\n%s", b.Mistakes[key])
		case !strings.Contains(err.Error(), key):
			b.broken(promiseMistake, "Open = %q, which does not name %s", err, key)
		case all != nil:
			b.broken(promiseMistake, "Open gives bridges beside its error, want nil")
		}
	}
	unknown := strings.Replace(b.Config, "{", "{no_such_key: 1, ", 1)
	if _, err := b.openBy(unknown); err == nil || !strings.Contains(err.Error(), "no_such_key") {
		b.broken(promiseMistake, "Open = %v, which does not name no_such_key", err)
	}
}
