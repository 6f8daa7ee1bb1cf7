package values

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/text"
)

// JSON gives v as compact JSON, keys sorted and non-ASCII literal, cut on a rune boundary after most bytes. What is
// nested deeper than a message may be is left out.
func JSON(v any, most int) string {
	w := jsonWriter{out: make([]byte, 0, min(most, 1024)), most: most}
	w.value(v, 0)
	return text.CutBytes(string(w.out), most)
}

// A jsonWriter writes JSON and stops a little after most bytes, so that a huge value costs no more than a large one.
type jsonWriter struct {
	out  []byte
	most int
}

func (w *jsonWriter) full() bool { return len(w.out) > w.most }

func (w *jsonWriter) value(v any, depth int) {
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

func (w *jsonWriter) object(m map[string]any, depth int) {
	w.out = append(w.out, '{')
	for i, k := range Keys(m) {
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

func (w *jsonWriter) list(l []any, depth int) {
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
func (w *jsonWriter) text(s string) {
	const hex = "0123456789abcdef"
	w.out = append(w.out, '"')
	for s != "" && !w.full() {
		if n := plainBytes(s[:min(len(s), w.most)]); n > 0 {
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

// plainBytes is how many bytes at the beginning of s are ASCII that needs no escape.
func plainBytes(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// Contains reports whether a text in v, however deep, contains part.
func Contains(v any, part string) bool { return contains(v, part, 0) }

func contains(v any, part string, depth int) bool {
	if depth > bus.MaxDepth {
		return false
	}
	switch v := v.(type) {
	case string:
		return strings.Contains(v, part)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return contains(x, part, depth+1) })
	case map[string]any:
		for _, x := range v {
			if contains(x, part, depth+1) {
				return true
			}
		}
	}
	return false
}
