package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/notifyd/notifyd/internal/tlsfiles"
	"github.com/notifyd/notifyd/internal/watch"
)

// These are the schemes of an address, and where each connects to if the address names no port.
var ports = map[string]string{"ldap": "389", "ldaps": "636", "ldapi": ""}

// connect dials and logs in. The connection dies with ctx, at its deadline, or once it has read maxBytes: the library
// itself waits for ever and reads without bound. A server that refuses StartTLS gets no password.
func (s *source) connect(ctx context.Context) (*ldap.Conn, error) {
	secure, err := tlsfiles.Files{CA: s.TLS.CAFile, Cert: s.TLS.CertFile, Key: s.TLS.KeyFile}.Config(watch.ReadFile)
	if err != nil {
		return nil, fmt.Errorf("tls.%w", err)
	}
	where, err := url.Parse(s.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	secure.ServerName = where.Hostname()
	raw, err := dial(ctx, where, s.MaxBytes)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { raw.Close() })
	connection := net.Conn(raw)
	if where.Scheme == "ldaps" {
		wrapped := tls.Client(raw, secure)
		if err := wrapped.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		connection = wrapped
	}
	c := ldap.NewConn(connection, where.Scheme == "ldaps")
	if deadline, ok := ctx.Deadline(); ok {
		c.SetTimeout(time.Until(deadline))
	}
	c.Start()
	if s.StartTLS {
		if err := c.StartTLS(secure); err != nil {
			c.Close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	if s.BindDN != "" {
		if err := c.Bind(s.BindDN, s.Password); err != nil {
			c.Close()
			return nil, fmt.Errorf("log in as %s: %w", s.BindDN, err)
		}
	}
	return c, nil
}

func dial(ctx context.Context, where *url.URL, most int64) (*bounded, error) {
	network, address := "tcp", where.Host
	switch {
	case where.Scheme == "ldapi":
		network, address = "unix", socketPath(where)
	case where.Port() == "":
		address = net.JoinHostPort(where.Hostname(), ports[where.Scheme])
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			c.Close()
			return nil, err
		}
	}
	return &bounded{Conn: c, left: most}, nil
}

// socketPath returns the socket of an address of ldapi. Its path is percent-encoded in the place of the host
// (draft-chu-ldap-ldapi), which url.Parse takes for no host, or it is the path.
func socketPath(where *url.URL) string {
	if where.Host != "" {
		if path, err := url.PathUnescape(where.Host); err == nil {
			return path
		}
	}
	return where.Path
}

// errTooMuch is the error of a server that sends more than max_bytes.
var errTooMuch = errors.New("the server sends more than max_bytes")

// A bounded connection reads so many bytes at most. One goroutine reads it at a time.
type bounded struct {
	net.Conn
	left int64
}

// Read reads what is there, and fails once the bound is reached.
func (b *bounded) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(into)
	b.left -= int64(n)
	return n, err
}
