package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// maxReply bounds what a server may say between two things that we say; a TLS handshake is the longest honest case.
const maxReply = 256 << 10

var errTalkative = errors.New("the server sends without end")

// connection is one SMTP session. go-mail bounds its dialogue by a timeout only; kill, called from ctx, cuts it short.
type connection struct {
	client    *mail.Client
	session   *smtp.Client
	mu        sync.Mutex // guards raw
	raw       net.Conn
	secrets   []string // what an error must not tell
	sent      int
	idleSince time.Time
}

// dial connects, starts TLS and logs in. What fails here is the operator's matter, not the recipient's: every error is
// ErrUnavailable, but for the end of ctx.
func (b *Backend) dial(ctx context.Context) (*connection, error) {
	c := &connection{secrets: b.config.secrets()}
	client, err := mail.NewClient(b.config.Host, append(b.options(), mail.WithDialContextFunc(b.dialler(ctx, c)))...)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	c.client = client
	stop := context.AfterFunc(ctx, c.kill)
	c.session, err = client.DialToSMTPClientWithContext(ctx)
	if stop() && err == nil {
		return c, nil
	}
	c.kill()
	return nil, c.dialError(ctx, err)
}

func (b *Backend) options() []mail.Option {
	policy := map[string]mail.TLSPolicy{TLSStart: mail.TLSMandatory, TLSOpportunistic: mail.TLSOpportunistic}
	p, ok := policy[b.config.TLS]
	if !ok {
		p = mail.NoTLS // with implicit TLS the dialler has done it
	}
	o := []mail.Option{
		mail.WithPort(b.config.Port), mail.WithTimeout(b.config.Timeout), mail.WithTLSPolicy(p), mail.WithTLSConfig(b.tls),
		// NOOP and RSET cost two round trips a message; what they would tell, MAIL tells as well.
		mail.WithoutNoop(), mail.WithoutRset(),
		// Every header and address is ASCII; asking for SMTPUTF8 would only make later servers refuse (RFC 6531).
		mail.WithoutSMTPUTF8(),
	}
	if b.config.Helo != "" {
		o = append(o, mail.WithHELO(b.config.Helo))
	}
	if b.config.Username != "" {
		o = append(o, mail.WithUsername(b.config.Username), mail.WithPassword(b.config.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256PLUS, mail.SMTPAuthSCRAMSHA256,
				mail.SMTPAuthSCRAMSHA1PLUS, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return o
}

// dialler opens the TCP connection of c where the end of whole can cut it, also during the greeting and the login,
// which go-mail bounds by its timeout only.
func (b *Backend) dialler(whole context.Context, c *connection) mail.DialContextFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := net.JoinHostPort(b.config.Host, strconv.Itoa(b.config.Port))
		raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.hold(&boundedConn{Conn: raw, left: maxReply})
		if whole.Err() != nil { // it ended before there was anything to cut
			c.kill()
		}
		if b.config.TLS != TLSImplicit {
			return c.raw, nil
		}
		t := tls.Client(c.raw, b.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			c.raw.Close()
			return nil, err
		}
		return t, nil
	}
}

func (c *connection) hold(raw net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
}

// kill closes the connection without a word. Any goroutine may call it.
func (c *connection) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != nil {
		c.raw.Close()
	}
}

// quit says goodbye, briefly.
func (c *connection) quit() {
	c.session.UpdateDeadline(time.Second)
	c.session.Quit()
	c.kill()
}

// boundedConn ends a connection whose other side talks without listening.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalkative
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

func (c *boundedConn) Write(b []byte) (int, error) {
	c.left = maxReply
	return c.Conn.Write(b)
}
