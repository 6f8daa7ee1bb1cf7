package ircsink

import (
	"bufio"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

const (
	maxLine      = 4096 + 512 // of tags, which a client may send 4094 bytes of, and of the rest
	maxQueue     = 1024       // lines to a client that does not read
	writeTimeout = 10 * time.Second
	registerIn   = time.Minute
)

var errTooLong = errors.New("input line too long")

// A client is one connection, or a user that Add has made, who has none. All but its goroutines' own fields belongs to
// the server's lock.
type client struct {
	server *Server
	conn   net.Conn // nil: there is none
	out    chan string
	gone   bool // out is closed

	nick, user, real, host string
	away, account, modes   string
	service                bool
	registered, capping    bool
	caps                   map[string]bool
	joined                 map[*channel]bool
	watched                map[string]string // nicks as they were asked for, by folded nick
	counts                 map[string]int    // of each command
	login                  login

	label   string // of the command in hand
	replies []reply
}

// A reply is a line to a client.
type reply struct {
	tags []string
	rest string
}

func (r reply) String() string {
	if len(r.tags) == 0 {
		return r.rest
	}
	return "@" + strings.Join(r.tags, ";") + " " + r.rest
}

// serve takes a connection; false where there are too many.
func (s *Server) serve(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= s.options.Clients {
		return false
	}
	c := &client{server: s, conn: conn, out: make(chan string, maxQueue), host: "sink.invalid",
		caps: map[string]bool{}, joined: map[*channel]bool{}, watched: map[string]string{}, counts: map[string]int{}}
	s.open[c] = true
	s.connections++
	s.all.Go(c.read)
	s.all.Go(c.write)
	return true
}

// write writes what is queued, until the queue is closed.
func (c *client) write() {
	defer c.conn.Close()
	for line := range c.out {
		c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
			c.conn.Close()
			for range c.out { // the reader sees the end, and closes the queue
			}
			return
		}
	}
}

// read does what the client says, until the connection ends.
func (c *client) read() {
	in := &lineReader{in: bufio.NewReaderSize(c.conn, maxLine)}
	asked := false
	c.conn.SetReadDeadline(time.Now().Add(registerIn))
	for {
		line, err := in.next()
		if errors.Is(err, os.ErrDeadlineExceeded) && !asked && c.ping() {
			asked = true
			c.conn.SetReadDeadline(time.Now().Add(c.server.options.Idle))
			continue
		}
		if err != nil {
			c.end(reasonOf(err))
			return
		}
		asked = false
		c.conn.SetReadDeadline(time.Now().Add(c.server.options.Idle))
		m, err := ircmsg.ParseLineStrict(line, false, 512)
		if err != nil || m.Command == "" {
			continue
		}
		if !c.server.handle(c, m) {
			c.end("Client quit")
			return
		}
	}
}

func reasonOf(err error) string {
	switch {
	case errors.Is(err, errTooLong):
		return "Input line too long"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "Ping timeout"
	}
	return "Connection closed"
}

// A lineReader reads lines of bounded length. A deadline in the middle of a line loses nothing.
type lineReader struct {
	in   *bufio.Reader
	rest []byte
}

func (r *lineReader) next() (string, error) {
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.rest)+len(part) > maxLine || errors.Is(err, bufio.ErrBufferFull) {
			return "", errTooLong
		}
		r.rest = append(r.rest, part...)
		if err != nil {
			return "", err
		}
		line := strings.TrimRight(string(r.rest), "\r\n")
		r.rest = r.rest[:0]
		if line != "" {
			return line, nil
		}
	}
}

// ping asks a silent client whether it is there; false before it is registered.
func (c *client) ping() bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.registered {
		c.push("PING :" + c.server.options.Name)
	}
	return c.registered
}

// push queues a line as it is.
func (c *client) push(line string) {
	if c.conn == nil || c.gone {
		return
	}
	select {
	case c.out <- line:
	default:
		c.gone = true // it does not read
		close(c.out)
		c.conn.Close()
	}
}

// end takes the client away, with a last word.
func (c *client) end(reason string) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.push("ERROR :Closing Link: " + c.nick + " (" + reason + ")")
	c.server.leave(c, reason)
	if !c.gone {
		c.gone = true
		close(c.out)
	}
	delete(c.server.open, c)
}
