package irc_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends/irc"
)

// A quirk is how a hostile server differs: it reports whether it has dealt with the line. It may write anything and
// close the connection.
type quirk func(c net.Conn, line string) bool

// listen runs a server with this quirk that is polite otherwise, until the test is over.
func listen(t *testing.T, q quirk) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				if q(c, "") {
					return
				}
				for in := bufio.NewScanner(c); in.Scan(); {
					if line := in.Text(); !q(c, line) {
						polite(c, line)
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// polite answers as a small IRC server does. Its AUTHENTICATE is InspIRCd's, with a colon.
func polite(c net.Conn, line string) {
	command, rest, _ := strings.Cut(line, " ")
	switch {
	case strings.HasPrefix(line, "CAP LS"):
		io.WriteString(c, ":s CAP * LS :sasl\r\n")
	case strings.HasPrefix(line, "CAP REQ"):
		fmt.Fprintf(c, ":s CAP * ACK %s\r\n", strings.TrimPrefix(line, "CAP REQ "))
	case line == "AUTHENTICATE PLAIN":
		io.WriteString(c, "AUTHENTICATE :+\r\n")
	case command == "AUTHENTICATE":
		io.WriteString(c, ":s 903 notifyd :SASL authentication successful\r\n")
	case command == "USER":
		io.WriteString(c, ":s 001 notifyd :Welcome\r\n:s 376 notifyd :End of MOTD\r\n")
	case command == "WHOIS":
		io.WriteString(c, ":s 311 notifyd notifyd notifyd host * :notifyd\r\n:s 318 notifyd notifyd :End\r\n")
	case command == "PING":
		fmt.Fprintf(c, ":s PONG s %s\r\n", rest)
	case command == "QUIT":
		c.Close()
	}
}

// at does something when a line begins so; "" is the moment of connecting.
func at(prefix string, do func(c net.Conn)) quirk {
	return func(c net.Conn, line string) bool {
		if prefix == "" && line != "" || !strings.HasPrefix(line, prefix) {
			return false
		}
		do(c)
		return true
	}
}

func hangUp(c net.Conn)    { c.Close() }
func saysNothing(net.Conn) {}

// endlessLine sends a line without an end until the other side has had enough.
func endlessLine(c net.Conn) {
	for block := []byte(strings.Repeat("x", 4096)); ; {
		if _, err := c.Write(block); err != nil {
			return
		}
	}
}

// stopsReading talks and never listens: sooner or later nobody can write any more.
func stopsReading(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "PING :you\r\n"); err != nil {
			return
		}
	}
}

func says(text string) func(net.Conn) {
	return func(c net.Conn) { io.WriteString(c, text) }
}

const garbage = ":\r\n \r\n@\r\n@;;=;\r\n: 001\r\n:s\r\n:s \r\n001\r\n:s 001\r\n:s 005\r\n:s 005 notifyd =\r\n:s 005 notifyd NICKLEN= A=\\x\\ :x\r\n" +
	":s 311\r\n:s 311 notifyd\r\n:s 330 notifyd notifyd\r\n:s 396\r\n:s 396 notifyd\r\n:s 401\r\n:s 417\r\n:s 432\r\n:s 433\r\n:s 437\r\n:s 999\r\n" +
	":s 0000000 x\r\nNICK\r\n:notifyd NICK\r\n:notifyd!u@h NICK :\r\n:notifyd!u@h NICK :new name\r\nCHGHOST\r\n:notifyd CHGHOST\r\n:notifyd CHGHOST a\r\n" +
	"PONG\r\n:s PONG\r\n:s PONG :\r\nPING\r\nCAP\r\n:s CAP\r\n:s CAP *\r\n:s CAP * ACK\r\n:s CAP * NEW :\r\n:s CAP * DEL :sasl\r\nAUTHENTICATE\r\n" +
	"BATCH\r\n:s BATCH +\r\n:s BATCH -\r\n:s BATCH +a\r\n@batch=a :s BATCH +a a\r\n@batch=nope :s PRIVMSG\r\n@label=1 ACK\r\n@label=99 :s BATCH +q labeled-response\r\n" +
	"PRIVMSG\r\n:a PRIVMSG\r\n:a!b@c PRIVMSG notifyd\r\n:!@ PRIVMSG notifyd :help\r\n:#c!b@c PRIVMSG notifyd :help\r\n:a,b!c@d PRIVMSG notifyd :help\r\n" +
	"ERROR\r\nKILL\r\nJOIN\r\nMODE\r\n\xff\xfe\xfd\r\n:\xff!\xff@\xff NOTICE \xff :\xff\r\n"

// hostile are servers that never take a line.
var hostile = []struct {
	name string
	do   quirk
}{
	{"closes at once", at("", hangUp)},
	{"closes at CAP", at("CAP LS", hangUp)},
	{"closes at REQ", at("CAP REQ", hangUp)},
	{"closes at AUTHENTICATE", at("AUTHENTICATE", hangUp)},
	{"closes at the credentials", at("AUTHENTICATE b", hangUp)},
	{"closes at NICK", at("NICK", hangUp)},
	{"closes at USER", at("USER", hangUp)},
	{"closes at WHOIS", at("WHOIS", hangUp)},
	{"closes at PRIVMSG", at("PRIVMSG", hangUp)},
	{"closes at PING", at("PING", hangUp)},
	{"error and close", at("USER", func(c net.Conn) { io.WriteString(c, "ERROR :Closing link: banned\r\n"); c.Close() })},
	{"silent from the start", at("C", saysNothing)},
	{"silent at AUTHENTICATE", at("AUTHENTICATE", saysNothing)},
	{"silent at USER", at("USER", saysNothing)},
	{"silent at WHOIS and PING", func(_ net.Conn, line string) bool {
		return strings.HasPrefix(line, "WHOIS") || strings.HasPrefix(line, "PING")
	}},
	{"never answers PING", func(c net.Conn, line string) bool {
		return strings.HasPrefix(line, "PING") && !strings.HasPrefix(line, "PING notifyd-1")
	}},
	{"answers the wrong PING", at("PING", says(":s PONG s :notifyd-999\r\n"))},
	{"endless line at once", at("", endlessLine)},
	{"endless line at PRIVMSG", at("PRIVMSG", endlessLine)},
	{"stops reading at once", at("", stopsReading)},
	{"stops reading at PRIVMSG", at("PRIVMSG", stopsReading)},
	{"refuses every nick", func(c net.Conn, line string) bool {
		if strings.HasPrefix(line, "NICK") {
			io.WriteString(c, strings.Repeat(":s 433 * notifyd :in use\r\n:s 432 * notifyd :erroneous\r\n", 3))
		}
		return strings.HasPrefix(line, "NICK") || strings.HasPrefix(line, "USER")
	}},
	{"refuses the login", at("AUTHENTICATE b", says(":s 904 notifyd :SASL authentication failed\r\n"))},
	{"endless challenge", at("AUTHENTICATE", says(strings.Repeat("AUTHENTICATE "+strings.Repeat("A", 400)+"\r\n", 50)))},
	{"batches without end", at("PRIVMSG", func(c net.Conn) {
		for i := range 100 {
			fmt.Fprintf(c, ":s BATCH +a%d labeled-response\r\n", i)
		}
	})},
	{"garbage and errors", func(c net.Conn, line string) bool { io.WriteString(c, garbage); return false }},
	{"not IRC", at("", says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n\x15\x03\x01\x00\x02\x02\x46"))},
}

// TestHostileServers wants an error in time from every one of them, and an end. main_test looks for goroutines left.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	for _, test := range hostile {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, stop := open(t, irc.Config{Networks: []irc.Network{impatient(listen(t, test.do))}})
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			sent := make(chan error, 1)
			go func() { sent <- b.Send(ctx, parcel("alice", notice("one"))) }()
			select {
			case err := <-sent:
				if err == nil {
					t.Error("Send() = nil, but the server took nothing")
				}
			case <-time.After(patience):
				t.Error("Send() does not end with its context")
			}
			stop()
		})
	}
}

// TestBearsWhatAServerSays has servers that talk nonsense but do their work: the lines arrive nevertheless.
func TestBearsWhatAServerSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   quirk
	}{
		{"polite", func(net.Conn, string) bool { return false }},
		{"NUL bytes", func(c net.Conn, line string) bool {
			io.WriteString(c, "\x00\r\n:s 401 notifyd alice\x00 :No such nick\r\n:s PRIVMSG \x00\r\n")
			return false
		}},
		{"empty lines", func(c net.Conn, line string) bool {
			io.WriteString(c, strings.Repeat("\r\n\n", 50))
			return false
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			heard := make(chan string, 1)
			port := listen(t, func(c net.Conn, line string) bool {
				if strings.HasPrefix(line, "PRIVMSG alice :") {
					select {
					case heard <- line:
					default:
					}
				}
				return test.do(c, line)
			})
			b, _ := open(t, irc.Config{Networks: []irc.Network{account(port)}})
			ctx := short(t)
			retry(ctx, t, func() error { return b.Send(ctx, parcel("alice", notice("one"))) })
			select {
			case got := <-heard:
				if got != "PRIVMSG alice :[copr] one https://example.org/1 (my builds)" {
					t.Errorf("the server heard %q", got)
				}
			case <-ctx.Done():
				t.Error("the server heard nothing")
			}
		})
	}
}

// account is a network with a login.
func account(port string) irc.Network {
	c := fast(network(port))
	c.SASL = irc.SASL{Mechanism: "plain", Username: "notifyd", Password: "swordfish"}
	c.RequireAccount = "false" // the servers here know nobody's account
	return c
}

// impatient is a network with a login whose every step has little time.
func impatient(port string) irc.Network {
	c := account(port)
	c.ConnectTimeout, c.SendTimeout, c.KeepAlive = time.Second, time.Second, time.Second
	return c
}
