package bounce

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The bounds of a mail.
const (
	MaxBytes   = 1 << 20 // that are read of a mail
	maxDepth   = 8
	maxParts   = 100
	maxFields  = 500
	maxField   = 8 << 10
	maxText    = 64 << 10 // of one part
	maxAllText = 256 << 10
)

// A Mail is a mail that was parsed. Its parts are texts, in UTF-8.
type Mail struct {
	head     fields
	parts    []part
	returned fields // the head of the mail that came back, where there is one
	back     []byte // that mail, as it came: to look for a token in it
	size     int    // of the texts kept
	seen     int    // parts
}

type part struct {
	kind     string // text/plain
	text     string
	attached bool
}

// fields are the fields of a head, by their names in lower case.
type fields map[string][]string

func (f fields) first(name string) string {
	if len(f[name]) == 0 {
		return ""
	}
	return f[name][0]
}

// Header gives the first field of a name, decoded and on one line; "" for none.
func (m *Mail) Header(name string) string { return words(m.head.first(strings.ToLower(name))) }

// Headers gives all fields of a name.
func (m *Mail) Headers(name string) (all []string) {
	for _, value := range m.head[strings.ToLower(name)] {
		all = append(all, words(value))
	}
	return all
}

// Has reports whether there is a field whose name begins so, in the head of the mail or of what came back in it.
func (m *Mail) Has(prefix string) bool { return m.head.has(prefix) || m.returned.has(prefix) }

// Own reports whether the head of the mail itself has a field whose name begins so.
func (m *Mail) Own(prefix string) bool { return m.head.has(prefix) }

func (f fields) has(prefix string) bool {
	for name := range f {
		if strings.HasPrefix(name, strings.ToLower(prefix)) {
			return true
		}
	}
	return false
}

// Back gives what came back of our mail, as it came.
func (m *Mail) Back() []byte { return m.back }

// Parse reads a mail, at most MaxBytes of it.
func Parse(raw []byte) *Mail {
	raw = raw[:min(len(raw), MaxBytes)]
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
	m := &Mail{}
	var body []byte
	m.head, body = cutHead(raw)
	m.entity(m.head, body, 0)
	return m
}

// cutHead cuts an entity into its fields and its body. Empty lines in front, and lines that are no fields, are skipped.
func cutHead(raw []byte) (fields, []byte) {
	f, name, count := fields{}, "", 0
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			raw = rest
			if count > 0 {
				break
			}
			continue
		}
		if before, value, ok := bytes.Cut(line, []byte(":")); isBlank(line[0]) {
			if last := len(f[name]) - 1; last >= 0 && len(f[name][last]) < maxField {
				f[name][last] += " " + string(bytes.TrimSpace(line))
			}
		} else if ok && isName(before) {
			if count++; count <= maxFields {
				name = strings.ToLower(string(bytes.TrimSpace(before)))
				f[name] = append(f[name], string(bytes.TrimSpace(value[:min(len(value), maxField)])))
			}
		} else if count > 0 && !bytes.HasPrefix(line, []byte("From ")) && !bytes.HasPrefix(line, []byte(">")) {
			break // the empty line behind the head was lost
		}
		raw = rest
	}
	return f, raw
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isName(b []byte) bool {
	b = bytes.TrimRight(b, " \t")
	return len(b) > 0 && len(b) < 80 && bytes.IndexFunc(b, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// entity reads a part, or the parts in it.
func (m *Mail) entity(head fields, body []byte, depth int) {
	if m.seen++; m.seen > maxParts || depth > maxDepth {
		return
	}
	kind, parameters := contentType(head.first("content-type"))
	if boundary := boundaryOf(kind, parameters["boundary"], body); boundary != "" {
		preamble, parts := split(body, boundary)
		if boundary != parameters["boundary"] { // the head that names it was lost, so the text in front is no preamble
			m.keep(fields{}, "text/plain", parameters["charset"], preamble)
		}
		for _, inner := range parts {
			f, b := cutHead(inner)
			if len(f) == 0 {
				b = inner // a part without a head is text (RFC 2046, 5.1)
			}
			m.entity(f, b, depth+1)
		}
		return
	}
	switch {
	case depth > 0 && len(head["content-type"]) == 0 && (len(head["received"]) > 0 || len(head["message-id"]) > 0):
		m.comesBack(append(headOf(head), body...)) // a part that is a mail, and does not say so
	case slices.Contains(mails, kind):
		m.comesBack(decode(body, head.first("content-transfer-encoding")))
	case strings.HasPrefix(kind, "multipart/"): // its boundary is nowhere
		m.keep(head, "text/plain", parameters["charset"], body)
	case strings.HasPrefix(kind, "text/"), isStatus(kind), kind == "message/feedback-report":
		m.keep(head, kind, parameters["charset"], body)
	}
}

// mails are the kinds of parts that are a mail, or the head of one.
var mails = []string{"message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header",
	"message/global-headers", "message/partial"}

func (m *Mail) keep(head fields, kind, set string, body []byte) {
	b := decode(body, head.first("content-transfer-encoding"))
	b = b[:min(len(b), maxText, maxAllText-m.size)]
	m.size += len(b)
	disposition, _, _ := strings.Cut(strings.ToLower(head.first("content-disposition")), ";")
	m.parts = append(m.parts, part{kind, toUTF8(b, set), strings.TrimSpace(disposition) == "attachment"})
}

// comesBack keeps the first mail that is in this one: ours, or what the sender says is ours.
func (m *Mail) comesBack(raw []byte) {
	if m.back == nil && len(bytes.TrimSpace(raw)) > 0 {
		m.back = raw
		m.returned, _ = cutHead(raw)
	}
}

func isStatus(kind string) bool {
	return kind == "message/delivery-status" || kind == "message/global-delivery-status"
}

// bare is a boundary in a body whose head was lost: a line that begins with -- before the head of a part.
var bare = regexp.MustCompile(`(?m)^--(\S{6,100})\n(?i:content-(?:type|description)):`)

// boundaryOf gives the boundary of a multipart; "" for any other part.
func boundaryOf(kind, boundary string, body []byte) string {
	if boundary != "" && bytes.Contains(body, []byte("--"+boundary)) && strings.HasPrefix(kind, "multipart/") {
		return boundary
	}
	if kind == "text/plain" || kind == "" || strings.HasPrefix(kind, "multipart/") {
		if found := bare.FindSubmatch(body[:min(len(body), maxText)]); found != nil {
			return string(found[1])
		}
	}
	return ""
}

// headOf writes fields again.
func headOf(f fields) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for _, value := range f[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}

// split cuts a multipart at its boundary. preamble is what is in front of its first part.
func split(body []byte, boundary string) (preamble []byte, parts [][]byte) {
	var all [][]byte
	mark := []byte("--" + boundary)
	begin := 0
	for at := 0; at < len(body) && len(all) < maxParts; {
		end := bytes.IndexByte(body[at:], '\n')
		if end < 0 {
			end = len(body) - at
		}
		line := body[at : at+end]
		if bytes.HasPrefix(line, mark) {
			if rest := bytes.TrimSpace(line[len(mark):]); len(rest) == 0 || string(rest) == "--" {
				all = append(all, body[begin:at])
				begin = min(at+end+1, len(body))
				if len(rest) > 0 {
					return all[0], all[1:]
				}
			}
		}
		at += end + 1
	}
	all = append(all, body[begin:])
	return all[0], all[1:]
}
