// Package mail makes messages of mails: of those that a mailing list, a bug tracker or an archive of packages sends to
// people. So was Debian's bus begun, by subscribing to the lists of its bugs and its uploads.
//
// Read reads a mail (RFC 5322, MIME). A Mapping says, as data, which mails it is for and what message they make: topic,
// id and fields are expressions (bus/expression) over headers and text. Mappings for Debian's bugs and uploads, for
// distro-tracker, Bugzilla, Launchpad and mailing lists are in the folder mappings; a site adds its own.
//
//	all, err := mail.Load("") // the folder of the site's own; "" for none
//	read, err := mail.Read(os.Stdin)
//	outcome := all.Message(read, mail.Options{Prefix: "org.debian.dev", Now: time.Now()})
//	if outcome.Draft != nil { post(outcome.Draft.Payload) }
//
// # What a mail proves
//
// Nothing. Whoever knows the address can send one, with any From and any header. What is proved is who handed the
// message on: the mail system, by its token. The message says so in its headers (notifyd_proof: mail). An id begins
// with "mail:", so that no mail takes the id of a message of another bus. Authentication-Results (RFC 8601) are not
// looked at, unless Options.Require or a mapping asks for them.
//
// # Loops
//
// Answers of programs to mails (RFC 3834), bounces, and mails of notifyd itself become no message, whatever a mapping
// says: what they would cause comes back here.
//
// # Bounds
//
// A mail is anybody's text, so nothing of it is trusted to be short or well formed: MaxMail bytes are read, and so many
// headers, parts and levels of parts; the rest counts as not there. What cannot be read is left out. No mail is refused
// for its form: an MTA would send it back, and lists strike off who sends their mails back.
package mail

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the charsets that people's mail is in
	"github.com/emersion/go-message/textproto"

	"github.com/notifyd/notifyd/internal/text"
)

const (
	// MaxMail is how much is read of a mail.
	MaxMail = 16 << 20
	// maxHead is how much of it may be headers, maxHeader how much of one counts.
	maxHead   = 1 << 20
	maxHeader = 8 << 10
	// maxDrained is how much more is read of a mail that is larger, so that who writes it gets rid of it.
	maxDrained = 1 << 30
)

// A Mail is a mail that was read.
type Mail struct {
	head  message.Header
	parts []part
	// fields are the fields of the text, as a file of control data has them. nil: not read yet.
	fields map[string]string
}

// Read reads a mail. It fails only where reading itself does.
func Read(from io.Reader) (*Mail, error) {
	raw, err := io.ReadAll(io.LimitReader(from, MaxMail))
	if err != nil {
		return nil, err
	}
	if len(raw) == MaxMail {
		if _, err := io.Copy(io.Discard, io.LimitReader(from, maxDrained)); err != nil {
			return nil, err
		}
	}
	return parse(raw), nil
}

// parse reads what a mail consists of.
func parse(raw []byte) *Mail {
	head, body := cutHead(raw)
	m := &Mail{}
	if h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(head))); err == nil || h.Len() > 0 {
		m.head = message.Header{Header: h}
	}
	w := walk{mail: m}
	whole, _ := message.New(m.head, bytes.NewReader(body)) // an error is of a charset or encoding that nobody knows
	w.entity(whole, 0)
	return m
}

// Header gives a header as one line, decoded; "" for none. Of several it is the first, which the last server has
// written.
func (m *Mail) Header(name string) string {
	raw := m.head.Get(name)
	return decoded(raw[:min(len(raw), maxHeader)])
}

// decoded decodes the encoded words (RFC 2047) of a header.
func decoded(raw string) string {
	if !strings.Contains(raw, "=?") {
		return text.OneLine(raw)
	}
	decoder := mime.WordDecoder{CharsetReader: charset}
	value, err := decoder.DecodeHeader(raw)
	if err != nil {
		value = raw // a charset that nobody knows
	}
	return text.OneLine(value[:min(len(value), maxHeader)])
}

// aliases are names of charsets that mail programs write, and that no list has. What is unknown mostly is UTF-8.
var aliases = map[string]string{
	"eucgb2312_cn": "gb2312", "cp936": "gbk", "cp949": "euc-kr", "cp932": "shift_jis", "unknown-8bit": "utf-8",
	"x-unknown": "utf-8", "unknown": "utf-8",
}

// charset gives what is read as UTF-8.
func charset(name string, in io.Reader) (io.Reader, error) {
	if alias := aliases[strings.ToLower(name)]; alias != "" {
		name = alias
	}
	return message.CharsetReader(name, in)
}

// Date is when the mail says it was written, or else when the last server received it; zero where nothing says so.
func (m *Mail) Date() time.Time {
	received := m.Header("Received")
	for _, date := range []string{m.Header("Date"), received[strings.LastIndexByte(received, ';')+1:]} {
		if at, err := netmail.ParseDate(strings.TrimSpace(date)); err == nil && at.Year() >= 1970 {
			return at
		}
	}
	return time.Time{}
}

// ID is the mail's Message-ID without brackets; where it has none, a digest of what does not change on its way.
func (m *Mail) ID() string {
	id := strings.Trim(m.Header("Message-ID"), "<> ")
	if id != "" {
		return id
	}
	sum := sha256.New()
	for _, name := range []string{"From", "To", "Date", "Subject"} {
		io.WriteString(sum, m.Header(name)+"\x00") // never fails
	}
	io.WriteString(sum, m.Text())
	return "sha256-" + hex.EncodeToString(sum.Sum(nil)[:16])
}
