package nats

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

func TestGuardFollowsTheProtocol(t *testing.T) {
	const stream = "INFO {}\r\nPONG\r\nMSG a 1 0\r\n\r\n+OK\r\nMSG a.b 2  5\r\nMSG x\r\nHMSG a 1 r 12 14\r\n" +
		"NATS/1.0\r\n\r\nhi\r\n-ERR 'no'\r\nPING\r\n"
	for size := range len(stream) {
		g := guard{}
		for text := []byte(stream); len(text) > 0; {
			n := min(size+1, len(text))
			if err := g.scan(text[:n]); err != nil {
				t.Fatalf("in pieces of %d: %v", size+1, err)
			}
			text = text[n:]
		}
		if g.skip > 0 || g.tail || len(g.line) > 0 {
			t.Fatalf("in pieces of %d: skip %d, tail %v, line %q at the end", size+1, g.skip, g.tail, g.line)
		}
	}
}

func TestGuardRefuses(t *testing.T) {
	for _, text := range []string{
		"MSG a 1 9223372036854775807\r\n", "MSG a 1 99999999\r\n", "MSG a 1 18446744073709551617\r\n", "MSG a 1 -1\r\n",
		"MSG a 1 \r99999\n", "MSG a 1 1\n", "MSG a 1\t5\r\n", "msg a 1 5\r\n", "MSG a 1\r\n",
		"MSG a 1 b 1 5\r\n", "MSG a 1 \r\n", "MSG a 1 +5\r\n", "HMSG a 1 5\r\n", "HMSG a 1 5 99999999\r\n", "PUB a 1\r\n", "\r\n", "PING x\r\n",
		"HTTP/1.1 400 Bad Request\r\n", strings.Repeat("x", maxLine+1), "INFO " + strings.Repeat("x", maxLine) + "\r\n",
	} {
		if err := (&guard{}).scan([]byte(text)); err == nil {
			t.Errorf("%.40q passes", text)
		}
	}
	if err := (&guard{}).scan([]byte("MSG a 1 67108864\r\n")); err != nil {
		t.Errorf("the largest message that a server lets pass: %v", err)
	}
}

// FuzzGuard: whatever a server sends, what the guard lets pass does not make the library panic, or take more memory
// than a message may need.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		"MSG a 1 3\r\nabc\r\nPING\r\n", "HMSG a 1 12 15\r\nNATS/1.0\r\n\r\nabc\r\n", "MSG a 1 \r99999\nMSG a 1 9\r\n",
		"+OK\r\n-ERR 'x'\r\nINFO {\"connect_urls\":[\"a:1\"]}\r\n", "MSG a 1 3\r\nabcd\nMSG a 1 9223372036854775807\r\n",
		"MSG a 1 0\r\n\nMSG a 1 9223372036854775807\r\n",
	} {
		f.Add([]byte(seed), 7)
	}
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		client, server := net.Pipe()
		defer server.Close()
		go func() {
			go io.Copy(io.Discard, server)
			io.WriteString(server, hello+"PONG\r\n")
			server.SetWriteDeadline(time.Now().Add(5 * time.Second))
			size = max(1, size&0xffff)
			for rest := bytes.NewReader(text); rest.Len() > 0; {
				if _, err := io.CopyN(server, rest, int64(min(size, rest.Len()))); err != nil {
					break
				}
			}
			server.Close()
		}()
		closed := make(chan struct{})
		conn, err := natsgo.Connect("nats://h", natsgo.SetCustomDialer(pipe{&guard{Conn: client, raw: client}}),
			natsgo.NoReconnect(), natsgo.SkipHostLookup(), natsgo.IgnoreDiscoveredServers(),
			natsgo.ErrorHandler(func(*natsgo.Conn, *natsgo.Subscription, error) {}),
			natsgo.ClosedHandler(func(*natsgo.Conn) { close(closed) }))
		if err != nil {
			return // the end has come before the library has begun
		}
		conn.Subscribe("a", func(*natsgo.Msg) {})
		<-closed
	})
}

// A pipe is a dialer that gives a connection that is there.
type pipe struct{ *guard }

func (p pipe) Dial(string, string) (net.Conn, error) { return p.guard, nil }
