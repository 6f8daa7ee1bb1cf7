package http

import (
	"encoding/json"
	"fmt"
	nethttp "net/http"
	"strings"

	"github.com/notifyd/notifyd/bus/expression"
)

// A scope is a delivery as an adapter's expressions see it: header is a header of the request, body a text, number or
// truth value in the JSON, by its path.
type scope struct {
	header nethttp.Header
	body   any
}

// kinds are the places of a delivery.
var kinds = expression.Kinds{"header": true, "body": true}

// Look implements expression.Scope.
func (s scope) Look(kind, name string) any {
	if kind == "body" {
		return lookUp(s.body, name)
	}
	return s.header.Get(name)
}

// lookUp gives the scalar at a path as text; "" for none.
func lookUp(v any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
