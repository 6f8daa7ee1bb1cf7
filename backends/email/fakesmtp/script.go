package fakesmtp

import (
	"time"

	"github.com/emersion/go-smtp"
)

// A Stage is a step of the conversation at which a Script replies.
type Stage string

// The stages, in the order of a conversation.
const (
	OnConnect Stage = "connect" // EHLO
	OnMail    Stage = "mail"    // MAIL FROM
	OnRcpt    Stage = "rcpt"    // RCPT TO
	OnData    Stage = "data"    // DATA, before the first byte of content
	OnContent Stage = "content" // in the middle of the content
	OnEnd     Stage = "end"     // after the content, when the message is kept and only the reply is missing
)

// A Reply is how the server answers. The zero Reply accepts.
type Reply struct {
	Code     int    // 4xx or 5xx refuses; 0 accepts
	Enhanced [3]int // RFC 3463; zero: made of Code
	Text     string
	Drop     bool          // close the connection instead of an answer
	Delay    time.Duration // wait so long first, or until the connection is cut
}

// A Script decides the reply at a stage. argument is the address at OnMail and OnRcpt, else "". It is called by many
// goroutines at once.
type Script func(stage Stage, argument string) Reply

// obey runs the script and does what it replies; nil goes on.
func (c *session) obey(stage Stage, argument string) error {
	if c.server.options.Script == nil {
		return nil
	}
	r := c.server.options.Script(stage, argument)
	if r.Delay > 0 {
		c.wait(r.Delay)
	}
	if r.Drop {
		c.conn.Conn().Close()
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Connection dropped"}
	}
	if r.Code == 0 {
		return nil
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: smtp.EnhancedCode(r.Enhanced), Message: r.Text}
}

// wait waits for d, or until the connection was cut.
func (c *session) wait(d time.Duration) {
	end := time.NewTimer(d)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-end.C:
			return
		case <-tick.C:
			if !c.server.isOpen(c.number) {
				return
			}
		}
	}
}
