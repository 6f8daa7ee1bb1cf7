package fakesmtp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one client's conversation.
type session struct {
	server   *Server
	conn     *smtp.Conn
	number   int // of the connection
	loggedIn bool
	from     string
	to       []string
}

func (s *Server) session(c *smtp.Conn) (smtp.Session, error) {
	n := &session{server: s, conn: c, number: numberOf(c.Conn())}
	if err := n.obey(OnConnect, ""); err != nil {
		return nil, err
	}
	return n, nil
}

func numberOf(c net.Conn) int {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if n, ok := c.(*connection); ok {
		return n.number
	}
	return 0
}

// AuthMechanisms and Auth offer PLAIN (RFC 4616) when the options have a Login.
func (c *session) AuthMechanisms() []string {
	if c.server.options.Login == nil {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth checks a login.
func (c *session) Auth(string) (sasl.Server, error) {
	if c.server.options.Login == nil {
		return nil, smtp.ErrAuthUnsupported
	}
	return sasl.NewPlainServer(func(_, username, password string) error {
		if !c.server.options.Login(username, password) {
			return smtp.ErrAuthFailed
		}
		c.loggedIn = true
		return nil
	}), nil
}

// Mail begins a message.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.server.options.Login != nil && !c.loggedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	c.from = from
	return c.obey(OnMail, from)
}

// Rcpt adds a recipient.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := c.obey(OnRcpt, to); err != nil {
		return err
	}
	c.to = append(c.to, to)
	return nil
}

// Data takes the content. A message that the script drops at OnEnd is kept: the client cannot know.
func (c *session) Data(r io.Reader) error {
	if err := c.obey(OnData, ""); err != nil {
		io.Copy(io.Discard, r) // so that the client gets to the reply
		return err
	}
	return c.content(r)
}

func (c *session) content(r io.Reader) error {
	head := make([]byte, 64)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if err := c.obey(OnContent, ""); err != nil {
		io.Copy(io.Discard, r) // so that the client gets to the reply
		return err
	}
	rest, err := io.ReadAll(r) // go-smtp bounds it at MaxMessageBytes
	if err != nil {
		return err
	}
	m := Message{From: c.from, To: c.to, Data: append(head[:n], rest...), Connection: c.number,
		Client: c.conn.Conn().RemoteAddr().String(), Received: time.Now()}
	if err := c.server.keep(m); err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Cannot store"}
	}
	return c.obey(OnEnd, "")
}

// Reset forgets the message in hand.
func (c *session) Reset() { c.from, c.to = "", nil }

// Logout ends the session.
func (c *session) Logout() error { return nil }
