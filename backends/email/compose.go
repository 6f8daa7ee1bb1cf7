package email

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/backends"
)

// composer makes the mails that the configuration describes.
type composer struct {
	config    Config
	templates templates // the site's own
	log       *slog.Logger
	now       func() time.Time
	returns   backends.Returns // nil: nothing comes back
}

// errEmpty is a caller's mistake: Parcel.Notices is never empty.
var errEmpty = errors.New("bug: a parcel without notices")

// minBudget is content that always fits into minBytes with the longest headers.
const minBudget = 8 << 10

// compose makes the mail of a parcel, at most MaxBytes as sent: content that turns out too large when encoded is laid
// out again with less room.
func (c composer) compose(p backends.Parcel) (*mail.Msg, error) {
	if len(p.Notices) == 0 {
		return nil, errEmpty
	}
	to, err := CheckAddress(p.To)
	if err != nil {
		return nil, fmt.Errorf("recipient: %w: %w", err, backends.ErrGone)
	}
	p.To = to
	if p.Options[optionFormat] == formatLinks && !isAccount(p) {
		p = bare(p)
	}
	if len(p.Notices) == 1 && p.Notices[0].Document != nil {
		return c.document(p, *p.Notices[0].Document)
	}
	for room := c.config.MaxBytes; ; room /= 2 {
		m, size, err := c.message(p, layOut(p, room))
		if err != nil {
			return nil, err
		}
		if size <= c.config.MaxBytes/8 || room <= minBudget { // encoding makes it three times as long at worst
			return m, nil
		}
		if encoded, err := m.WriteTo(io.Discard); err == nil && encoded <= int64(c.config.MaxBytes) {
			return m, nil
		}
	}
}

// message makes the mail of a content; size is that of both parts before encoding.
func (c composer) message(p backends.Parcel, shown content) (m *mail.Msg, size int, err error) {
	if m, err = c.head(p); err != nil {
		return nil, 0, err
	}
	text, err := c.templates.plainText(shown)
	if err != nil {
		c.log.Error("a template of the site fails; the mail has the form that is built in", "error", err)
		text = plainText(shown)
	}
	html := ""
	if p.Options[optionFormat] != formatText || isAccount(p) {
		if html, err = c.hypertext(p, shown); err != nil {
			return nil, 0, err
		}
	}
	setBody(m, text, html)
	return m, len(text) + len(html), nil
}

// hypertext writes the HTML part: by the site's template, or by ours where that fails.
func (c composer) hypertext(p backends.Parcel, shown content) (string, error) {
	html, err := c.templates.hypertext(shown, c.subject(p))
	if err != nil && c.templates.html != nil {
		c.log.Error("a template of the site fails; the mail has the form that is built in", "error", err)
		return hypertext(shown, c.subject(p))
	}
	return html, err
}

// setBody sets both parts. Line ends of a text are CRLF before any encoding (RFC 2046, section 4.1.1); base64 would
// keep ours. Without HTML there is one part.
func setBody(m *mail.Msg, text, html string) {
	text, html = strings.ReplaceAll(text, "\n", "\r\n"), strings.ReplaceAll(html, "\n", "\r\n")
	m.SetBodyString(mail.TypeTextPlain, text, mail.WithPartEncoding(encodingFor(text)))
	if html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, html, mail.WithPartEncoding(encodingFor(html)))
	}
}

// setAddresses makes errors of its own: those of go-mail contain the address.
func (c composer) setAddresses(m *mail.Msg, p backends.Parcel) error {
	// Not FromFormat: it puts quotes round the name, whatever is in it.
	if err := m.From((&netmail.Address{Name: c.config.FromName, Address: c.config.From}).String()); err != nil {
		return fmt.Errorf("set sender: %w", backends.ErrUnavailable)
	}
	if err := m.EnvelopeFrom(c.envelopeFrom(p)); err != nil {
		return fmt.Errorf("set envelope sender: %w", backends.ErrUnavailable)
	}
	if err := m.To(p.To); err != nil {
		return fmt.Errorf("set recipient: %w", backends.ErrGone)
	}
	return nil
}

// subject is short and the same for the same happening: "[package] error: what happened". The package is left out
// where the title says it; the severity is said from warning on. What is marked says so in front.
func (c composer) subject(p backends.Parcel) string {
	first := worst(p.Notices)
	s := title(first)
	mark, tally := subjectMark(p.Notices)
	if len(p.Notices) > 1 {
		head := backends.Merge(p.Notices)[0]
		s = groupTitle(head)
		if mark == "" {
			s = head.Notices[0].Tag() + s
		}
		s = fmt.Sprintf("%d notices%s: %s", len(p.Notices), tally, s)
	} else if !isAccount(p) {
		s = packageTag(first, s) + severityTag(first) + s
	}
	s = mark + s
	if c.config.SubjectPrefix != "" {
		s = c.config.SubjectPrefix + " " + s
	}
	return headerValue(s, maxSubject)
}

func packageTag(n backends.Notice, title string) string {
	if len(n.Packages) != 1 {
		return ""
	}
	name := n.Shown(cleanLine(n.Packages[0], 40))
	if name == "" || strings.Contains(strings.ToLower(title), strings.ToLower(name)) {
		return ""
	}
	return "[" + name + "] "
}

func severityTag(n backends.Notice) string {
	if word := severityWord(n); word != "" {
		return word + ": "
	}
	return ""
}

// encodingFor picks the shorter encoding: quoted-printable for what is mostly ASCII, base64 for the rest (RFC 2045).
func encodingFor(content string) mail.Encoding {
	high := 0
	for i := range len(content) {
		if content[i] >= 0x80 {
			high++
		}
	}
	if high > len(content)/6 {
		return mail.EncodingB64
	}
	return mail.EncodingQP
}
