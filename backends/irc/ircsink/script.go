package ircsink

import (
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// An Event is a command of a client, before it is done.
type Event struct {
	Nick    string // "" before it has one
	Command string // in capitals
	Params  []string
	Number  int // of this command on this connection, from 1
}

// To is the first parameter; "" where there is none.
func (e Event) To() string {
	if len(e.Params) == 0 {
		return ""
	}
	return e.Params[0]
}

// A Reply is what the server does. The zero Reply has it do the command.
type Reply struct {
	// Lines are said to the client first. {me} and {to} stand for its nick and the first parameter; a line that does not
	// begin with ":" comes from the server.
	Lines []string
	Late  []string      // the same, After that long: as answers that come from another server
	After time.Duration // for Late
	Skip  bool          // the command is not done
	Drop  bool          // the connection is closed, without a word of the server's own
	Delay time.Duration // wait so long first
}

// A Script decides what happens to a command. It is called by many goroutines at once.
type Script func(Event) Reply

// obey runs the script; false when the command is not to be done, or the connection is closed.
func (s *Server) obey(c *client, m ircmsg.Message) (do, alive bool) {
	if s.options.Script == nil {
		return true, true
	}
	s.mu.Lock()
	c.counts[m.Command]++
	e := Event{Nick: c.nick, Command: m.Command, Params: m.Params, Number: c.counts[m.Command]}
	if len(c.counts) > maxWatched {
		clear(c.counts)
	}
	s.mu.Unlock()
	r := s.options.Script(e)
	s.pause(r.Delay)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range r.Lines {
		c.reply(reply{rest: s.fill(line, c, e)})
	}
	for _, line := range r.Late {
		s.later(r.After, c, s.fill(line, c, e))
	}
	if r.Drop {
		c.flush()
		s.leave(c, "Connection reset")
		if !c.gone {
			c.gone = true
			close(c.out)
		}
		return false, false
	}
	return !r.Skip, true
}

func (s *Server) fill(line string, c *client, e Event) string {
	line = strings.NewReplacer("{me}", starred(c.nick), "{to}", e.To()).Replace(line)
	if !strings.HasPrefix(line, ":") && !strings.HasPrefix(line, "ERROR ") {
		line = ":" + s.options.Name + " " + line
	}
	return line
}

// pause waits, at most until the server is closed.
func (s *Server) pause(d time.Duration) {
	for end := time.Now().Add(d); d > 0; d = time.Until(end) {
		t := time.NewTimer(min(d, 20*time.Millisecond))
		<-t.C
		s.mu.Lock()
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return
		}
	}
}

// later says a line after a while. The caller holds the lock.
func (s *Server) later(d time.Duration, c *client, line string) {
	s.all.Go(func() {
		s.pause(d)
		s.mu.Lock()
		defer s.mu.Unlock()
		c.push(line)
	})
}
