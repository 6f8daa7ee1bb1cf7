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
	"strings"
)

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
		content, err := decode(p)
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

func decode(p *multipart.Part) (string, error) {
	var r io.Reader
	switch e := p.Header.Get("Content-Transfer-Encoding"); e {
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

// get gives a header decoded; it must be there once.
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
