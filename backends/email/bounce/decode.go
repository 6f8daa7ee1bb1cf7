package bounce

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// contentType reads a field however broken it is.
func contentType(value string) (kind string, parameters map[string]string) {
	kind, parameters, err := mime.ParseMediaType(value)
	if err == nil {
		return kind, parameters
	}
	first, rest := value, value
	if at := strings.IndexAny(value, "; \t"); at > 0 {
		first, rest = value[:at], value[at:]
	}
	parameters = map[string]string{}
	for _, name := range []string{"boundary", "charset"} {
		if found := parameter[name].FindStringSubmatch(rest); found != nil {
			parameters[name] = strings.Trim(found[1], `"`)
		}
	}
	if kind = strings.ToLower(strings.TrimSpace(first)); kind == "" {
		kind = "text/plain"
	}
	return kind, parameters
}

var parameter = map[string]*regexp.Regexp{
	"boundary": regexp.MustCompile(`(?i)boundary\s*=\s*("[^"]*"|[^\s;]+)`),
	"charset":  regexp.MustCompile(`(?i)charset\s*=\s*("[^"]*"|[^\s;]+)`),
}

// decode undoes a transfer encoding. What cannot be decoded ends there.
func decode(body []byte, encoding string) []byte {
	var from io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r == '\n' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, body)
		from = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(clean))
	case "quoted-printable":
		from = quotedprintable.NewReader(bytes.NewReader(body))
	default:
		return body
	}
	plain, _ := io.ReadAll(io.LimitReader(from, MaxBytes)) // what came before the mistake
	return bytes.ReplaceAll(plain, []byte("\r\n"), []byte("\n"))
}

// toUTF8 makes UTF-8 of a text in a charset; of one that nobody knows what is UTF-8 already.
func toUTF8(b []byte, set string) string {
	if set != "" && !strings.EqualFold(set, "utf-8") && !(isASCII(b) && !bytes.ContainsRune(b, 0x1b)) {
		if from, err := charset.Reader(set, bytes.NewReader(b)); err == nil {
			if made, err := io.ReadAll(io.LimitReader(from, 4*maxText)); err == nil {
				b = made
			}
		}
	}
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return string(b)
}

func isASCII(b []byte) bool { return bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 }) < 0 }

// words decodes the encoded words (RFC 2047) of a field.
func words(value string) string {
	if !strings.Contains(value, "=?") {
		return value
	}
	decoder := mime.WordDecoder{CharsetReader: charset.Reader}
	if plain, err := decoder.DecodeHeader(value); err == nil {
		return plain[:min(len(plain), maxField)]
	}
	return value
}
