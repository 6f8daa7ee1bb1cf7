package email

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// dialer makes connections to the server of the configuration.
type dialer struct {
	config Config
	tls    *tls.Config
}

// dial connects, starts TLS and logs in. What fails here is the operator's matter, not the recipient's: every error is
// ErrUnavailable, but for the end of ctx.
func (d dialer) dial(ctx context.Context) (*connection, error) {
	c := &connection{secrets: d.config.secrets()}
	client, err := mail.NewClient(d.config.Host, append(d.options(), mail.WithDialContextFunc(d.network(ctx, c)))...)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	stop := context.AfterFunc(ctx, c.close) // go-mail bounds the dialogue by a timeout only
	c.session, err = client.DialToSMTPClientWithContext(ctx)
	if stop() && err == nil {
		return c, nil
	}
	c.close()
	return nil, c.dialError(ctx, err)
}

func (d dialer) options() []mail.Option {
	policy, ok := map[string]mail.TLSPolicy{
		TLSStart: mail.TLSMandatory, TLSOpportunistic: mail.TLSOpportunistic,
	}[d.config.TLS]
	if !ok {
		policy = mail.NoTLS // with implicit TLS, network has done it
	}
	o := []mail.Option{
		mail.WithPort(d.config.Port), mail.WithTimeout(d.config.Timeout),
		mail.WithTLSPolicy(policy), mail.WithTLSConfig(d.tls),
		// NOOP and RSET cost two round trips a message, and MAIL finds out the same.
		mail.WithoutNoop(), mail.WithoutRset(),
		// Every header and address is ASCII; asking for SMTPUTF8 would only make later servers refuse (RFC 6531).
		mail.WithoutSMTPUTF8(),
	}
	if d.config.Helo != "" {
		o = append(o, mail.WithHELO(d.config.Helo))
	}
	if d.config.Username != "" {
		o = append(o, mail.WithUsername(d.config.Username), mail.WithPassword(d.config.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256PLUS, mail.SMTPAuthSCRAMSHA256,
				mail.SMTPAuthSCRAMSHA1PLUS, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return o
}

// network opens the TCP connection of c where the end of whole can close it, also during the greeting and the login.
func (d dialer) network(whole context.Context, c *connection) mail.DialContextFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := net.JoinHostPort(d.config.Host, strconv.Itoa(d.config.Port))
		raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.setRaw(&boundedConn{Conn: raw, left: maxReply})
		if whole.Err() != nil { // it ended before there was anything to close
			c.close()
		}
		if d.config.TLS != TLSImplicit {
			return c.raw, nil
		}
		t := tls.Client(c.raw, d.tls)
		if err := t.HandshakeContext(ctx); err != nil {
			c.raw.Close()
			return nil, err
		}
		return t, nil
	}
}

// tlsConfig trusts the certificates of CAFile instead of the system's, where there is one.
func (c Config) tlsConfig() (*tls.Config, error) {
	t, err := tlsfiles.Files{CA: c.CAFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, err
	}
	t.ServerName = c.Host
	t.InsecureSkipVerify = c.TLS == TLSOpportunistic && c.CAFile == "" // who can strip STARTTLS needs no certificate
	return t, nil
}
