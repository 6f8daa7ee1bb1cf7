package email

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/notifyd/notifyd/internal/text"
)

const (
	maxLine   = 76  // characters of a header's line (RFC 5322, section 2.1.1; RFC 2047, section 2)
	maxValue  = 120 // characters of a value
	maxValues = 10  // how often a header is repeated: a message may touch thousands of packages
)

// fields are the headers that go-mail would not write as we need them: it folds right behind the colon, which some
// programs read as a space before the subject, and it joins the values of a header into one. Values are encoded here
// and hold no line end; names are constants.
type fields struct {
	text strings.Builder
}

// add writes a header of text (RFC 5322, "unstructured").
func (f *fields) add(name mail.Header, value string) {
	f.text.WriteString(string(name) + ": " + encodeText(value, len(name)+2) + "\r\n")
}

// addIDs writes a header of message ids, each in a line of its own.
func (f *fields) addIDs(name mail.Header, ids []string) {
	f.text.WriteString(string(name) + ": " + strings.Join(ids, "\r\n ") + "\r\n")
}

// repeat writes a header once for each value, up to maxValues: a rule that compares with "is" must find each.
func (f *fields) repeat(name mail.Header, values []string) {
	for _, v := range values[:min(len(values), maxValues)] {
		if v = headerValue(v, maxValue); v != "" {
			f.add(name, v)
		}
	}
}

// set puts them into the message, in their order: go-mail keeps preformatted headers in a map, so this is one of them.
func (f *fields) set(m *mail.Msg) {
	name, rest, _ := strings.Cut(strings.TrimSuffix(f.text.String(), "\r\n"), ": ")
	m.SetGenHeaderPreformatted(mail.Header(name), rest)
}

// headerValue makes the value of a header: one line of at most n characters, in which a mail program finds nothing to
// decode but what we encode: "=?" begins an encoded word (RFC 2047).
func headerValue(s string, n int) string {
	return text.ElideRunes(strings.ReplaceAll(cleanLine(s, n), "=?", "= ?"), n)
}

// encodeText folds a value that begins at column, as encoded words (RFC 2047) where it is not ASCII.
func encodeText(value string, column int) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		return encodeWords(value, column)
	}
	var b strings.Builder
	for i, word := range strings.Split(value, " ") {
		if i > 0 {
			if column+1+len(word) > maxLine {
				b.WriteString("\r\n")
				column = 0
			}
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// encodeWords writes the Q encoding, in words that fill a line each and hold whole characters.
func encodeWords(value string, column int) string {
	const open, end = "=?utf-8?q?", "?="
	var b strings.Builder
	b.WriteString(open)
	column += len(open)
	for _, r := range value {
		q := encodeRune(r)
		if column+len(q)+len(end) > maxLine {
			b.WriteString(end + "\r\n " + open)
			column = 1 + len(open)
		}
		b.WriteString(q)
		column += len(q)
	}
	b.WriteString(end)
	return b.String()
}

// encodeRune: only what is safe in every place of a header stands for itself (RFC 2047, section 5, rule 3).
func encodeRune(r rune) string {
	switch {
	case r == ' ':
		return "_"
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r < 0x80 && strings.ContainsRune("!*+-/", r):
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

// messageID is the same for every try of a parcel and different for every other, so that a server or a reader that got
// a mail twice can see it (RFC 5322, section 3.6.4). An id that is fit for it is shown as it is, so that an operator
// finds it in the mail server's log; "p." and "h." keep the two forms apart.
func messageID(parcel, domain string) string {
	if id := "<p." + parcel + "@" + domain + ">"; isToken(parcel) && len(id) <= 60 { // a longer one would be folded
		return id
	}
	return "<h." + digestOf("parcel", parcel) + "@" + domain + ">"
}

// threadID is the id of a message that was never sent: the root under which mail programs gather the mails about one
// object.
func threadID(object, domain string) string {
	return "<t." + digestOf("thread", object) + "@" + domain + ">"
}

// token is a dot-atom that every mail program accepts: letters, digits and hyphens, dots between them.
var token = regexp.MustCompile(`^[0-9A-Za-z]+((\.|-+)[0-9A-Za-z]+)*$`)

func isToken(s string) bool { return len(s) <= 40 && token.MatchString(s) }

// digestOf hashes what goes into an id; purpose keeps ids of different meaning apart. 130 bits do not collide.
func digestOf(purpose, s string) string {
	sum := sha256.Sum256([]byte(purpose + "\x00" + s))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:26]
}

// listID names the list that a message belongs to (RFC 2919): that of its application.
func listID(label, domain string) string { return label + " notices <" + label + "." + domain + ">" }

var notLabel = regexp.MustCompile(`[^0-9a-z]+`)

// listLabel makes one label of a domain name of an application's name.
func listLabel(app string) string {
	label := strings.TrimLeft(notLabel.ReplaceAllString(strings.ToLower(app), "-"), "-")
	if label = strings.Trim(text.CutBytes(label, 40), "-"); label != "" {
		return label
	}
	return "other"
}
