package bustest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// An OutletFixture is a driver of outlets under test and the far end of its bus: RunOutlet is to bus.Outlet what Run is
// to bus.Source.
//
//	bustest.RunOutlet(t, func(t testing.TB) bustest.OutletFixture {
//		path := t.TempDir() + "/out"
//		return bustest.OutletFixture{
//			Driver: GatewayDriver(), Config: "listen: ipc://" + path, Held: 256 << 20,
//			Mistakes:  map[string]string{"listen": "listen: nowhere"},
//			Subscribe: func(t testing.TB) bustest.Subscriber { return subscribe(t, path) },
//			Idle:      func(t testing.TB) func() { return subscribeAndNeverRead(t, path) },
//		}
//	})
type OutletFixture struct {
	Driver bus.OutletDriver
	// Config is the driver's section of the configuration, in YAML.
	Config string
	// Mistakes are sections that Open must refuse, by the key that its error must name.
	Mistakes map[string]string
	// Secrets must appear in no error and no log.
	Secrets []string

	// Held is the bytes that may wait for peers by Config, all together.
	Held int64
	// Subscribe connects a peer that wants every topic and reads. The kit waits until frames come to it.
	Subscribe func(t testing.TB) Subscriber
	// Idle connects a peer that wants every topic and never reads, until stop is called.
	Idle func(t testing.TB) (stop func())
	// Attacks are what a hostile peer can do.
	Attacks []Attack

	// Patience is how long the kit waits for what should happen, by default 30s.
	Patience time.Duration
}

// A Subscriber is a peer of an outlet.
type Subscriber interface {
	// Next gives the next frame, or an error when none comes within the time.
	Next(within time.Duration) (bus.Frame, error)
	Close()
}

// The promises of bus.Outlet; those that a source makes too have the same words.
const (
	promiseOutOrder   = "each peer gets the frames in the order of Publish, each once"
	promiseOutSame    = "a frame is handed on unchanged"
	promiseOutBounds  = "a frame out of bounds is handed to nobody, and counted"
	promiseNoWait     = "Publish never waits"
	promiseOutHeld    = "what waits for peers is bounded, whatever they do"
	promiseOutLoss    = "a peer that does not read loses frames, which are counted, and the log names it"
	promiseOutTough   = "nothing that a peer sends, or does not send, stops an outlet"
	promiseOutMetrics = "the metrics of an outlet are well-formed and count"
)

var outletParts = []struct {
	name string
	test func(*outletBench)
}{
	{"driver", testOutletDriver},
	{"mistakes", testOutletMistakes},
	{"order", testOutletOrder},
	{"bounds", testOutletBounds},
	{"nobody", testOutletNobody},
	{"late peer", testOutletLatePeer},
	{"idle peers", testOutletIdlePeers},
	{"attacks", testOutletAttacks},
	{"end before begin", testOutletEndBefore},
	{"end while full", testOutletEndFull},
}

// RunOutlet runs the whole kit for outlets. open is called once for each part, and cleans up by t.Cleanup.
func RunOutlet(t *testing.T, open func(t testing.TB) OutletFixture) {
	for _, part := range outletParts {
		t.Run(part.name, func(t *testing.T) {
			part.test(newOutletBench(t, open(t)))
		})
	}
}

func newOutletBench(t testing.TB, f OutletFixture) *outletBench {
	if f.Patience == 0 {
		f.Patience = 30 * time.Second
	}
	return &outletBench{f, newReport(t, f.Secrets)}
}

// outletBench is a fixture under test and what it logs.
type outletBench struct {
	OutletFixture
	*report
}

func (b *outletBench) open(config string) (bus.Outlet, error) {
	return openBy(b.report, b.Driver.Open, config)
}

func testOutletDriver(b *outletBench) {
	d := b.Driver
	if !driverName.MatchString(d.Name) || !strings.HasSuffix(d.Doc, ".") {
		b.broken(promiseDriver, "the name %q is not one word in small letters, or the doc %q is no sentence", d.Name, d.Doc)
	}
	if outlet := checkMistaken(b.report, d.Open); outlet != nil {
		b.broken(promiseMistake, "Open gives a %T where decode fails, want nil", outlet)
	}
	r := b.start()
	r.stop()
}

func testOutletMistakes(b *outletBench) {
	mistakes := maps.Clone(b.Mistakes)
	if mistakes == nil {
		mistakes = map[string]string{}
	}
	mistakes["no_such_key"] = "no_such_key: 1\n"
	if b.Config != "{}" {
		mistakes["no_such_key"] += b.Config
	}
	for _, key := range slices.Sorted(maps.Keys(mistakes)) {
		outlet, err := b.open(mistakes[key])
		switch {
		case err == nil:
			b.broken(promiseMistake, "Open = nil with the configuration\n%s", mistakes[key])
		case !strings.Contains(err.Error(), key):
			b.broken(promiseMistake, "Open = %q, which does not name %s", err, key)
		case outlet != nil:
			b.broken(promiseMistake, "Open gives a %T beside its error, want nil", outlet)
		}
	}
}
