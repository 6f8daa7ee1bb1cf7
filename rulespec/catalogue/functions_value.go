package catalogue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/notifyd/notifyd/internal/text"
)

// textOf gives a value as a person reads it: nothing for what is missing, numbers as the sender wrote them, a list or object
// as JSON, everything bounded.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return text.CutBytes(v, maxText)
	case json.Number:
		return text.CutBytes(string(v), maxText)
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		w := bodyWriter{}
		w.value(v, 0)
		return text.CutBytes(string(w.out), maxText)
	}
	return text.CutBytes(fmt.Sprint(v), maxText)
}

// number gives v as a number where it is one or reads as one.
func number(v any) (float64, bool) {
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

func integer(v any) (int, bool) {
	f, ok := number(v)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// truthy says whether v is something.
func truthy(v any) bool {
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
		f, ok := number(v)
		return !ok || f != 0
	}
	return true
}

// equal says whether two values are the same. A number equals its text, since senders write ids either way.
func equal(a, b any) bool {
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
	if s, t := textOf(a), textOf(b); s == t {
		return true
	}
	x, ok := number(a)
	y, also := number(b)
	return ok && also && x == y
}

func compare(a, b any) (order int, ok bool) {
	if a == nil || b == nil {
		return 0, false
	}
	x, isNumber := number(a)
	y, both := number(b)
	if isNumber && both {
		return cmp.Compare(x, y), true
	}
	return strings.Compare(textOf(a), textOf(b)), true
}

func addFunction(args ...any) (any, error) {
	_, isText := args[0].(string)
	_, also := args[1].(string)
	if !isText && !also {
		a, ok := integer(args[0])
		b, both := integer(args[1])
		if ok && both {
			return a + b, nil
		}
	}
	return text.CutBytes(textOf(args[0])+textOf(args[1]), maxText), nil
}

func subFunction(args ...any) (any, error) {
	a, ok := integer(args[0])
	b, both := integer(args[1])
	if !ok || !both {
		return nil, nil
	}
	return a - b, nil
}
