package mail

import (
	"html"
	"io"
	"regexp"
	"strings"

	"github.com/emersion/go-message"

	"github.com/notifyd/notifyd/internal/text"
)

const (
	// maxText is how much is kept of a part of text.
	maxText = 64 << 10
	// maxParts is the number of parts that are looked at, maxDepth how deep they may be in each other. A part is read
	// once for each level that it is in, so that bound is one of time.
	maxParts = 100
	maxDepth = 10
	// maxKept is how much is kept of all parts.
	maxKept = 256 << 10
)

// A part is a leaf of the mail that is text.
type part struct {
	kind     string // text/plain
	text     string
	attached bool
}

// walk goes through the parts of a mail.
type walk struct {
	mail *Mail
	seen int
	kept int
}

// entity reads a part, or the parts in it. What cannot be decoded ends there; of a charset or encoding that nobody
// knows the bytes are taken.
func (w *walk) entity(e *message.Entity, depth int) {
	if w.seen++; e == nil || w.seen > maxParts || depth > maxDepth {
		return
	}
	if parts := e.MultipartReader(); parts != nil {
		for w.seen <= maxParts {
			p, err := parts.NextPart()
			if p == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			w.entity(p, depth+1)
		}
		return
	}
	kind, _, err := e.Header.ContentType()
	if err != nil || kind == "" {
		kind = "text/plain"
	}
	if !strings.HasPrefix(kind, "text/") {
		return
	}
	content, _ := io.ReadAll(io.LimitReader(e.Body, int64(min(maxText, maxKept-w.kept))))
	w.kept += len(content)
	disposition, _, _ := e.Header.ContentDisposition()
	w.mail.parts = append(w.mail.parts, part{kind, text.Clean(string(content)), disposition == "attachment"})
}

// Text is the mail's text: the first part that is plain text, or of a mail that has HTML alone what is left of it
// without the tags.
func (m *Mail) Text() string {
	for _, kind := range []string{"text/plain", "text/html"} {
		for _, p := range m.parts {
			if p.kind == kind && !p.attached {
				if kind == "text/html" {
					return strings.TrimSpace(text.Clean(html.UnescapeString(tags.ReplaceAllString(p.text, " "))))
				}
				return p.text
			}
		}
	}
	return ""
}

// tags are those of HTML. What is left is shown as text, never as HTML.
var tags = regexp.MustCompile(`(?is)<style.*?</style>|<script.*?</script>|<[^>]*>`)

// texts gives the parts of some types, but for the mail's text.
func (m *Mail) texts(kinds []string) []any {
	list := []any{}
	first := true
	for _, p := range m.parts {
		if p.kind == "text/plain" && !p.attached && first {
			first = false
			continue
		}
		for _, kind := range kinds {
			if p.kind == kind {
				list = append(list, strings.TrimRight(p.text, "\n"))
				break
			}
		}
	}
	return list
}
