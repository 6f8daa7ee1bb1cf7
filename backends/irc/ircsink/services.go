package ircsink

import (
	"strings"
)

// nickServ is who registers nicks. It answers in words that no robot should rely on.
const nickServ = "NickServ"

// maxAccounts bounds what people register.
const maxAccounts = 1000

func newService(s *Server) *client {
	return &client{server: s, nick: nickServ, user: nickServ, host: s.options.Name, real: "services of the sink",
		service: true, registered: true}
}

// serveNick does what somebody says to NickServ.
func (s *Server) serveNick(c *client, text string) {
	f := strings.Fields(text)
	if len(f) == 0 {
		return
	}
	switch word := strings.ToUpper(f[0]); {
	case word == "REGISTER" && len(f) > 1:
		if _, taken := s.accounts[s.fold(c.nick)]; taken || len(s.accounts) >= maxAccounts {
			c.notice(c.nick + " is already registered.")
			return
		}
		s.accounts[s.fold(c.nick)] = Account{Name: c.nick, Password: f[1]}
		s.login(c, c.nick)
	case word == "IDENTIFY" && len(f) > 1:
		name := c.nick
		if len(f) > 2 {
			name = f[1]
		}
		if a, known := s.accounts[s.fold(name)]; known && a.Password == f[len(f)-1] {
			s.login(c, a.Name)
			return
		}
		c.notice("Invalid password for " + name + ".")
	case (word == "REGAIN" || word == "GHOST" || word == "RELEASE") && len(f) > 1:
		s.regain(c, f[1], f[2:], word == "REGAIN")
	default:
		c.notice("I know REGISTER, IDENTIFY, REGAIN, GHOST and RELEASE.")
	}
}

// regain frees a nick for the owner of its account, and gives it to them.
func (s *Server) regain(c *client, nick string, password []string, give bool) {
	a, known := s.accounts[s.fold(nick)]
	owner := known && (s.fold(c.account) == s.fold(a.Name) || len(password) > 0 && password[0] == a.Password)
	other := s.users[s.fold(nick)]
	if !owner || other == c {
		c.notice("You may not have " + nick + ".")
		return
	}
	if other != nil {
		s.leave(other, "Quit: ghosted")
		if other.conn != nil {
			other.conn.Close()
		}
	}
	if give {
		s.rename(c, nick)
	}
	c.notice(nick + " has been freed.")
}

// login logs a client in to an account.
func (s *Server) login(c *client, account string) {
	c.account = account
	if !s.options.NoLogin {
		c.numeric("900", c.nickMask(), account, ":You are now logged in as "+account)
	}
}

func (c *client) nickMask() string {
	if c.registered {
		return c.mask()
	}
	return starred(c.nick)
}

func (c *client) notice(text string) {
	c.reply(reply{rest: ":" + nickServ + "!" + nickServ + "@" + c.server.options.Name + " NOTICE " + c.nick + " :" + text})
}
