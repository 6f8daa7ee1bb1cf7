package back

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// The bounds of the listener.
const (
	maxClients    = 16
	maxRecipients = 50
	maxLine       = 64 << 10 // bytes: longer than RFC 5321 allows, since a report that is refused is lost
	lmtpTime      = 2 * time.Minute
)

// Listen opens the address of a mail system's LMTP: host:port, or unix:/path. A socket that was left there is replaced.
func Listen(ctx context.Context, where string) (net.Listener, error) {
	network, address := networkOf(where)
	if info, err := os.Lstat(address); network == "unix" && err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("lmtp: %s is there and is no socket", address)
		}
		if err := os.Remove(address); err != nil {
			return nil, fmt.Errorf("lmtp: %w", err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("lmtp: %w", err)
	}
	if network == "unix" { // who may connect is said by the folder; what is taken, by tokens
		if err := os.Chmod(address, 0o666); err != nil {
			return nil, errors.Join(fmt.Errorf("lmtp: %w", err), l.Close())
		}
	}
	return l, nil
}

func networkOf(where string) (network, address string) {
	if path, ok := strings.CutPrefix(where, "unix:"); ok {
		return "unix", path
	}
	return "tcp", where
}

// Serve answers a mail system by LMTP (RFC 2033) until ctx ends. An address without a token of ours is refused before
// the message comes. After it nothing is refused for ever: nobody would get a report about a report.
func (r *Receiver) Serve(ctx context.Context, l net.Listener, name string) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{ctx: ctx, receiver: r}, nil
	}))
	server.LMTP, server.Domain, server.MaxRecipients, server.MaxLineLength = true, name, maxRecipients, maxLine
	server.ReadTimeout, server.WriteTimeout = lmtpTime, lmtpTime
	server.ErrorLog = slog.NewLogLogger(r.Log.Handler(), slog.LevelDebug)
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(netutil.LimitListener(l, maxClients))
	if ctx.Err() != nil || errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("lmtp: %w", err)
}

// A session is what one client says.
type session struct {
	ctx      context.Context
	receiver *Receiver
	to       []string
}

var _ smtp.LMTPSession = (*session)(nil)

func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if u, token := s.receiver.Config.parse(to); u == unknown || !s.receiver.Returns.Knows(token) {
		s.receiver.counts.add("", "forged")
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(io.Reader) error { return errors.New("bug: LMTP answers for each recipient") }

// LMTPData takes one message for each recipient: each may be a token of its own.
func (s *session) LMTPData(message io.Reader, status smtp.StatusCollector) error {
	raw, err := io.ReadAll(io.LimitReader(message, maxDrained))
	if err != nil {
		return err
	}
	for _, to := range s.to {
		_, err := s.receiver.Receive(s.ctx, []string{to}, strings.NewReader(string(raw)))
		if err != nil {
			s.receiver.Log.Error("cannot take what came back; it comes again", "error", err)
			err = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
		}
		status.SetStatus(to, err)
	}
	return nil
}
