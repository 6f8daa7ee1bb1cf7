package back_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/back"
	"github.com/notifyd/notifyd/cmd/notifyd/mail"
	"github.com/notifyd/notifyd/internal/metric"
)

// Tokens of the desk below.
const (
	report = "aaaaaaaaaaaaaaaaaaaaaaaa"
	reply  = "rrrrrrrrrrrrrrrrrrrrrrrr"
	stop   = "ssssssssssssssssssssssss"
	forged = "ffffffffffffffffffffffff"
)

// A desk notes what it is told.
type desk struct {
	mu      sync.Mutex
	said    []string
	answers []backends.Notice
	seen    map[string]bool
	err     error
}

func (d *desk) note(format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	d.said = append(d.said, fmt.Sprintf(format, args...))
	return nil
}

func (d *desk) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.said, "; ")
}

func (d *desk) ReportToken(backends.Parcel) string { return report }
func (d *desk) ReplyToken(backends.Parcel) string  { return reply }
func (d *desk) StopToken(string) string            { return stop }
func (d *desk) Knows(token string) bool            { return token != forged }

func (d *desk) Report(_ context.Context, r backends.Returned) (string, error) {
	if r.Token != report {
		return "", backends.ErrToken
	}
	return "noted", d.note("%s %s", r.Kind, r.Words)
}

func (d *desk) Answered(_ context.Context, token, once string) (backends.About, error) {
	if token != reply {
		return backends.About{}, backends.ErrToken
	}
	if d.seen[once] {
		return backends.About{}, backends.ErrAgain
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[once] = true
	return backends.About{Parcel: "p", Destination: "7", Backend: "email", Address: "alice@example.net"}, d.note("asked")
}

func (d *desk) Stop(_ context.Context, token string) (string, error) {
	if token != stop {
		return "", backends.ErrToken
	}
	return "stopped", d.note("stopped")
}

func (d *desk) Answer(_ context.Context, _ backends.About, n backends.Notice) error {
	d.answers = append(d.answers, n)
	return d.note("answer %q", n.Text)
}

var config = back.Config{Domain: "b.example.org", Replies: true, Days: 7, Failures: 5}

func receiver(d *desk) *back.Receiver {
	return &back.Receiver{Config: config, From: "notifyd@example.org", Returns: d, Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
		Command: func(_ context.Context, c backends.Command) (backends.Answer, error) {
			return backends.Answer{Known: true, Lines: []string{"did " + strings.TrimSpace(c.Text)}},
				d.note("command of %s", c.Destination)
		}}
}

// hard is a report about a mail that left with a token.
func hard(token string) string {
	return "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: failed\nContent-Type: multipart/report; " +
		"report-type=delivery-status; boundary=x\n\n--x\n\nIt failed.\n--x\nContent-Type: message/delivery-status\n\n" +
		"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1\n" +
		"Diagnostic-Code: smtp; 550 5.1.1 <a@example.net> unknown user\n--x\nContent-Type: message/rfc822\n\n" +
		"Return-Path: <b-" + token + "@B.Example.org>\nX-Notifyd-App: koji\n\nHello\n--x--\n"
}

const answer = "From: Alice <alice@example.net>\nSubject: Re: build failed\nMessage-ID: <1@example.net>\n\nmute 2d\n"

// TestReceive: what each message means, by the address that it came to.
func TestReceive(t *testing.T) {
	for name, c := range map[string]struct {
		to, message, kind, done string
	}{
		"a report":                        {"b-" + report + "@b.example.org", hard("x"), "hard", "hard 550 5.1.1 <…> unknown user"},
		"in capitals":                     {strings.ToUpper("b-" + report + "@b.example.org"), hard("x"), "hard", "hard"},
		"a report without an envelope":    {"", hard(report), "hard", "hard"},
		"a report to the Reply-To":        {"r-" + reply + "@b.example.org", hard(report), "hard", "hard"},
		"a forged report":                 {"b-" + forged + "@b.example.org", hard(report), "hard", ""},
		"a report about somebody's mail":  {"", hard("none"), "hard", ""},
		"a program answers":               {"b-" + report + "@b.example.org", "From: x@y\nSubject: away\n\nI am away\n", "auto-reply", ""},
		"a vacation to the Reply-To":      {"r-" + reply + "@b.example.org", "Auto-Submitted: auto-replied\n" + answer, "auto-reply", ""},
		"an answer":                       {"r-" + reply + "@b.example.org", answer, "command", "asked; command of 7; answer \"did mute 2d\""},
		"an answer of somebody else":      {"r-" + reply + "@b.example.org", strings.Replace(answer, "alice", "eve", 1), "command", "asked"},
		"an answer without a right token": {"r-" + forged + "@b.example.org", answer, "command", ""},
		"by mail":                         {"stop-" + stop + "@b.example.org", answer, "stop", "stopped"},
		"by a program's mail":             {"stop-" + stop + "@b.example.org", "Precedence: bulk\n" + answer, "stop", "stopped"},
		"ours":                            {"r-" + reply + "@b.example.org", "X-Notifyd-App: koji\n" + answer, "loop", ""},
		"from our address":                {"r-" + reply + "@b.example.org", "From: <notifyd@example.org>\n\nhelp", "loop", ""},
		"to nobody":                       {"postmaster@b.example.org", answer, "written", ""},
	} {
		d := &desk{}
		got, err := receiver(d).Receive(t.Context(), []string{c.to}, strings.NewReader(c.message))
		if err != nil || got.Kind != c.kind || !strings.HasPrefix(d.all(), c.done) || c.done == "" && d.all() != "" {
			t.Errorf("%s: %+v, %v: %q, want %q", name, got, err, d.all(), c.done)
		}
	}
}

// TestReceiveAgain: what cannot be noted comes again, and an answer is done once.
func TestReceiveAgain(t *testing.T) {
	d := &desk{err: errors.New("the database is away")}
	r := receiver(d)
	to := []string{"b-" + report + "@b.example.org"}
	if _, err := r.Receive(t.Context(), to, strings.NewReader(hard("x"))); err == nil {
		t.Error("what was not noted was taken")
	}
	d.err = nil
	if got, err := r.Receive(t.Context(), to, strings.NewReader(hard("x"))); err != nil || got.Said != "noted" {
		t.Errorf("%+v, %v", got, err)
	}
	to = []string{"r-" + reply + "@b.example.org"}
	for range 2 {
		if _, err := r.Receive(t.Context(), to, strings.NewReader(answer)); err != nil {
			t.Error(err)
		}
	}
	if len(d.answers) != 1 || d.answers[0].Answers != "<1@example.net>" || d.answers[0].Title != "Re: build failed" {
		t.Errorf("answers %+v", d.answers)
	}
	if c := counted(r); c["hard later"] != 1 || c["hard done"] != 1 || c["command again"] != 1 {
		t.Errorf("counted %v", c)
	}
}

// counted gives the figures of a receiver, by kind and outcome.
func counted(r *back.Receiver) map[string]float64 {
	all := map[string]float64{}
	r.Collect(func(_ *metric.Desc, value float64, labels ...string) { all[strings.Join(labels, " ")] = value })
	return all
}

// TestAnswersAreBounded: who answers without end is not understood any more.
func TestAnswersAreBounded(t *testing.T) {
	d := &desk{}
	r := receiver(d)
	for i := range 50 {
		message := strings.Replace(answer, "<1@", fmt.Sprintf("<%d@", i), 1)
		to := []string{"r-" + reply + "@b.example.org"}
		if _, err := r.Receive(t.Context(), to, strings.NewReader(message)); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.answers) != 20 {
		t.Errorf("%d answers in an hour", len(d.answers))
	}
}

// TestHTMLAnswer: what a mail program quotes in HTML is not said.
func TestHTMLAnswer(t *testing.T) {
	d := &desk{}
	message := "From: alice@example.net\nSubject: Re: x\nMessage-ID: <2@x>\nContent-Type: text/html; charset=koi8-r\n\n" +
		"<html><style>p{}</style><body><p>stop</p><div class=\"gmail_quote\">On Monday notifyd wrote: <b>digest</b></div>"
	to := []string{"r-" + reply + "@b.example.org"}
	if _, err := receiver(d).Receive(t.Context(), to, strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(d.all(), `answer "did stop"`) {
		t.Errorf("%q", d.all())
	}
}

// TestLMTP: an address without a token of ours is refused, and what cannot be noted now comes again.
func TestLMTP(t *testing.T) {
	d := &desk{}
	ctx, cancel := context.WithCancel(t.Context())
	l, err := back.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		if err := receiver(d).Serve(ctx, l, "mx.example.org"); err != nil {
			t.Error(err)
		}
	})
	defer done.Wait()
	defer cancel()
	where := l.Addr().String()
	hand := func(to, message string) error {
		_, err := mail.Hand(ctx, where, []string{to}, []byte(message))
		return err
	}
	if err := hand("b-"+report+"@b.example.org", hard("x")); err != nil {
		t.Error(err)
	}
	err = hand("b-"+forged+"@b.example.org", hard("x"))
	if err == nil || !strings.Contains(err.Error(), "no such address") {
		t.Errorf("a forged token: %v", err)
	}
	if err := hand("postmaster@b.example.org", hard("x")); err == nil {
		t.Error("an address without a token was taken")
	}
	d.mu.Lock()
	d.err = errors.New("the database is away")
	d.mu.Unlock()
	if err := hand("b-"+report+"@b.example.org", hard("x")); err == nil || !strings.Contains(err.Error(), "try again") {
		t.Errorf("a database that is away: %v", err)
	}
	if got := d.all(); got != "hard 550 5.1.1 <…> unknown user" {
		t.Errorf("noted %q", got)
	}
	conn, err := net.Dial("tcp", where) // a client that says nothing is no trouble
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 3)); err != nil {
		t.Error(err)
	}
}

// TestConfig: what is wrong is said with its key.
func TestConfig(t *testing.T) {
	for key, c := range map[string]back.Config{
		"bounces.domain:":        {Replies: true},
		"bounces.domain: \"b\"":  {Domain: "b"},
		"bounces.local":          {Domain: "b.example.org", Local: "a b"},
		"bounces.lmtp":           {Domain: "b.example.org", LMTP: "unix:relative"},
		"bounces.days":           {Domain: "b.example.org", Days: 1000},
		"bounces.imap.host":      {Domain: "b.example.org", IMAP: back.IMAP{Username: "x"}},
		"bounces.imap.username":  {Domain: "b.example.org", IMAP: back.IMAP{Host: "imap.example.org"}},
		"bounces.imap.tls: none": {Domain: "b.example.org", IMAP: back.IMAP{Host: "imap.example.org", TLS: "none"}},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := (back.Config{}).Check(); err != nil {
		t.Error(err)
	}
	if a := config.Stop(strings.Repeat("a", 60)); a != "" {
		t.Errorf("an address of %d characters", len(a))
	}
}
