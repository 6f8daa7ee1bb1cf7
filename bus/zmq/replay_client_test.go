package zmq

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// startStore starts a publisher with a store, and a client of it.
func startStore(t *testing.T) (*pyPeer, bus.Archive) {
	t.Helper()
	store := startScript(t, "testdata/store.py", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*")
	return store, replayAt(t, store.replay)
}

// replayAt makes a client that waits for an answer for a time that suits an honest server.
func replayAt(t *testing.T, addr string) bus.Archive {
	t.Helper()
	return replayWithin(t, addr, 15*time.Second)
}

// soon makes a client that does not wait long.
func soon(t *testing.T, addr string) bus.Archive { return replayWithin(t, addr, time.Second) }

func replayWithin(t *testing.T, addr string, timeout time.Duration) bus.Archive {
	t.Helper()
	c := fast("tcp://127.0.0.1:1")
	c.Replay = ReplayConfig{Endpoints: map[string]string{"e0": addr}, Timeout: timeout}
	s, err := New(c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return s.Archives()["e0"]
}

// published waits until the store has that many messages.
func (p *pyPeer) published(n int) {
	p.t.Helper()
	for e := p.next(); e.Published != n; e = p.next() {
	}
}

// fetch gives the numbers that an archive gives for a hole.
func fetch(t *testing.T, a bus.Archive, h bus.Hole) ([]int64, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var numbers []int64
	err := a.Fetch(ctx, h, func(p bus.Page) error {
		for _, f := range p.Frames {
			m, err := bus.Decode(f, time.Now())
			if err != nil {
				return err
			}
			numbers = append(numbers, m.Sequence)
		}
		if len(numbers) > 0 && p.Next <= numbers[len(numbers)-1] {
			t.Errorf("%d came, and the next would be %d", numbers[len(numbers)-1], p.Next)
		}
		return nil
	})
	return numbers, err
}

func upTo(first, last int64) (all []int64) {
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

func TestReplayFillsHoles(t *testing.T) {
	store, archive := startStore(t)
	store.do(`{"keep": 450}`)
	store.published(450)
	store.do(`{"forget": [7, 8, 100, 101, 102, 200]}`)
	store.published(450)
	without := func(all []int64) []int64 {
		return slices.DeleteFunc(all, func(n int64) bool { return slices.Contains([]int64{7, 8, 100, 101, 102, 200}, n) })
	}
	for _, c := range []struct {
		name string
		hole bus.Hole
		want []int64
	}{
		{"one", bus.Hole{First: 5, Last: 5}, []int64{5}},
		{"several pages", bus.Hole{First: 4, Last: 333}, without(upTo(4, 333))},
		{"as far as there is anything", bus.Hole{First: 4}, without(upTo(4, 450))},
		{"nothing is new", bus.Hole{First: 451}, nil},
		{"what is gone", bus.Hole{First: 7, Last: 8}, nil},
		{"what never was", bus.Hole{First: 1 << 40, Last: 1<<40 + 1<<20}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.hole.Sequence = true
			if got, err := fetch(t, archive, c.hole); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("Fetch(%+v) = %d numbers, %v, want %d", c.hole, len(got), err, len(c.want))
			}
		})
	}
	if _, err := fetch(t, archive, bus.Hole{First: 1, Last: 2}); !errors.Is(err, bus.ErrCannotAsk) {
		t.Errorf("Fetch of a hole in a counter: %v", err)
	}
}

// TestReplayOfFedmsg: fedmsg's own server answers a range with an error, because of a mistake in it.
func TestReplayOfFedmsg(t *testing.T) {
	store, archive := startStore(t)
	store.do(`{"keep": 250, "ranges": false}`)
	store.published(250)
	got, err := fetch(t, archive, bus.Hole{Sequence: true, First: 10, Last: 220})
	if err != nil || !slices.Equal(got, upTo(10, 220)) {
		t.Errorf("Fetch = %d numbers, %v, want 211", len(got), err)
	}
}

// TestReplayOfLargeMessages: an answer of a hundred would be too large.
func TestReplayOfLargeMessages(t *testing.T) {
	store, archive := startStore(t)
	store.do(`{"size": 1000000, "keep": 60}`)
	store.published(60)
	got, err := fetch(t, archive, bus.Hole{Sequence: true, First: 1, Last: 60})
	if err != nil || !slices.Equal(got, upTo(1, 60)) {
		t.Errorf("Fetch = %v, %v, want 1 to 60", got, err)
	}
}

// TestReplayAfterAFailure: a REQ socket that has lost an answer is not used again.
func TestReplayAfterAFailure(t *testing.T) {
	store, _ := startStore(t)
	archive := soon(t, store.replay)
	store.do(`{"keep": 5, "mute": true}`)
	store.published(5)
	hole := bus.Hole{Sequence: true, First: 2, Last: 4}
	if got, err := fetch(t, archive, hole); err == nil || len(got) > 0 {
		t.Errorf("Fetch from a server that does not answer = %v, %v", got, err)
	}
	store.kill()
	if got, err := fetch(t, archive, hole); err == nil {
		t.Errorf("Fetch from a server that is gone = %v", got)
	}
	store = startScript(t, "testdata/store.py", "tcp://127.0.0.1:*", store.replay)
	store.do(`{"keep": 5}`)
	store.published(5)
	if got, err := fetch(t, archive, hole); err != nil || !slices.Equal(got, upTo(2, 4)) {
		t.Errorf("Fetch = %v, %v, want 2 to 4", got, err)
	}
}

// TestReplayFromHostileServers: whatever comes, Fetch ends with an error, in time.
func TestReplayFromHostileServers(t *testing.T) {
	noLeaks(t)
	rep := join(greeting(), readyAs("REP"))
	for name, serve := range map[string]func(net.Conn){
		"silent":             says(nil),
		"no ZMTP":            says([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"a publisher":        says(greetingAndReady()),
		"no answer":          says(rep),
		"no delimiter":       says(join(rep, part(0, []byte("{}")))),
		"a handshake of TiB": says(join(greeting(), header(flagCommand, 1<<40))),
		"commands for ever":  endless(rep, command("PING", []byte{0, 0})),
		"PINGs, slowly":      steady(rep, command("PING", []byte{0, 0}), 10*time.Millisecond),
		"half an answer":     says(join(rep, part(flagMore, nil), header(0, 100), []byte("{"))),
		"errors": says(join(rep, part(flagMore, nil), part(0, []byte("error: 'no'")), part(flagMore, nil),
			part(0, []byte("error: 'no'")))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := fetch(t, soon(t, server(t, serve)), bus.Hole{Sequence: true, First: 1, Last: 9}); err == nil {
				t.Errorf("Fetch = %v, want an error", got)
			}
		})
	}
}

// TestReplayFromServersThatLie: what was not asked for, or is too large, is left out; Fetch moves on and ends.
func TestReplayFromServersThatLie(t *testing.T) {
	noLeaks(t)
	rep := join(greeting(), readyAs("REP"))
	other := part(0, []byte(`{"topic":"t","msg":{},"seq_id":77}`))
	for name, serve := range map[string]func(net.Conn){
		"other numbers":      endless(rep, join(part(flagMore, nil), part(flagMore, []byte("{}")), other)),
		"a message of a TiB": says(join(rep, part(flagMore, nil), header(0, 1<<40))),
		"parts for ever":     endless(join(rep, part(flagMore, nil)), part(flagMore, []byte("{}"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fetch(t, replayAt(t, server(t, serve)), bus.Hole{Sequence: true, First: 1, Last: 9})
			if err != nil || len(got) > 0 {
				t.Errorf("Fetch = %v, %v, want nothing", got, err)
			}
		})
	}
}

func TestReplayConfig(t *testing.T) {
	for endpoints, want := range map[string]string{"e1": "no such name", "e0": "tcp://host:port"} {
		c := fast("tcp://127.0.0.1:1")
		c.Replay.Endpoints = map[string]string{endpoints: "nowhere"}
		if _, err := New(c, quiet()); err == nil || !strings.Contains(err.Error(), "replay.endpoints: "+endpoints) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}
