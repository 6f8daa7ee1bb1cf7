package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// fast is a configuration whose times suit a test.
func fast(addrs ...string) Config {
	c := Config{Endpoints: map[string]Addresses{}, RetryMin: 5 * time.Millisecond, RetryMax: 50 * time.Millisecond}
	for i, a := range addrs {
		c.Endpoints[fmt.Sprintf("e%d", i)] = Addresses{a}
	}
	return c
}

// subscribe runs a Source for the time of the test.
func subscribe(t *testing.T, c Config, queue int) (*Source, *bus.Intake) {
	t.Helper()
	s, err := New(c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	in, ended := bus.NewIntake(bus.IntakeConfig{Frames: queue, Batch: 1}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, in) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run = %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run has not ended")
		}
	})
	return s, in
}

func receive(t testing.TB, in *bus.Intake) bus.Frame {
	t.Helper()
	limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	batch, open := in.Next(limit)
	if !open {
		t.Fatal("no frame came")
	}
	return batch[0]
}

// want checks the next frame.
func want(t testing.TB, in *bus.Intake, topic, payload string) {
	t.Helper()
	if f := receive(t, in); f.Topic != topic || string(f.Payload) != payload {
		t.Fatalf("frame %q %.100q, want %q %.100q", f.Topic, f.Payload, topic, payload)
	}
}

// unused is an address where nobody listens yet.
func unused(t testing.TB) string { return fmt.Sprintf("tcp://127.0.0.1:%d", exectest.FreePort(t)) }

func TestReceivesFromLibzmq(t *testing.T) {
	for _, addr := range []string{"tcp://127.0.0.1:*", "ipc://" + t.TempDir() + "/bus"} {
		t.Run(addr[:3], func(t *testing.T) {
			noLeaks(t)
			pub := startPython(t, "XPUB", "bind", addr)
			c := fast(pub.addr)
			c.Topics = []string{"org.a.*", "org.b"}
			s, in := subscribe(t, c, 10)
			pub.subscribed("org.a.")
			pub.subscribed("org.b")
			pub.do(`{"send": ["org.c", "not ours"]}`)
			pub.do(`{"send": ["org.a.x", "one"]}`)
			pub.do(`{"send": ["org.a.one-frame"]}`)
			pub.do(`{"send": ["org.a.three", "frames", "here"]}`)
			pub.do(`{"send": ["org.bb", ""]}`)
			if f := receive(t, in); f.Source != "e0" || f.Topic != "org.a.x" || string(f.Payload) != "one" {
				t.Errorf("frame %+v", f)
			} else {
				f.Done()
			}
			want(t, in, "org.bb", "")
			e := s.Stats().Endpoints[0]
			if !e.Connected || e.Received != 2 || e.Dropped[DroppedParts] != 2 || e.Connects != 1 ||
				e.LastMessage.IsZero() || e.Address != pub.addr {
				t.Errorf("stats %+v", e)
			}
		})
	}
}

// TestReceivesFromPUB needs no XPUB: it sends until the subscription has arrived, as fedmsg's sleep hopes it has.
func TestReceivesFromPUB(t *testing.T) {
	pub := startPython(t, "PUB", "bind", "tcp://127.0.0.1:*")
	_, in := subscribe(t, fast(pub.addr), 1000)
	pub.do(`{"send": ["t", "%%d"], "times": 400, "every": 0.01}`)
	first := receive(t, in)
	if first.Topic != "t" {
		t.Errorf("frame %+v", first)
	}
}

func TestSurvivesARestartAndALateEndpoint(t *testing.T) {
	noLeaks(t)
	addr := unused(t)
	s, in := subscribe(t, fast(addr), 10)
	eventually(t, "a failed dial", func() bool { return s.Stats().Endpoints[0].Failures[FailedDial] > 1 })
	for i := range 3 {
		pub := startPython(t, "XPUB", "bind", addr)
		pub.subscribed("")
		pub.do(`{"send": ["t", "%d"]}`, i)
		want(t, in, "t", fmt.Sprint(i))
		pub.kill()
		eventually(t, "the loss is noticed", func() bool { return !s.Stats().Endpoints[0].Connected })
	}
	if e := s.Stats().Endpoints[0]; e.Connects != 3 || e.Received != 3 {
		t.Errorf("stats %+v", e)
	}
}

func TestNoticesAStoppedPublisher(t *testing.T) {
	noLeaks(t)
	pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
	c := fast(pub.addr)
	c.Heartbeat, c.Timeout = 400*time.Millisecond, 2*time.Second // a busy machine must not look like a stopped publisher
	s, in := subscribe(t, c, 10)
	pub.subscribed("")
	pub.signal(syscall.SIGSTOP)
	eventually(t, "the silence is noticed", func() bool { return s.Stats().Endpoints[0].Failures[FailedSilent] > 0 })
	if s.Stats().Endpoints[0].Connected {
		eventually(t, "not connected", func() bool { return !s.Stats().Endpoints[0].Connected })
	}
	pub.signal(syscall.SIGCONT)
	eventually(t, "connected again", func() bool { return s.Stats().Endpoints[0].Connected })
	pub.subscribed("")
	pub.do(`{"send": ["t", "after"]}`)
	want(t, in, "t", "after")
}

// TestOneOfSeveralRestarts is the case in which zmq4's own sockets lose one endpoint for ever and double another.
func TestOneOfSeveralRestarts(t *testing.T) {
	noLeaks(t)
	addr := unused(t)
	var pubs []*pyPeer
	for _, a := range []string{addr, "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"} {
		pubs = append(pubs, startPython(t, "XPUB", "bind", a))
	}
	s, in := subscribe(t, fast(pubs[0].addr, pubs[1].addr, pubs[2].addr), 100)
	seen := map[string]int{}
	round := func(name string) {
		for i, p := range pubs {
			p.do(`{"send": ["t", "%s %d"]}`, name, i)
		}
		for range pubs {
			seen[string(receive(t, in).Payload)]++
		}
	}
	for _, p := range pubs {
		p.subscribed("")
	}
	round("before")
	pubs[0].kill()
	pubs[0] = startPython(t, "XPUB", "bind", addr)
	pubs[0].subscribed("")
	round("after")
	round("last")
	if len(seen) != 9 || in.Len() != 0 {
		t.Errorf("messages %v and %d more, want nine, each once", seen, in.Len())
	}
	for i, e := range s.Stats().Endpoints {
		if e.Connects != []uint64{2, 1, 1}[i] || e.Received != 3 {
			t.Errorf("stats %+v", e)
		}
	}
}

// TestHeartbeats lets both sides beat, ours and libzmq's, in turn: an idle connection must stand. The messages come 3s
// apart, longer than either side waits for an answer, and both wait more than 2s, for a busy machine.
func TestHeartbeats(t *testing.T) {
	for name, c := range map[string]struct {
		options []string
		ours    time.Duration
	}{
		"libzmq's": {[]string{"HEARTBEAT_IVL=100", "HEARTBEAT_TIMEOUT=2500"}, -1},
		"ours":     {nil, 600 * time.Millisecond},
		"both":     {[]string{"HEARTBEAT_IVL=100", "HEARTBEAT_TIMEOUT=2500"}, 600 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pub := startPython(t, append([]string{"XPUB", "bind", "tcp://127.0.0.1:*"}, c.options...)...)
			config := fast(pub.addr)
			config.Heartbeat = c.ours
			s, in := subscribe(t, config, 10)
			pub.subscribed("")
			pub.do(`{"send": ["t", "%%d"], "times": 2, "every": 3}`)
			want(t, in, "t", "1")
			want(t, in, "t", "2")
			if e := s.Stats().Endpoints[0]; e.Connects != 1 || len(e.Failures) > 0 {
				t.Errorf("stats %+v", e)
			}
		})
	}
}

func TestSilenceMakesAnewConnection(t *testing.T) {
	pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
	c := fast(pub.addr)
	c.Heartbeat, c.Silence = 200*time.Millisecond, 400*time.Millisecond
	s, in := subscribe(t, c, 10)
	pub.subscribed("")
	pub.subscribed("")
	if e := s.Stats().Endpoints[0]; e.Failures[FailedSilent] == 0 {
		t.Errorf("stats %+v", e)
	}
	pub.do(`{"send": ["t", "%%d"], "times": 100, "every": 0.02}`)
	receive(t, in)
}

func TestLargeMessages(t *testing.T) {
	pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*", "XPUB_VERBOSE=1")
	s, in := subscribe(t, fast(pub.addr), 10)
	pub.subscribed("")
	pub.do(`{"send": ["t"], "size": %d}`, bus.MaxPayload)
	if f := receive(t, in); len(f.Payload) != bus.MaxPayload {
		t.Errorf("payload of %d bytes", len(f.Payload))
	}
	pub.do(`{"send": ["t"], "size": %d}`, bus.MaxPayload+1)
	pub.do(`{"send": ["t", "still here"]}`)
	want(t, in, "t", "still here")
	pub.do(`{"send": ["t"], "size": %d}`, bus.MaxPayload+2000)
	eventually(t, "the connection is ended", func() bool { return s.Stats().Endpoints[0].Failures[FailedTooLarge] == 1 })
	pub.subscribed("")
	pub.do(`{"send": ["t", "again here"]}`)
	want(t, in, "t", "again here")
	if e := s.Stats().Endpoints[0]; e.Failures[FailedTooLarge] != 1 || e.Dropped[bus.DroppedLarge] != 1 {
		t.Errorf("stats %+v", e)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*")
	c := fast(pub.addr)
	c.OnFull = Drop
	s, in := subscribe(t, c, 3)
	pub.subscribed("")
	pub.do(`{"send": ["t", "{\"i\": %%d}"], "times": 10}`)
	eventually(t, "all ten received", func() bool { return s.Stats().Endpoints[0].Received == 10 })
	eventually(t, "seven dropped", func() bool { return s.Stats().Endpoints[0].Dropped[bus.DroppedFull] == 7 })
	want(t, in, "t", `{"i": 1}`)
}

// TestFramesSayWhatMayBeMissing restarts a publisher: the first frame after that says so. A frame is whole where every
// topic is subscribed to.
func TestFramesSayWhatMayBeMissing(t *testing.T) {
	for _, topics := range [][]string{nil, {"t"}} {
		pub := startPython(t, "XPUB", "bind", "tcp://127.0.0.1:*")
		c := fast(pub.addr)
		c.Topics = topics
		_, in := subscribe(t, c, 10)
		for _, resumed := range []bool{false, true} {
			pub.subscribed(strings.Join(topics, ""))
			for i := range 2 {
				pub.do(`{"send": ["t", "x"]}`)
				f := receive(t, in)
				if f.Resumed != (resumed && i == 0) || f.Whole != (topics == nil) {
					t.Errorf("topics %q, after a restart %v, frame %d: %+v", topics, resumed, i, f)
				}
			}
			if !resumed {
				pub.kill()
				pub = startPython(t, "XPUB", "bind", pub.addr)
			}
		}
	}
}

func TestTroubleIsLoggedOncePerCause(t *testing.T) {
	var log exectest.Log
	s, err := New(fast(unused(t)), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, bus.NewIntake(bus.IntakeConfig{})) }()
	eventually(t, "five failed dials", func() bool { return s.Stats().Endpoints[0].Failures[FailedDial] >= 5 })
	cancel()
	<-ended
	for range 1000 {
		s.endpoints[0].accept([][]byte{nil})
		s.endpoints[0].accept([][]byte{[]byte("\xff"), nil})
	}
	text := log.String()
	if n := strings.Count(text, "not connected"); n != 1 {
		t.Errorf("%d lines about the connection:\n%s", n, text)
	}
	if n := strings.Count(text, "messages dropped"); n != 2 {
		t.Errorf("%d lines about drops, want 2:\n%s", n, text)
	}
}
