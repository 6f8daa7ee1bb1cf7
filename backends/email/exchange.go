package email

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"sync"
	"time"
)

// exchange.go hands a message over. go-mail would wait for the answer to each command; most servers take MAIL, RCPT and
// DATA together (RFC 2920), which saves two of the four round trips.

// A stage is where in the dialogue something failed, in words.
type stage string

const (
	onCheck   stage = "checking SMTP connection"
	onMail    stage = "sending SMTP MAIL FROM command"
	onRcpt    stage = "sending SMTP RCPT TO command"
	onData    stage = "sending SMTP DATA command"
	onContent stage = "sending message content"
	onEnd     stage = "closing SMTP DATA writer"
)

// A failure is what went wrong with a message.
type failure struct {
	stage stage
	code  int // of the server's reply; 0: there was none
	err   error
}

func newFailure(at stage, err error) *failure {
	f := &failure{stage: at, err: err}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		f.code = reply.Code
	}
	return f
}

func (f *failure) Error() string { return string(f.stage) + ": " + f.err.Error() }

// isBeforeContent reports failures before the first byte of the message, so that sending it again cannot make two.
func (f *failure) isBeforeContent() bool { return f.stage != onContent && f.stage != onEnd }

// isInOrder reports a reply after which the server has forgotten the message (RFC 5321, section 4.1.1.4), so that the
// connection is good for the next one. After a refused MAIL or RCPT that was asked for with RSET.
func (f *failure) isInOrder() bool {
	return f.code >= 400 && f.code != 421 && (f.stage == onMail || f.stage == onRcpt || f.stage == onEnd)
}

// An envelope is what a message is handed over with.
type envelope struct{ from, to string }

// exchange hands a message over, whose content stuff has made.
func (c *connection) exchange(e envelope, content []byte, timeout time.Duration) (response string, f *failure) {
	if err := c.session.UpdateDeadline(timeout); err != nil {
		return "", newFailure(onCheck, err)
	}
	if f := c.offer(e); f != nil {
		if f.code >= 400 && f.code != 421 && f.stage != onData && c.session.Reset() != nil {
			f.code, f.stage = 0, onCheck
		}
		return "", f
	}
	if _, err := c.session.Text.W.Write(content); err != nil {
		return "", newFailure(onContent, err)
	}
	if err := c.session.Text.W.Flush(); err != nil {
		return "", newFailure(onContent, err)
	}
	_, response, err := c.session.Text.ReadResponse(250)
	if err != nil {
		return "", newFailure(onEnd, err)
	}
	return response, nil
}

// offer gives the envelope, until the server waits for the content.
func (c *connection) offer(e envelope) *failure {
	commands := []struct {
		stage stage
		line  string
		want  int
	}{{onMail, "MAIL FROM:<" + e.from + ">", 250}, {onRcpt, "RCPT TO:<" + e.to + ">", 25}, {onData, "DATA", 354}}
	together, _ := c.session.Extension("PIPELINING")
	text, asked := c.session.Text, 0
	var first *failure
	for i, command := range commands {
		for ; asked <= i || together && asked < len(commands); asked++ {
			fmt.Fprintf(text.W, "%s\r\n", commands[asked].line)
		}
		if err := text.W.Flush(); err != nil {
			return newFailure(command.stage, err)
		}
		code, _, err := text.ReadResponse(command.want)
		switch {
		case err != nil && first == nil:
			first = newFailure(command.stage, err)
		case err == nil && code == 354 && first != nil: // without a recipient: the end at once makes it nothing
			fmt.Fprint(text.W, ".\r\n")
			if err := text.W.Flush(); err != nil {
				return first
			}
			text.ReadResponse(0)
		}
		if first != nil && (!together || first.code == 0 || first.code == 421) {
			return first
		}
	}
	return first
}

// stuff writes content with the end of a message, and a dot before each line that begins with one (RFC 5321, section
// 4.5.2). The lines of content end with CRLF.
func stuff(wire *buffer, content []byte) {
	if bytes.HasPrefix(content, []byte(".")) {
		wire.WriteByte('.')
	}
	ended := bytes.HasSuffix(content, []byte("\r\n"))
	for {
		i := bytes.Index(content, []byte("\n."))
		if i < 0 {
			break
		}
		wire.Write(content[:i+1])
		wire.WriteByte('.')
		content = content[i+1:]
	}
	wire.Write(content)
	if !ended {
		wire.WriteString("\r\n")
	}
	wire.WriteString(".\r\n")
}

// A buffer is used again: a mail is written several times before it goes, and most are of one size.
type buffer struct{ bytes.Buffer }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// largeBuffer is given to the collector; few mails are as large.
const largeBuffer = 64 << 10

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) giveBack() {
	if b.Cap() <= largeBuffer {
		b.Reset()
		buffers.Put(b)
	}
}
