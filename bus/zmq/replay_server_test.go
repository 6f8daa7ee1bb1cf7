package zmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
)

// A shelf keeps messages 1 to n of a size, as a history does. Its error is that of reading them.
type shelf struct {
	n, size int
	err     error
}

func (s shelf) Kept(ctx context.Context, q bus.KeptQuery, limit int, bytes int64) ([]bus.Kept, error) {
	if s.err != nil {
		return nil, s.err
	}
	var kept []bus.Kept
	for n := int64(1); n <= int64(s.n) && len(kept) < limit && bytes > 0; n++ {
		k := bus.Kept{Number: n, ID: fmt.Sprintf("2026-%d", n), Time: time.Unix(1795262400+n, 0)}
		if n >= q.First && n <= q.Last || slices.Contains(q.Numbers, n) || slices.Contains(q.IDs, k.ID) ||
			!k.Time.Before(q.Since) && !k.Time.After(q.Until) {
			k.Payload = fmt.Appendf(nil, `{"topic": "a.b.c.d", "msg": %q, "msg_id": %q}`, strings.Repeat("x", s.size), k.ID)
			kept, bytes = append(kept, k), bytes-int64(len(k.Payload))
		}
	}
	return kept, ctx.Err()
}

// serveShelf runs a replay server for the time of the test, and gives its address.
func serveShelf(t testing.TB, k bus.Keeper) string {
	t.Helper()
	c := fast("tcp://127.0.0.1:1")
	c.Timeout = time.Second
	s, err := New(c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.serveReplay(ctx, l, k); err != nil {
			t.Errorf("serveReplay = %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return "tcp://" + l.Addr().String()
}

// ask sends a request by libzmq's REQ socket and gives the answer.
func ask(t *testing.T, req *pyPeer, request string) []string {
	t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	req.do(`{"send": [%s]}`, text)
	return req.next().Received
}

// numbers gives the seq_ids of an answer, or its error.
func numbers(parts []string) string {
	var all []string
	for _, p := range parts {
		if strings.HasPrefix(p, "error: ") {
			return p
		}
		all = append(all, fmt.Sprint(bus.PeekEnvelope([]byte(p)).Sequence))
	}
	return strings.Join(all, " ")
}

func TestReplayServerAnswersLibzmq(t *testing.T) {
	noLeaks(t)
	req := startPython(t, "REQ", "connect", serveShelf(t, shelf{n: 9}))
	none := "error: 'There was no match for the given query'"
	for _, c := range []struct{ request, want string }{
		{`{"seq_id": 3}`, "3"},
		{`{"seq_ids": [5, 2, 77]}`, "2 5"},
		{`{"seq_id_range": [4, 6]}`, "4 5 6"},
		{`{"msg_id": "2026-7"}`, "7"},
		{`{"msg_ids": ["2026-1", "2026-9"]}`, "1 9"},
		{`{"time": [1795262402, 1795262403.5]}`, "2 3"},
		{`{"seq_id": 1, "seq_id_range": [8, 9], "msg_id": "2026-4"}`, "1 4 8 9"},
		{`{"seq_id": 10}`, none},
		{`{}`, none},
		{`{"seq_id_range": [1]}`, "error: 'a range has a first and a last number'"},
		{`{"time": [1e400, 2]}`, "error: 'the query is not a JSON object of seq_id, seq_ids, seq_id_range, msg_id, " +
			"msg_ids and time'"},
		{`{"what": 1}`, "error: 'the query is not a JSON object of seq_id, seq_ids, seq_id_range, msg_id, msg_ids and time'"},
		{`[]`, "error: 'the query is not a JSON object of seq_id, seq_ids, seq_id_range, msg_id, msg_ids and time'"},
		{`{"seq_id_range": [-9223372036854775808, 9223372036854775807]}`, "1 2 3 4 5 6 7 8 9"},
	} {
		if got := numbers(ask(t, req, c.request)); got != c.want {
			t.Errorf("%s: %s, want %s", c.request, got, c.want)
		}
	}
	want := `{"msg":"","msg_id":"2026-3","seq_id":3,"topic":"a.b.c.d"}`
	if got := ask(t, req, `{"seq_id": 3}`); len(got) != 1 || got[0] != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
}

// TestReplayFromOurselves: our client gets all from our server, although one answer holds a part of it only.
func TestReplayFromOurselves(t *testing.T) {
	noLeaks(t)
	for _, s := range []shelf{{n: 2500}, {n: 60, size: 300_000}} {
		archive := replayAt(t, serveShelf(t, s))
		for _, last := range []int64{int64(s.n), 0} {
			got, err := fetch(t, archive, bus.Hole{Sequence: true, First: 2, Last: last})
			if err != nil || !slices.Equal(got, upTo(2, int64(s.n))) {
				t.Errorf("%+v up to %d: %d numbers, %v", s, last, len(got), err)
			}
		}
	}
}

func TestReplayServerThatCannotRead(t *testing.T) {
	req := startPython(t, "REQ", "connect", serveShelf(t, shelf{err: errors.New("disk on fire at /secret")}))
	if got := numbers(ask(t, req, `{"seq_id": 3}`)); got != "error: 'the messages cannot be read now'" {
		t.Errorf("the answer is %s", got)
	}
}

// TestReplayServerUnderAttack: whatever others do, an honest client is answered.
func TestReplayServerUnderAttack(t *testing.T) {
	noLeaks(t)
	addr := serveShelf(t, shelf{n: 40, size: 100_000})
	req := join(greeting(), readyAs("REQ"))
	whole := join(part(flagMore, nil), part(0, []byte(`{"seq_id_range":[1,40]}`)))
	for name, attack := range map[string]func(net.Conn){
		"silent":              says(nil),
		"no ZMTP":             says([]byte("GET / HTTP/1.1\r\n\r\n")),
		"a request of a TiB":  says(join(req, header(0, 1<<40))),
		"half a request":      says(join(req, part(flagMore, nil), header(0, 100))),
		"no delimiter":        says(join(req, part(0, []byte("{}")))),
		"parts without end":   endless(req, part(flagMore, nil)),
		"a subscriber":        says(join(greeting(), readyAs("SUB"))),
		"asks without end":    endless(req, whole), // and reads nothing: 4 MB an answer
		"commands for ever":   endless(req, command("PING", []byte{0, 0})),
		"an answer to itself": func(c net.Conn) { c.Write(req); io.Copy(c, c) },
	} {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			var mu sync.Mutex
			var conns []net.Conn
			for range 3 {
				c, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp://"))
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				conns = append(conns, c)
				mu.Unlock()
				all.Go(func() { attack(c) })
			}
			got, err := fetch(t, replayAt(t, addr), bus.Hole{Sequence: true, First: 1, Last: 40})
			if err != nil || !slices.Equal(got, upTo(1, 40)) {
				t.Errorf("an honest client got %d numbers, %v", len(got), err)
			}
			for _, c := range conns {
				c.Close()
			}
			all.Wait()
		})
	}
}

// TestReplayServerHasRoomAgain: connections are bounded, and those that say nothing are cut off after a while.
func TestReplayServerHasRoomAgain(t *testing.T) {
	noLeaks(t)
	addr := serveShelf(t, shelf{n: 3})
	for range 2 * replayClients {
		c, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	archive := replayAt(t, addr)
	eventually(t, "a client is answered once the silent ones are gone", func() bool {
		got, err := fetch(t, archive, bus.Hole{Sequence: true, First: 1, Last: 3})
		return err == nil && len(got) == 3
	})
}

func FuzzReplayRequest(f *testing.F) {
	f.Add([]byte(`{"seq_id": 3, "seq_ids": [1], "seq_id_range": [1, 2], "msg_id": "x", "msg_ids": [], "time": [1.5, 2]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		q, err := parseReplayRequest(text)
		if err == nil && (q.First < 0 || q.Until.Year() > 9999 || q.Since.Year() < 1) {
			t.Errorf("%s becomes %+v", text, q)
		}
	})
}
