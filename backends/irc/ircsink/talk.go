package ircsink

import (
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// A Message is what a client said to somebody, and the server took.
type Message struct {
	From, To, Text string
	Notice         bool
	At             time.Time
}

// maxTargets is what TARGMAX says.
const maxTargets = 4

func doMessage(c *client, m ircmsg.Message) {
	switch {
	case len(m.Params) == 0:
		c.numeric("411", ":No recipient given ("+m.Command+")")
		return
	case len(m.Params) < 2 || m.Params[1] == "":
		c.numeric("412", ":No text to send")
		return
	}
	targets := strings.Split(m.Params[0], ",")
	if len(targets) > maxTargets {
		c.numeric("407", short(targets[maxTargets]), ":Too many targets. The maximum is 4 for "+m.Command)
		targets = targets[:maxTargets]
	}
	for _, to := range targets {
		if strings.HasPrefix(to, "#") {
			c.tellChannel(m.Command, to, m.Params[1])
		} else {
			c.tellUser(m.Command, to, m.Params[1])
		}
	}
}

func (c *client) tellUser(command, to, text string) {
	s := c.server
	other := s.users[s.fold(to)]
	if other == nil && command == "NOTICE" {
		return // RFC 2812, 3.3.2: no server answers it
	}
	if other == nil {
		c.numeric("401", short(to), ":No such nick/channel")
		return
	}
	if !other.service && !s.mayTalk(c, other) {
		return
	}
	line := command + " " + other.nick + " :" + text
	c.echo(line)
	if other.away != "" && command == "PRIVMSG" {
		c.numeric("301", other.nick, ":"+other.away)
	}
	if other.service {
		s.serveNick(c, text)
		return
	}
	s.conversed(other, c)
	if other != c || !c.caps["echo-message"] {
		other.hear(c, line)
	}
	s.note(Message{From: c.nick, To: other.nick, Text: text, Notice: command == "NOTICE", At: s.options.Now()})
}

func (c *client) tellChannel(command, to, text string) {
	s := c.server
	ch := s.channels[s.fold(to)]
	switch {
	case ch == nil:
		c.numeric("403", short(to), ":No such channel")
		return
	case !ch.members[c]:
		c.numeric("404", ch.name, ":Cannot send to nick/channel")
		return
	}
	line := command + " " + ch.name + " :" + text
	c.echo(line)
	ch.tell(c, line, true)
	s.note(Message{From: c.nick, To: ch.name, Text: text, Notice: command == "NOTICE", At: s.options.Now()})
}

// echo shows the client its own line, as others see it.
func (c *client) echo(line string) {
	if c.caps["echo-message"] {
		c.hear(c, line)
	}
}

// note keeps a message and wakes those that wait.
func (s *Server) note(m Message) {
	s.messages = append(s.messages, m)
	if over := len(s.messages) - keep; over > 0 {
		s.messages = append([]Message{}, s.messages[over:]...)
		s.dropped += over
	}
	close(s.changed)
	s.changed = make(chan struct{})
}
