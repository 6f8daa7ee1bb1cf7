package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/notifyd/notifyd/bus/sessions"
)

// A dialer makes the connections of one session: to one server after the other, until one takes us.
type dialer struct {
	*server
	ctx context.Context

	mu     sync.Mutex
	guards []*guard
	failed []error // by which no connection was made
}

// Dial connects to a server. The name is looked up here, under the context's end.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	limited, cancel := context.WithTimeout(d.ctx, d.config.Timeout)
	defer cancel()
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(limited, network, address)
	if err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.failed = append(d.failed, err)
		return nil, err
	}
	host, _, _ := net.SplitHostPort(address)
	g := &guard{Conn: conn, raw: conn, must: d.secure, timeout: d.config.Timeout, secure: func() (*tls.Config, error) {
		config, err := d.config.tlsConfig()
		if err != nil {
			return nil, err
		}
		config.ServerName = host
		return config, nil
	}}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.guards = append(d.guards, g)
	return g, nil
}

// SkipTLSHandshake tells the library that TLS is ours.
func (d *dialer) SkipTLSHandshake() bool { return true }

// Close ends all connections at once.
func (d *dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.guards {
		g.Close()
	}
}

// connect connects and logs in.
func (s *session) connect(d *dialer) error {
	hostname, _ := os.Hostname()
	options := []natsgo.Option{
		natsgo.Name("notifyd " + s.name + " on " + hostname), natsgo.Timeout(s.config.Timeout),
		natsgo.FlusherTimeout(s.config.Timeout), natsgo.PingInterval(s.config.Timeout / 3),
		natsgo.MaxPingsOutstanding(2), natsgo.CustomInboxPrefix(s.config.Inbox), natsgo.SetCustomDialer(d),
		natsgo.NoReconnect(), natsgo.SkipHostLookup(), natsgo.IgnoreDiscoveredServers(),
		natsgo.ClosedHandler(func(*natsgo.Conn) { close(s.closed) }),
		natsgo.ErrorHandler(func(_ *natsgo.Conn, _ *natsgo.Subscription, err error) { s.noteError(err) }),
	}
	if d.secure {
		options = append(options, natsgo.Secure())
	}
	login, err := s.config.login()
	if err != nil {
		return sessions.Fail(FailedLogin, err)
	}
	if login != nil {
		options = append(options, login)
	}
	s.conn, err = natsgo.Connect(strings.Join(s.config.URLs, ","), options...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, natsgo.ErrNoServers): // the library's word for all that refuse a connection
		return sessions.Fail(FailedDial, errors.Join(d.failed...))
	}
	return refused(err)
}

// noteError takes what the server says without being asked: what the login may not do, most of all.
func (s *session) noteError(err error) {
	if errors.Is(err, natsgo.ErrPermissionViolation) {
		text := clip(err.Error())
		s.denied.Store(&text)
	}
	s.log.Debug("the server says", "error", clip(err.Error()))
}

// clip bounds what a server says.
func clip(text string) string { return text[:min(len(text), 400)] }

// refused gives the failure of a connection that was not made. Of several servers it is that of the last.
func refused(err error) error {
	text := strings.ToLower(clip(err.Error()))
	f := (sessions.Failure)(nil)
	switch {
	case errors.As(err, &f):
		return err
	case strings.Contains(text, "authorization"), strings.Contains(text, "authentication"),
		strings.Contains(text, "nkey"):
		return sessions.Fail(FailedLogin, fmt.Errorf("the server refuses the login: %s", clip(err.Error())))
	case errors.Is(err, natsgo.ErrSecureConnWanted):
		return sessions.Fail(FailedTLS, errors.New("the server offers no TLS"))
	case errors.Is(err, natsgo.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded):
		return sessions.Fail(FailedTimeout, fmt.Errorf("the server does not answer: %w", err))
	}
	return sessions.Fail(FailedDial, errors.New(clip(err.Error())))
}
