package ircsink

import (
	"fmt"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

// handle does one command, and sends the answer as one (IRCv3 labeled-response); false ends the connection.
func (s *Server) handle(c *client, m ircmsg.Message) (alive bool) {
	s.mu.Lock()
	if present, label := m.GetTag("label"); present && c.caps["labeled-response"] {
		c.label = label
	}
	s.mu.Unlock()
	do, alive := s.obey(c, m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !alive {
		return false
	}
	defer c.flush()
	if do {
		alive = s.do(c, m)
	}
	return alive
}

// do finds the command.
func (s *Server) do(c *client, m ircmsg.Message) (alive bool) {
	if m.Command == "QUIT" {
		s.leave(c, "Quit: "+short(last(m)))
		return false
	}
	if f := unregistered[m.Command]; f != nil {
		f(c, m)
		return true
	}
	if !c.registered {
		c.numeric("451", ":You have not registered")
		return true
	}
	known := commands[m.Command]
	switch {
	case known.do == nil:
		c.numeric("421", m.Command, ":Unknown command")
	case len(m.Params) < known.params:
		c.numeric("461", m.Command, ":Not enough parameters")
	default:
		known.do(c, m)
	}
	return true
}

// numeric answers the client by a numeric.
func (c *client) numeric(number string, params ...string) {
	c.say(number + " " + starred(c.nick) + " " + strings.Join(params, " "))
}

// say says a line of the server to the client.
func (c *client) say(rest string) { c.reply(reply{rest: ":" + c.server.options.Name + " " + rest}) }

// reply keeps a line for the end of the command, where the client has labelled it.
func (c *client) reply(r reply) {
	if c.caps["server-time"] {
		r.tags = append(r.tags, "time="+c.server.options.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	if c.label != "" {
		c.replies = append(c.replies, r)
		return
	}
	c.push(r.String())
}

// hear says a line that another user has caused, with who that is.
func (c *client) hear(from *client, rest string) {
	r := reply{rest: ":" + from.mask() + " " + rest}
	if c.caps["account-tag"] && from.account != "" {
		r.tags = append(r.tags, "account="+from.account)
	}
	if c == from {
		c.reply(r)
		return
	}
	if c.caps["server-time"] {
		r.tags = append(r.tags, "time="+c.server.options.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	c.push(r.String())
}

// flush ends a labelled answer: none is ACK, several are a batch.
func (c *client) flush() {
	label, replies := c.label, c.replies
	c.label, c.replies = "", nil
	switch {
	case label == "":
	case len(replies) == 0:
		c.push("@label=" + label + " :" + c.server.options.Name + " ACK")
	case len(replies) == 1:
		replies[0].tags = append(replies[0].tags, "label="+label)
		c.push(replies[0].String())
	default:
		name := ":" + c.server.options.Name
		c.push("@label=" + label + " " + name + " BATCH +answer labeled-response")
		for _, r := range replies {
			r.tags = append(r.tags, "batch=answer")
			c.push(r.String())
		}
		c.push(name + " BATCH -answer")
	}
}

// mask is nick!user@host.
func (c *client) mask() string { return c.nick + "!" + c.user + "@" + c.host }

func starred(nick string) string {
	if nick == "" {
		return "*"
	}
	return nick
}

func last(m ircmsg.Message) string {
	if len(m.Params) == 0 {
		return ""
	}
	return m.Params[len(m.Params)-1]
}

// short bounds what a client has others see.
func short(text string) string { return text[:min(len(text), maxText)] }

// fold gives the one form of a name, as CASEMAPPING says.
func (s *Server) fold(name string) string {
	for _, token := range s.features {
		if token == "CASEMAPPING=rfc1459" {
			name = strings.NewReplacer("[", "{", "]", "}", `\`, "|", "~", "^").Replace(name)
		}
	}
	return strings.ToLower(name)
}

// welcome greets a client that has said who it is.
func (c *client) welcome() {
	s, o := c.server, c.server.options
	c.numeric("001", ":Welcome to "+o.Network+", a network for tests and demonstrations, "+c.mask())
	c.numeric("002", ":Your host is "+o.Name+", running "+o.Version)
	c.numeric("003", ":Nothing here outlives the process")
	c.numeric("004", o.Name, o.Version, "BDgiRw", "klnot")
	for i := 0; i < len(s.features); i += 12 {
		c.numeric("005", append(append([]string{}, s.features[i:min(i+12, len(s.features))]...),
			":are supported by this server")...)
	}
	c.lusers()
	c.motd()
}

// lusers says how many users and servers there are.
func (c *client) lusers() {
	text := fmt.Sprintf(":There are %d users", len(c.server.users))
	if servers := c.server.options.Servers; servers > 0 {
		text += fmt.Sprintf(" and 0 services on %d servers", servers)
	}
	c.numeric("251", text)
}

func (c *client) motd() {
	if len(c.server.options.Motd) == 0 {
		c.numeric("422", ":There is no message of the day")
		return
	}
	c.numeric("375", ":- "+c.server.options.Name+" -")
	for _, line := range c.server.options.Motd {
		c.numeric("372", ":- "+line)
	}
	c.numeric("376", ":End of the message of the day")
}
