package email

import (
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
	"github.com/notifyd/notifyd/internal/text"
)

// document makes the mail of a document. One that is too large for a mail goes without its HTML, and is cut where that
// does not suffice; the link leads to all of it.
func (c composer) document(p backends.Parcel, d backends.Document) (m *mail.Msg, err error) {
	plain, page, err := documentParts(p.Notices[0], d, c.subject(p))
	if err != nil {
		return nil, err
	}
	if p.Options[optionFormat] == formatText {
		page = ""
	}
	for {
		if m, err = c.head(p); err != nil {
			return nil, err
		}
		setBody(m, plain, page)
		size, err := m.WriteTo(io.Discard)
		switch {
		case err != nil:
			return nil, fmt.Errorf("write document: %w", err)
		case size <= int64(c.config.MaxBytes) || len(plain) <= minBudget && page == "":
			return m, nil
		case page != "":
			page = ""
		default:
			plain = text.CutBytes(plain, len(plain)/2) + "\n\n[The text was shortened to keep this mail small.]\n"
		}
	}
}

// documentParts gives both forms of a document. The text is not wrapped: it is laid out already.
func documentParts(n backends.Notice, d backends.Document, subject string) (plain, page string, err error) {
	link, foot := safeLink(n.Link), cleanLine(d.Foot, maxSentence)
	plain = strings.Trim(text.Clean(n.Text), "\n") + "\n\n-- \n" + wrap(foot, "") + "\n"
	if link != "" {
		plain += link + "\n"
	}
	var b strings.Builder
	err = documentPage.Execute(&b, struct {
		Subject, Title, Foot, Link string
		Body                       template.HTML
	}{subject, title(n), foot, link, template.HTML(strings.ToValidUTF8(d.HTML, "\uFFFD"))})
	if err != nil {
		return "", "", fmt.Errorf("render document: %w", err)
	}
	return plain, b.String(), nil
}

// head makes a mail with all its headers and no body.
func (c composer) head(p backends.Parcel) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent()) // go-mail's default names its version
	if err := c.setAddresses(m, p); err != nil {
		return nil, err
	}
	m.SetDateWithValue(c.now())
	c.setHeaders(m, p, c.subject(p))
	return m, nil
}
