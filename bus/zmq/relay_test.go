package zmq

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// TestContractOfRelay: the publisher is a socket of libzmq that connects, and is made to wait.
func TestContractOfRelay(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		path := t.TempDir() + "/relay"
		start := func() *pyPeer {
			return startPython(t, "XPUB", "connect", "ipc://"+path, "XPUB_VERBOSE=1", "RECONNECT_IVL=10", "SNDHWM=0")
		}
		pub := start()
		return bustest.Fixture{
			Driver: RelayDriver(), Config: fmt.Sprintf("listen: ['ipc://%s']\npublish: ['ipc://%s-out']", path, path),
			Waits: true, Listens: true,
			Mistakes: map[string]string{
				"listen": "publish: ['ipc://x']", "publish": "listen: ['ipc://x']\npublish: [nowhere]",
				"queue": "listen: ['ipc://x']\nqueue: -1", "twice": "listen: ['ipc://x', 'ipc://x']",
			},
			Publish: func(t testing.TB, messages ...bus.Frame) int { return pub.sendFrames(t, messages...) },
			Ready:   func(testing.TB) { pub.subscribed("") },
			Down:    func(testing.TB) { pub.kill() },
			Up:      func(testing.TB) { pub = start() },
		}
	})
}

// TestRelayHandsOnWhatItReceives: two addresses in, two out, all of libzmq. What nobody takes from the Intake yet is
// handed on all the same.
func TestRelayHandsOnWhatItReceives(t *testing.T) {
	noLeaks(t)
	dir := "ipc://" + t.TempDir()
	c := RelayConfig{Listen: []string{dir + "/a", dir + "/b"}, Publish: []string{dir + "/c", dir + "/d"}}
	r := must[*Relay](t)(NewRelay(c, quiet()))
	if err := r.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := bus.NewIntake(bus.IntakeConfig{})
	stop := runSource(t, r, in)
	subs := []*pySub{newPySub(t, dir+"/c", ""), newPySub(t, dir+"/d", "")}
	for _, o := range r.out {
		if err := o.publisher.WaitSubscribed(within(t), "t"); err != nil {
			t.Fatal(err)
		}
	}
	var want []bus.Frame
	for _, address := range c.Listen {
		pub := startPython(t, "XPUB", "connect", address)
		pub.subscribed("")
		for i := range 20 {
			f := bus.Frame{Topic: "org.example.t", Payload: fmt.Appendf(nil, "%s %d no JSON \x00\xff", address, i)}
			pub.sendFrames(t, f)
			want = append(want, f)
		}
		for _, s := range subs {
			for i, f := range want[len(want)-20:] {
				if got, err := s.Next(20 * time.Second); err != nil || string(got.Payload) != string(f.Payload) {
					t.Fatalf("message %d: %q, %v; want %q", i, got.Payload, err, f.Payload)
				}
			}
		}
	}
	eventually(t, "all wait for the router", func() bool { return in.Len() == len(want) })
	if f := nextBatch(t, in); f.Source != "relay" || string(f.Payload) != string(want[0].Payload) {
		t.Errorf("the router gets %+v", f)
	}
	stop()
	for _, s := range subs {
		s.Close()
	}
}

// TestARelayWithoutPublishersIsUp: hooks come for a moment, so that none is there is nobody's alarm.
func TestARelayWithoutPublishersIsUp(t *testing.T) {
	noLeaks(t)
	r := must[*Relay](t)(NewRelay(RelayConfig{Listen: []string{"ipc://" + t.TempDir() + "/in"}}, quiet()))
	in := bus.NewIntake(bus.IntakeConfig{})
	stop := runSource(t, r, in)
	up := func() bool { return r.meters[0].Traffic().Connected }
	eventually(t, "it is up", up)
	pub := startPython(t, "XPUB", "connect", r.config.Listen[0])
	pub.subscribed("")
	pub.kill()
	eventually(t, "the publisher is gone", func() bool { return r.in[0].Stats().Peers == 0 })
	if !up() {
		t.Error("a relay counts as down when its last publisher has gone")
	}
	stop()
}

func nextBatch(t testing.TB, in *bus.Intake) bus.Frame {
	t.Helper()
	frames, ok := in.Next(within(t))
	if !ok {
		t.Fatal("the Intake is closed")
	}
	for _, f := range frames {
		f.Done()
	}
	return frames[0]
}

// TestRelayNeedsEveryAddress: where one is taken it takes none.
func TestRelayNeedsEveryAddress(t *testing.T) {
	taken := bind(t, "ipc://"+t.TempDir()+"/taken", PublisherConfig{})
	defer taken.Close()
	free := "ipc://" + t.TempDir() + "/free"
	for _, c := range []RelayConfig{
		{Listen: []string{free, taken.Addr()}, Publish: []string{free + "-out"}},
		{Listen: []string{free}, Publish: []string{free + "-out", taken.Addr()}},
	} {
		r := must[*Relay](t)(NewRelay(c, quiet()))
		if err := r.Bind(t.Context()); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%+v: %v", c, err)
		}
		again := bind(t, free, PublisherConfig{})
		out := bind(t, free+"-out", PublisherConfig{})
		again.Close()
		out.Close()
	}
}

// runSource runs a source until stop is called.
func runSource(t testing.TB, s bus.Source, in *bus.Intake) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, in) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
