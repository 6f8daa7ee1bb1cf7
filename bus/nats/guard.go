package nats

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/notifyd/notifyd/bus/sessions"
)

// A guard stands between the network and the client library, and refuses what the library does not.
//
// The library makes a buffer of the size that a server states, whatever it is: a hostile server would end the program.
// It also keeps a line of any length. A guard follows the protocol (https://docs.nats.io/reference/reference-protocols)
// as far as its lines and sizes, and ends the connection where one is out of bounds. It follows it as the library does,
// byte for byte, and refuses every line that the two might read differently.
//
// TLS begins after the server's first line. The guard begins it, so that it sees what comes within.
type guard struct {
	net.Conn // with TLS, once there is any
	raw      net.Conn
	secure   func() (*tls.Config, error) // nil once TLS has begun, or need not
	must     bool                        // TLS is wanted, whatever the server says
	timeout  time.Duration

	line []byte // of the protocol, as far as it has come
	skip int    // bytes of a message that come before the next line
	tail bool   // the rest of the line after a message comes
	info bool   // the server's first line has come
}

const (
	// maxLine bounds a line. That of a large cluster, which lists all servers, has some kilobytes.
	maxLine = 256 << 10
	// maxMessage bounds a message with its headers. No server lets one pass that is larger.
	maxMessage = 64<<20 + maxLine
)

// Close ends the connection at once: TLS would wait to say farewell.
func (g *guard) Close() error { return g.raw.Close() }

// Read gives what the library may see.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		if err := g.scan(p[:n]); err != nil {
			return 0, sessions.Fail(FailedProtocol, err)
		}
	}
	return n, err
}

// Write begins TLS before the library's first line.
func (g *guard) Write(p []byte) (int, error) {
	if g.secure != nil && g.must {
		if err := g.begin(); err != nil {
			return 0, sessions.Fail(FailedTLS, err)
		}
	}
	g.secure = nil
	return g.Conn.Write(p)
}

func (g *guard) begin() error {
	config, err := g.secure()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	secured := tls.Client(g.raw, config)
	if err := secured.HandshakeContext(limited); err != nil {
		return err
	}
	g.Conn = secured
	return nil
}

// scan follows what comes.
func (g *guard) scan(text []byte) error {
	for len(text) > 0 {
		switch {
		case g.skip > 0:
			n := min(g.skip, len(text))
			g.skip -= n
			text = text[n:]
		default:
			end := bytes.IndexByte(text, '\n')
			if end < 0 {
				end = len(text) - 1
			}
			if g.tail {
				g.tail = text[end] != '\n'
				text = text[end+1:]
				continue
			}
			if len(g.line)+end+1 > maxLine {
				return fmt.Errorf("the server sends a line of more than %d bytes", maxLine)
			}
			g.line = append(g.line, text[:end+1]...)
			text = text[end+1:]
			if g.line[len(g.line)-1] == '\n' {
				if err := g.take(g.line); err != nil {
					return err
				}
				g.line = g.line[:0]
			}
		}
	}
	return nil
}

// strange is the error of a line that is none of the protocol.
func strange(line []byte) error {
	return fmt.Errorf("what answers does not speak the protocol of NATS: it says %.100q", line)
}

// take looks at a whole line.
func (g *guard) take(line []byte) error {
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || strings.ContainsAny(text, "\r\t\x00") {
		return strange(line)
	}
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "MSG", "HMSG":
		if n := size(verb, rest); n >= 0 {
			return g.message(n)
		}
	case "INFO":
		g.first(rest)
		return nil
	case "PING", "PONG", "+OK":
		if rest == "" {
			return nil
		}
	case "-ERR":
		return nil
	}
	return strange(line)
}

// size reads the line before a message: subject, number, perhaps a subject for answers, sizes. -1: it is no such line.
func size(verb, rest string) int {
	least := map[string]int{"MSG": 3, "HMSG": 4}[verb]
	fields := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' }) // a server may write two blanks
	if len(fields) != least && len(fields) != least+1 {
		return -1
	}
	n, err := strconv.ParseUint(fields[len(fields)-1], 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}

// message lets a message of n bytes pass.
func (g *guard) message(n int) error {
	if n > maxMessage {
		return fmt.Errorf("the server sends a message of %d bytes, more than any may have", n)
	}
	g.skip, g.tail = n+1, true // the library looks at no byte of the line's end but the last
	return nil
}

// first reads the server's first line, which says whether it wants TLS.
func (g *guard) first(text string) {
	if g.info {
		return
	}
	g.info = true
	var info struct {
		Wants bool `json:"tls_required"`
	}
	if json.Unmarshal([]byte(text), &info) == nil && info.Wants {
		g.must = true
	}
}
