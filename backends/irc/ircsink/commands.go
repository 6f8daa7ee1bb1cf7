package ircsink

import (
	"strconv"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

// unregistered are the commands that a client may say before it is registered.
var unregistered = map[string]func(*client, ircmsg.Message){
	"CAP": doCap, "NICK": doNick, "USER": doUser, "AUTHENTICATE": doAuthenticate,
	"PASS": func(*client, ircmsg.Message) {},
	"PONG": func(*client, ircmsg.Message) {},
	"PING": func(c *client, m ircmsg.Message) { c.say("PONG " + c.server.options.Name + " :" + last(m)) },
}

// commands are those that a registered client may say, and how many parameters each needs.
var commands = map[string]struct {
	params int
	do     func(*client, ircmsg.Message)
}{
	"PRIVMSG": {0, doMessage}, "NOTICE": {0, doMessage},
	"JOIN": {1, doJoin}, "PART": {1, doPart}, "NAMES": {1, doNames}, "TOPIC": {1, doTopic}, "LIST": {0, doList},
	"MODE": {1, doMode}, "WHO": {1, doWho}, "WHOIS": {1, doWhois}, "WHOWAS": {1, doWhowas},
	"ISON": {1, doIson}, "MONITOR": {1, doMonitor}, "USERHOST": {1, doUserhost}, "AWAY": {0, doAway},
	"MOTD":    {0, func(c *client, _ ircmsg.Message) { c.motd() }},
	"LUSERS":  {0, doLusers},
	"VERSION": {0, doVersion},
}

func doLusers(c *client, _ ircmsg.Message) {
	c.lusers()
	c.numeric("254", strconv.Itoa(len(c.server.channels)), ":channels formed")
}

func doVersion(c *client, _ ircmsg.Message) {
	c.numeric("351", c.server.options.Version, c.server.options.Name, ":for tests and demonstrations")
}

func doAway(c *client, m ircmsg.Message) {
	c.away = short(last(m))
	if c.away == "" {
		c.numeric("305", ":You are no longer marked as being away")
		return
	}
	c.numeric("306", ":You have been marked as being away")
}

// doMode notes modes of the client itself, and shows those of a channel.
func doMode(c *client, m ircmsg.Message) {
	s, to := c.server, m.Params[0]
	if ch := s.channels[s.fold(to)]; ch != nil {
		if len(m.Params) == 1 {
			c.numeric("324", ch.name, "+nt")
			c.numeric("329", ch.name, strconv.FormatInt(ch.made.Unix(), 10))
		}
		return
	}
	switch {
	case strings.HasPrefix(to, "#"):
		c.numeric("403", short(to), ":No such channel")
	case s.users[s.fold(to)] == nil:
		c.numeric("401", short(to), ":No such nick/channel")
	case s.users[s.fold(to)] != c:
		c.numeric("502", ":Cannot change mode for other users")
	case len(m.Params) == 1:
		c.numeric("221", "+"+c.modes)
	default:
		c.changeModes(m.Params[1])
	}
}

func (c *client) changeModes(change string) {
	add := true
	for _, r := range change[:min(len(change), 20)] {
		switch {
		case r == '+' || r == '-':
			add = r == '+'
		case !strings.ContainsRune("BDgiRw", r):
			c.numeric("501", ":Unknown MODE flag")
		case add && !strings.ContainsRune(c.modes, r):
			c.modes += string(r)
		case !add:
			c.modes = strings.ReplaceAll(c.modes, string(r), "")
		}
	}
	c.hear(c, "MODE "+c.nick+" :"+change[:min(len(change), 20)])
}
