package email

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/back"
	"github.com/notifyd/notifyd/internal/exectest"
	"github.com/notifyd/notifyd/prefs/links"
)

// A ledger notes which parcels came back, by real tokens.
type ledger struct {
	backends.Returns
	links *links.Signer
	mu    sync.Mutex
	back  []string
}

func (l *ledger) ReportToken(p backends.Parcel) string { return l.links.Return(7, p.ID) }
func (l *ledger) ReplyToken(p backends.Parcel) string  { return l.links.Reply(7, p.ID) }
func (l *ledger) StopToken(string) string              { return "" }

func (l *ledger) Knows(token string) bool {
	_, err := l.links.VerifyReturn(token)
	return err == nil
}

func (l *ledger) Report(_ context.Context, r backends.Returned) (string, error) {
	p, err := l.links.VerifyReturn(r.Token)
	if err != nil {
		return "", backends.ErrToken
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = append(l.back, fmt.Sprintf("%s %s: %s", p.Tag, r.Kind, r.Words))
	return "noted", nil
}

func (l *ledger) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.back, "\n")
}

// refusing is a mail server that refuses every recipient with a reply of its own.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return refuser{}, nil }))
	server.Domain = "far.test"
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() { server.Close(); done.Wait() })
	return l.Addr().String()
}

type refuser struct{ smtp.Session }

func (refuser) Mail(string, *smtp.MailOptions) error { return nil }
func (refuser) Reset()                               {}
func (refuser) Logout() error                        { return nil }

func (refuser) Rcpt(to string, _ *smtp.RcptOptions) error {
	e := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "user unknown"}
	switch {
	case strings.HasPrefix(to, "full"):
		e = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "mailbox is full"}
	case strings.HasPrefix(to, "spam"):
		e = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "looks like spam"}
	}
	return e
}

// TestPostfixSendsBack: what a far server refuses after our own has taken it comes back to the sender of its envelope,
// by Postfix's LMTP, and is known by its token.
func TestPostfixSendsBack(t *testing.T) {
	t.Parallel() // it waits
	p := exectest.NewPostfix(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.Configure(t, map[string]string{
		"relay_domains": "dead.test, b.example.test",
		"transport_maps": fmt.Sprintf("inline:{ { dead.test = smtp:%s } { b.example.test = lmtp:inet:%s } }",
			bracketed(refusing(t)), l.Addr()),
	})
	p.Start(t)
	b := newBackend(t, Config{Host: "127.0.0.1", Port: p.Port, TLS: TLSNone, From: "notifyd@example.test",
		Bounces: back.Config{Domain: "b.example.test"}})
	book := &ledger{links: links.New([]byte("0123456789abcdef"), "", time.Now)}
	b.comesBack(backends.Parts{Returns: book, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := b.back.Serve(ctx, l, "mx.test"); err != nil {
			t.Error(err)
		}
	})
	defer done.Wait()
	defer cancel()
	for _, name := range []string{"gone", "full", "spam"} {
		parcel := sample(name)
		parcel.To, parcel.Destination = name+"@dead.test", "7"
		if err := b.Send(ctx, parcel); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"gone": "hard: 550 5.1.1 user unknown", "full": "full: 552 5.2.2 mailbox is full",
		"spam": "content: 550 5.7.1 looks like spam"}
	eventually(t, "three reports", func() bool { return strings.Count(book.all(), "\n") == 2 })
	for name, said := range want {
		if line := links.Tag(name) + " " + said; !strings.Contains(book.all(), line) {
			t.Errorf("no %q in\n%s", line, book.all())
		}
	}
}

func bracketed(address string) string {
	host, port, _ := net.SplitHostPort(address)
	return "[" + host + "]:" + port
}
