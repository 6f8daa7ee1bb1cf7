package ircsink

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
)

// A channel exists while somebody is in it.
type channel struct {
	name, topic string
	made        time.Time
	members     map[*client]bool
	founder     *client
}

// tell says a line to everybody there, or to all but its author.
func (ch *channel) tell(from *client, line string, others bool) {
	for m := range ch.members {
		if !others || m != from {
			m.hear(from, line)
		}
	}
}

func doJoin(c *client, m ircmsg.Message) {
	for name := range strings.SplitSeq(m.Params[0], ",") {
		c.join(name)
	}
}

func (c *client) join(name string) {
	s := c.server
	ch := s.channels[s.fold(name)]
	switch {
	case len(name) < 2 || len(name) > 50 || name[0] != '#' || strings.ContainsAny(name, " \x07:"):
		c.numeric("403", short(name), ":No such channel")
		return
	case len(c.joined) >= maxJoined || ch == nil && len(s.channels) >= maxChannels:
		c.numeric("405", name, ":You have joined too many channels")
		return
	case ch == nil:
		ch = &channel{name: name, made: s.options.Now(), members: map[*client]bool{}, founder: c}
		s.channels[s.fold(name)] = ch
	case ch.members[c]:
		return
	}
	ch.members[c], c.joined[ch] = true, true
	ch.tellJoin(c)
	if ch.topic != "" {
		c.numeric("332", ch.name, ":"+ch.topic)
	}
	c.names(ch)
}

// tellJoin says that a client has come, with its account to those who understand that.
func (ch *channel) tellJoin(c *client) {
	for m := range ch.members {
		if m.caps["extended-join"] {
			m.hear(c, "JOIN "+ch.name+" "+starred(c.account)+" :"+c.real)
		} else {
			m.hear(c, "JOIN "+ch.name)
		}
	}
}

func doPart(c *client, m ircmsg.Message) {
	for name := range strings.SplitSeq(m.Params[0], ",") {
		ch := c.server.channels[c.server.fold(name)]
		if ch == nil || !ch.members[c] {
			c.numeric("442", short(name), ":You're not on that channel")
			continue
		}
		ch.tell(c, "PART "+ch.name, false)
		c.server.takeOut(ch, c)
	}
}

func (s *Server) takeOut(ch *channel, c *client) {
	delete(ch.members, c)
	delete(c.joined, ch)
	if len(ch.members) == 0 {
		delete(s.channels, s.fold(ch.name))
	}
}

func doNames(c *client, m ircmsg.Message) {
	if ch := c.server.channels[c.server.fold(m.Params[0])]; ch != nil {
		c.names(ch)
		return
	}
	c.numeric("366", short(m.Params[0]), ":End of /NAMES list")
}

func (c *client) names(ch *channel) {
	var names []string
	for _, m := range ch.sorted() {
		names = append(names, ch.rank(m)+m.nick)
	}
	for part := range slices.Chunk(names, 10) {
		c.numeric("353", "=", ch.name, ":"+strings.Join(part, " "))
	}
	c.numeric("366", ch.name, ":End of /NAMES list")
}

func (ch *channel) rank(c *client) string {
	if c == ch.founder {
		return "@"
	}
	return ""
}

func (ch *channel) sorted() []*client {
	return slices.SortedFunc(maps.Keys(ch.members), func(a, b *client) int { return strings.Compare(a.nick, b.nick) })
}

func doTopic(c *client, m ircmsg.Message) {
	ch := c.server.channels[c.server.fold(m.Params[0])]
	switch {
	case ch == nil:
		c.numeric("403", short(m.Params[0]), ":No such channel")
	case len(m.Params) > 1 && ch.founder != c:
		c.numeric("482", ch.name, ":You're not channel operator")
	case len(m.Params) > 1:
		ch.topic = short(m.Params[1])
		ch.tell(c, "TOPIC "+ch.name+" :"+ch.topic, false)
	case ch.topic == "":
		c.numeric("331", ch.name, ":No topic is set")
	default:
		c.numeric("332", ch.name, ":"+ch.topic)
	}
}

func doList(c *client, _ ircmsg.Message) {
	c.numeric("321", "Channel", ":Users Name")
	for _, name := range slices.Sorted(maps.Keys(c.server.channels)) {
		ch := c.server.channels[name]
		c.numeric("322", ch.name, strconv.Itoa(len(ch.members)), ":"+ch.topic)
	}
	c.numeric("323", ":End of /LIST")
}
