package datagrepper

import (
	"context"
	"net/http"
)

// MayMatch reports whether a payload may have a value of contains, and whether its content has it.
func MayMatch(value string, payload []byte) (may, does bool) {
	all := compileAll([]string{value})
	return all.mayMatch(payload), all.match(context.Background(), pythonJSON(body(payload), true))
}

// KeepEveryTotal lets a handler keep totals that took no time.
func KeepEveryTotal(h http.Handler) { h.(*server).totals.slow = 0 }
