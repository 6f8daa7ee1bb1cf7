package email

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/backends/email/fakesmtp"
	"github.com/notifyd/notifyd/internal/text"
)

func testBackend(t testing.TB) *Backend {
	return newBackend(t, Config{Host: "mx.example.org", From: "notifyd@example.org",
		ListDomain: "lists.example.org", MaxBytes: minBytes})
}

func render(t testing.TB, b *Backend, p backends.Parcel) []byte {
	t.Helper()
	m, err := b.composer.compose(p)
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if _, err := m.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

func rendered(t testing.TB, b *Backend, p backends.Parcel) parsed {
	t.Helper()
	raw := render(t, b, p)
	if len(raw) > b.composer.config.MaxBytes {
		t.Errorf("the message has %d bytes, at most %d are allowed", len(raw), b.composer.config.MaxBytes)
	}
	checkMessage(t, raw)
	m, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parsed is a message as a mail program reads it.
type parsed struct {
	header mail.Header
	text   string
	html   string
}

func parse(raw []byte) (parsed, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return parsed{}, err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err == nil && kind == "text/plain" && params["charset"] == "UTF-8" { // of an account that wants text only
		content, err := decode(m.Header, m.Body)
		return parsed{header: m.Header, text: strings.ReplaceAll(content, "\r\n", "\n")}, err
	}
	if err != nil || kind != "multipart/alternative" {
		return parsed{}, fmt.Errorf("content type %q: %w", kind, err)
	}
	out := parsed{header: m.Header}
	r := multipart.NewReader(m.Body, params["boundary"])
	for i, want := range []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
		p, err := r.NextRawPart()
		if err != nil {
			return out, fmt.Errorf("part %d: %w", i, err)
		}
		if got := p.Header.Get("Content-Type"); got != want {
			return out, fmt.Errorf("part %d is %q, want %q", i, got, want)
		}
		content, err := decode(p.Header, p)
		if err != nil {
			return out, fmt.Errorf("part %d: %w", i, err)
		}
		content = strings.ReplaceAll(content, "\r\n", "\n")
		if i == 0 {
			out.text = content
		} else {
			out.html = content
		}
	}
	if _, err := r.NextRawPart(); err != io.EOF {
		return out, fmt.Errorf("after two parts: %v, want the end", err)
	}
	return out, nil
}

func decode(header interface{ Get(string) string }, p io.Reader) (string, error) {
	var r io.Reader
	switch e := header.Get("Content-Transfer-Encoding"); e {
	case "quoted-printable":
		r = quotedprintable.NewReader(p)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, p)
	default:
		return "", fmt.Errorf("transfer encoding %q", e)
	}
	content, err := io.ReadAll(r)
	return string(content), err
}

// get returns a header decoded; it must be there once.
func (p parsed) get(name string) string {
	values := p.all(name)
	if len(values) != 1 {
		return fmt.Sprintf("%d times %s: %q", len(values), name, values)
	}
	return values[0]
}

func (p parsed) all(name string) []string {
	var out []string
	for _, v := range p.header[mailKey(name)] {
		d, err := new(mime.WordDecoder).DecodeHeader(v)
		if err != nil {
			d = "undecodable: " + v
		}
		out = append(out, d)
	}
	return out
}

func mailKey(name string) string {
	parts := strings.Split(strings.ToLower(name), "-")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "-")
}

// known are the headers that a message may have.
var known = []string{
	"From", "To", "Date", "Subject", "Message-Id", "Mime-Version", "Content-Type", "Auto-Submitted", "Precedence",
	"X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References",
	"X-Notifyd-Topic", "X-Notifyd-App", "X-Notifyd-Kind", "X-Notifyd-Package", "X-Notifyd-Package-Count",
	"X-Notifyd-User", "X-Notifyd-Actor", "X-Notifyd-Severity", "X-Notifyd-Trust", "X-Notifyd-Message-Id",
	"X-Notifyd-Reason", "X-Notifyd-Count", "X-Notifyd-Relation", "Cc", "Content-Transfer-Encoding",
	"X-Fedmsg-Topic", "X-Fedmsg-Category", "X-Fedmsg-Username", "X-Fedmsg-Package", "X-Fedmsg-Num-Packages",
	"Received", "Return-Path", "Delivered-To", "X-Original-To",
}

// checkIntact: every message went to one recipient, is one message with the known headers, two parts and short lines.
func checkIntact(t testing.TB, ms []fakesmtp.Message) {
	t.Helper()
	for _, m := range ms {
		if len(m.To) != 1 || m.From != "notifyd@example.org" {
			t.Errorf("envelope: from %q to %q", m.From, m.To)
		}
		checkMessage(t, m.Data)
	}
}

func checkMessage(t testing.TB, data []byte) {
	t.Helper()
	p, err := parse(data)
	if err != nil {
		t.Errorf("%v in\n%.2000s", err, data)
		return
	}
	for name, values := range p.header {
		if !slices.Contains(known, name) {
			t.Errorf("unknown header %q: %q", name, values)
		}
		limit := 1
		if strings.HasPrefix(name, "X-") {
			limit = maxValues
		}
		if len(values) > limit && name != "Received" {
			t.Errorf("%d headers %s", len(values), name)
		}
	}
	for line := range strings.SplitSeq(string(data), "\r\n") {
		if slices.Contains([]string{"Subject:", "Message-ID:", "List-Id:", "List-Unsubscribe:"}, line) {
			t.Errorf("a header folded behind its colon: %q", line)
		}
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line of %d bytes or with a bare line end: %.100q", len(line), line)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return r >= 0x80 }); i >= 0 {
			t.Errorf("not ASCII on the wire: %.100q", line)
		}
	}
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "=\"javascript:", "=\"data:", "=\"file:"} {
		if strings.Contains(p.html, bad) {
			t.Errorf("the HTML has %q", bad)
		}
	}
	for _, s := range []string{p.text, p.html} {
		if s != text.Clean(s) {
			t.Errorf("a control character in %q", s)
		}
	}
}
