// Package values reads what a message's JSON holds, whatever it is, as what an entry needs: a text, a number, a list,
// the name of a person or a package, a link.
//
// All functions are total. Nobody who publishes a message is bound to a form, and a field that held a text yesterday
// may hold an object today; what cannot be read as asked is the empty value, never an error. All that they give is
// bounded, and what is to stand in a mail, on IRC or in a page is cleaned: no control characters, no marks that turn
// the direction of writing (Unicode Standard Annex 9), no two names that look alike.
//
// A value is what encoding/json gives with UseNumber: nil, bool, string, json.Number, []any and map[string]any, and
// what expressions make of those: int, float64 and map[string]string.
package values

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// The bounds on what the functions hand out.
const (
	MaxList = 1000     // elements of a list; more are not looked at
	MaxText = 16 << 10 // bytes of a text
)

// Text gives a value as text: nothing for what is missing, a text as it is, numbers as the sender wrote them, an object
// by its name, a list as a series of names, everything bounded. It never gives JSON; see Plain for what says nothing.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return withoutEncoding(text.CutBytes(v, MaxText))
	case json.Number:
		return text.CutBytes(string(v), MaxText)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any, map[string]string:
		return plain(v, maxWithin)
	}
	return text.CutBytes(fmt.Sprint(v), MaxText)
}

// withoutEncoding gives a header of a mail that stands in a message as it came, with its encoded words read (RFC 2047).
func withoutEncoding(s string) string {
	if !strings.Contains(s, "=?") || !strings.Contains(s, "?=") {
		return s
	}
	if out, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return text.CutBytes(out, MaxText)
	}
	return s
}

// Number gives v as a number where it is one or reads as one.
func Number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	case json.Number:
		return numberIn(string(v))
	case string:
		return numberIn(v)
	}
	return 0, false
}

func numberIn(s string) (float64, bool) {
	if s == "" || len(s) > 64 || !strings.ContainsRune("+-.0123456789", rune(s[0])) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Integer gives v as a whole number where it is one or reads as one.
func Integer(v any) (int, bool) {
	f, ok := Number(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// Truthy says whether v is something.
func Truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case json.Number, int, float64:
		f, ok := Number(v)
		return !ok || f != 0
	}
	return true
}

// Equal says whether two values are the same. A number equals its text, since senders write ids either way.
func Equal(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if x, ok := a.(bool); ok {
		y, ok := b.(bool)
		return ok && x == y
	}
	if _, ok := b.(bool); ok {
		return false
	}
	if isComposite(a) && isComposite(b) {
		return JSON(a, MaxText) == JSON(b, MaxText)
	}
	if s, t := Text(a), Text(b); s == t {
		return true
	}
	x, ok := Number(a)
	y, also := Number(b)
	return ok && also && x == y
}

func isComposite(v any) bool {
	switch v.(type) {
	case map[string]any, []any, map[string]string:
		return true
	}
	return false
}

// Compare gives the order of two values: of their numbers where both are some, otherwise of their texts. Not ok is
// nothing.
func Compare(a, b any) (order int, ok bool) {
	if a == nil || b == nil {
		return 0, false
	}
	x, isNumber := Number(a)
	y, both := Number(b)
	if isNumber && both {
		return cmp.Compare(x, y), true
	}
	return strings.Compare(Text(a), Text(b)), true
}
