package ircsink

import (
	"slices"
	"strings"

	"github.com/ergochat/irc-go/ircmsg"
)

// everyCap are the capabilities that the server knows.
var everyCap = []string{"account-notify", "account-tag", "batch", "chghost", "echo-message", "extended-join",
	"labeled-response", "message-tags", "sasl", "server-time"}

// featuresOf gives the tokens of 005.
func featuresOf(o Options) []string {
	tokens := []string{"NETWORK=" + o.Network, "CASEMAPPING=ascii", "CHANTYPES=#", "CHANMODES=b,k,l,nt", "PREFIX=(ov)@+",
		"NICKLEN=30", "CHANNELLEN=50", "TOPICLEN=300", "AWAYLEN=300", "MODES=4", "MONITOR=100", "TARGMAX=PRIVMSG:4,NOTICE:4",
		"BOT=B", "SAFELIST"}
	for _, own := range o.Features {
		name, _, _ := strings.Cut(strings.TrimPrefix(own, "-"), "=")
		tokens = slices.DeleteFunc(tokens, func(t string) bool { return t == name || strings.HasPrefix(t, name+"=") })
		if !strings.HasPrefix(own, "-") {
			tokens = append(tokens, own)
		}
	}
	return tokens
}

func (s *Server) has(feature string) bool {
	return slices.ContainsFunc(s.features, func(t string) bool { return strings.HasPrefix(t+"=", feature+"=") })
}

func (s *Server) offers(name string) bool {
	return slices.Contains(s.options.Caps, name) && (name != "sasl" || s.options.Accounts != nil)
}

func doCap(c *client, m ircmsg.Message) {
	s := c.server
	if len(s.options.Caps) == 0 {
		c.numeric("421", "CAP", ":Unknown command")
		return
	}
	if len(m.Params) == 0 {
		return
	}
	switch strings.ToUpper(m.Params[0]) {
	case "LS":
		c.capping = c.capping || !c.registered
		names := slices.DeleteFunc(slices.Clone(s.options.Caps), func(name string) bool { return !s.offers(name) })
		if at := slices.Index(names, "sasl"); at >= 0 && len(m.Params) > 1 {
			names[at] += "=" + strings.Join(mechanisms, ",")
		}
		c.say("CAP " + starred(c.nick) + " LS :" + strings.Join(names, " "))
	case "LIST":
		var names []string
		for name := range c.caps {
			names = append(names, name)
		}
		c.say("CAP " + starred(c.nick) + " LIST :" + strings.Join(names, " "))
	case "REQ":
		c.capping = c.capping || !c.registered
		c.request(last(m))
	case "END":
		c.capping = false
		c.register()
	}
}

// request grants all capabilities of a list, or none.
func (c *client) request(list string) {
	verb := "ACK"
	for name := range strings.FieldsSeq(list) {
		if !c.server.offers(strings.TrimPrefix(name, "-")) {
			verb = "NAK"
		}
	}
	for name := range strings.FieldsSeq(list) {
		if off := strings.HasPrefix(name, "-"); verb == "ACK" {
			c.caps[strings.TrimPrefix(name, "-")] = !off
		}
	}
	c.say("CAP " + starred(c.nick) + " " + verb + " :" + short(list))
}

func doNick(c *client, m ircmsg.Message) {
	s, nick := c.server, last(m)
	switch other := s.users[s.fold(nick)]; {
	case nick == "":
		c.numeric("431", ":No nickname given")
	case !isNick(nick):
		c.numeric("432", short(nick), ":Erroneous nickname")
	case other != nil && other != c || s.taken(c, nick):
		c.numeric("433", nick, ":Nickname is already in use")
	case c.registered:
		s.rename(c, nick)
	default:
		c.nick = nick
		c.register()
	}
}

// taken reports whether another connection, which is not registered yet, has said that nick.
func (s *Server) taken(c *client, nick string) bool {
	for other := range s.open {
		if other != c && !other.registered && s.fold(other.nick) == s.fold(nick) {
			return true
		}
	}
	return false
}

func doUser(c *client, m ircmsg.Message) {
	switch {
	case c.registered:
		c.numeric("462", ":You may not reregister")
	case len(m.Params) < 4:
		c.numeric("461", "USER", ":Not enough parameters")
	default:
		c.user, c.real = "~"+cleanUser(m.Params[0]), short(m.Params[3])
		c.register()
	}
}

// register ends the registration, once nick, user and capabilities are there.
func (c *client) register() {
	if c.registered || c.nick == "" || c.user == "" || c.capping || len(c.server.users) >= maxUsers {
		return
	}
	c.registered = true
	c.server.users[c.server.fold(c.nick)] = c
	c.welcome()
	c.server.tellWatchers(c, true)
}

func isNick(nick string) bool {
	if nick == "" || len(nick) > maxNick || strings.IndexByte("0123456789-", nick[0]) >= 0 {
		return false
	}
	for i := range len(nick) {
		b := nick[i]
		if !isAlphanumeric(b) && strings.IndexByte("[]\\`_^{|}-", b) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// cleanUser keeps what may stand in nick!user@host.
func cleanUser(user string) string {
	clean := strings.Map(func(r rune) rune {
		if r <= '~' && isAlphanumeric(byte(r)) || strings.ContainsRune("._-", r) {
			return r
		}
		return -1
	}, user)
	if clean == "" {
		clean = "user"
	}
	return clean[:min(len(clean), 9)]
}
