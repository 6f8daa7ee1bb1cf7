package catalogue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

// BodyText gives the body's text as regex rules see it: compact JSON, keys sorted, non-ASCII literal, the first 64 KiB cut
// on a rune boundary. Computed once, on the first call.
func (e *Event) BodyText() string {
	e.bodyOnce.Do(func() {
		if e.Message == nil {
			return
		}
		w := bodyWriter{out: make([]byte, 0, 1024)}
		w.value(e.Message.Body, 0)
		e.bodyText = text.CutBytes(string(w.out), maxBody)
	})
	return e.bodyText
}

// A bodyWriter writes JSON and stops a little after maxBody, so that a huge body costs no more than a large one.
type bodyWriter struct{ out []byte }

func (w *bodyWriter) full() bool { return len(w.out) > maxBody }

func (w *bodyWriter) value(v any, depth int) {
	if w.full() || depth > bus.MaxDepth {
		return
	}
	switch v := v.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case string:
		w.text(v)
	case json.Number:
		w.out = append(w.out, v...)
	case map[string]any:
		w.object(v, depth)
	case []any:
		w.list(v, depth)
	default: // a message made in Go, not decoded
		w.out = fmt.Append(w.out, v)
	}
}

func (w *bodyWriter) object(m map[string]any, depth int) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	w.out = append(w.out, '{')
	for i, k := range keys {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.text(k)
		w.out = append(w.out, ':')
		w.value(m[k], depth+1)
		if w.full() {
			return
		}
	}
	w.out = append(w.out, '}')
}

func (w *bodyWriter) list(l []any, depth int) {
	w.out = append(w.out, '[')
	for i, v := range l {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.value(v, depth+1)
		if w.full() {
			return
		}
	}
	w.out = append(w.out, ']')
}

// text writes a JSON string and escapes only what RFC 8259 section 7 demands.
func (w *bodyWriter) text(s string) {
	const hex = "0123456789abcdef"
	w.out = append(w.out, '"')
	for s != "" && !w.full() {
		if n := plainBytes(s); n > 0 {
			w.out = append(w.out, s[:n]...)
			s = s[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case r == '"' || r == '\\':
			w.out = append(w.out, '\\', byte(r))
		case r == '\n':
			w.out = append(w.out, '\\', 'n')
		case r == '\r':
			w.out = append(w.out, '\\', 'r')
		case r == '\t':
			w.out = append(w.out, '\\', 't')
		case r < ' ':
			w.out = append(w.out, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			w.out = utf8.AppendRune(w.out, r)
		}
	}
	if !w.full() {
		w.out = append(w.out, '"')
	}
}

// plainBytes is how many bytes at the beginning of s are ASCII that needs no escape, at most maxBody.
func plainBytes(s string) int {
	s = s[:min(len(s), maxBody)]
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}
