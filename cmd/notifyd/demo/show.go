package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"
)

// show.go prints what reaches people, as they would see it.

// watchMail shows each mail that arrives, as its reader would see it.
func (d *demo) watchMail(ctx context.Context) error {
	for n := 1; ; n++ {
		messages, err := d.smtp.Wait(ctx, n)
		if err != nil {
			return errIfRunning(ctx, err)
		}
		m := messages[min(n, len(messages))-1]
		subject, text, err := readMail(m.Data)
		if err != nil {
			return fmt.Errorf("read the mail that we sent: %w", err)
		}
		d.terminal.line("MAIL", fmt.Sprintf("to %s: %s\n%s", strings.Join(m.To, ", "), subject, text))
		if slices.Contains(m.To, aliceAddress) && strings.HasPrefix(subject, "[lighthouse]") && d.muted.Load() == nil {
			if err := d.mute(ctx, text, "lighthouse"); err != nil {
				return errIfRunning(ctx, err)
			}
		}
	}
}

// readMail returns the subject and the plain text of a multipart/alternative mail (RFC 2046).
func readMail(data []byte) (subject, text string, err error) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return "", "", err
	}
	if subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return "", "", err
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return "", "", err
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			continue
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		plain, err := io.ReadAll(io.LimitReader(body, 1<<20))
		return subject, strings.ReplaceAll(string(plain), "\r\n", "\n"), err
	}
}

// watchIRC shows each line that somebody on the demo's network is told.
func (d *demo) watchIRC(ctx context.Context) error {
	for n := 1; ; n++ {
		messages, err := d.irc.Wait(ctx, n)
		if err != nil {
			return errIfRunning(ctx, err)
		}
		m := messages[min(n, len(messages))-1]
		d.terminal.line("IRC", fmt.Sprintf("<%s> to %s: %s", m.From, m.To, m.Text))
	}
}

// A terminalWriter prints the events of the demo, a line at a time. It is safe for concurrent use.
type terminalWriter struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
}

func (w *terminalWriter) line(what, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+strings.Repeat(" ", 18))
	fmt.Fprintf(w.out, "%s  %-7s %s\n", w.now().Format("15:04:05"), what, text)
}
