package email

import (
	"fmt"
	"strings"

	"github.com/wneessen/go-mail"
)

// maxLine is the length of a header's line (RFC 5322, section 2.1.1; RFC 2047, section 2).
const maxLine = 76

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

// set gives them to the message, in their order: go-mail keeps preformatted headers in a map, so this is one of them.
func (f *fields) set(m *mail.Msg) {
	name, rest, _ := strings.Cut(strings.TrimSuffix(f.text.String(), "\r\n"), ": ")
	m.SetGenHeaderPreformatted(mail.Header(name), rest)
}

// encodeText folds a value that begins at column, as encoded words (RFC 2047) where it is not ASCII.
func encodeText(value string, column int) string {
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return encodeWords(value, column)
		}
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
