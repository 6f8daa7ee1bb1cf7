package ircsink

import (
	"strconv"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

func doWhois(c *client, m ircmsg.Message) {
	s, nick := c.server, last(m)
	defer c.numeric("318", short(nick), ":End of /WHOIS list")
	o := s.users[s.fold(nick)]
	if o == nil {
		c.numeric("401", short(nick), ":No such nick/channel")
		return
	}
	c.numeric("311", o.nick, o.user, o.host, "*", ":"+o.real)
	for ch := range o.joined {
		c.numeric("319", o.nick, ":"+ch.rank(o)+ch.name)
	}
	c.numeric("312", o.nick, s.options.Name, ":for tests and demonstrations")
	if o.service {
		c.numeric("313", o.nick, ":is a Network Service")
	}
	if o.account != "" {
		c.numeric("330", o.nick, o.account, ":is logged in as")
	}
	if o.away != "" {
		c.numeric("301", o.nick, ":"+o.away)
	}
}

func doWhowas(c *client, m ircmsg.Message) {
	c.numeric("406", short(m.Params[0]), ":There was no such nickname")
	c.numeric("369", short(m.Params[0]), ":End of WHOWAS")
}

func doWho(c *client, m ircmsg.Message) {
	s, mask := c.server, m.Params[0]
	var found []*client
	if ch := s.channels[s.fold(mask)]; ch != nil {
		found = ch.sorted()
	} else if o := s.users[s.fold(mask)]; o != nil {
		found = []*client{o}
	}
	for _, o := range found {
		here := "H"
		if o.away != "" {
			here = "G"
		}
		where := "*"
		if strings.HasPrefix(mask, "#") {
			where = mask
		}
		c.numeric("352", where, o.user, o.host, s.options.Name, o.nick, here, ":0 "+o.real)
	}
	c.numeric("315", short(mask), ":End of /WHO list")
}

func doIson(c *client, m ircmsg.Message) {
	var here []string
	for nick := range strings.FieldsSeq(strings.Join(m.Params, " ")) {
		if o := c.server.users[c.server.fold(nick)]; o != nil {
			here = append(here, o.nick)
		}
	}
	c.numeric("303", ":"+strings.Join(here, " "))
}

func doUserhost(c *client, m ircmsg.Message) {
	var all []string
	for _, nick := range m.Params[:min(len(m.Params), 5)] {
		if o := c.server.users[c.server.fold(nick)]; o != nil {
			all = append(all, o.nick+"=+"+o.user+"@"+o.host)
		}
	}
	c.numeric("302", ":"+strings.Join(all, " "))
}

// doMonitor is IRCv3 MONITOR.
func doMonitor(c *client, m ircmsg.Message) {
	if !c.server.has("MONITOR") {
		c.numeric("421", "MONITOR", ":Unknown command")
		return
	}
	var nicks []string
	if len(m.Params) > 1 {
		nicks = strings.Split(m.Params[1], ",")
	}
	switch strings.ToUpper(m.Params[0]) {
	case "+":
		c.watch(nicks)
	case "-":
		for _, nick := range nicks {
			delete(c.watched, c.server.fold(nick))
		}
	case "C":
		clear(c.watched)
	case "L":
		for _, nick := range c.watched {
			c.numeric("732", ":"+nick)
		}
		c.numeric("733", ":End of MONITOR list")
	case "S":
		for _, nick := range c.watched {
			c.tellPresence(nick)
		}
	}
}

func (c *client) watch(nicks []string) {
	for i, nick := range nicks {
		folded := c.server.fold(nick)
		if _, known := c.watched[folded]; !known && len(c.watched) >= c.server.mostWatched() {
			c.numeric("734", strconv.Itoa(c.server.mostWatched()), strings.Join(nicks[i:], ","), ":Monitor list is full.")
			return
		}
		if isNick(nick) {
			c.watched[folded] = nick
			c.tellPresence(nick)
		}
	}
}

func (s *Server) mostWatched() int {
	for _, token := range s.features {
		if value, ok := strings.CutPrefix(token, "MONITOR="); ok {
			if n, err := strconv.Atoi(value); err == nil {
				return min(n, maxWatched)
			}
		}
	}
	return maxWatched
}

func (c *client) tellPresence(nick string) {
	if o := c.server.users[c.server.fold(nick)]; o != nil {
		c.numeric("730", ":"+o.mask())
	} else {
		c.numeric("731", ":"+nick)
	}
}

// tellWatchers says to those who watch a nick that it has come or gone.
func (s *Server) tellWatchers(o *client, here bool) {
	for c := range s.open {
		nick, watches := c.watched[s.fold(o.nick)]
		switch {
		case watches && here:
			c.push(":" + s.options.Name + " 730 " + c.nick + " :" + o.mask())
		case watches:
			c.push(":" + s.options.Name + " 731 " + c.nick + " :" + nick)
		}
	}
}
