package directory

import (
	"errors"
	"reflect"
	"testing"
)

// FuzzChunks: a text that is read in many small pieces gives the same result as when it is read whole, or is not read
// in pieces.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("groups:\n  a: [x]\n  b:\n    - y\npackages:\n  p: {r: [x, \"@a\"]}\n  q:\n    r: [y]\n"))
	f.Add([]byte("# one\n\npackages:\n p: {r: [\"x\n q: y\"]}\n p: {}\n"))
	f.Add([]byte("groups: # c\r\n  a:\r\n  b: [\r\n  c,\r\n  d: ]\r\n"))
	f.Add([]byte("packages:\n  ? a\n  : {r: []}\n  b: {}\nteams:\n  x: []\n"))
	f.Add([]byte("groups:\n- a\n- b\npackages:\n  'p\n  q': {}\n  r: {s: [t]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 2000 {
			return
		}
		pieces, err := parseInChunks(text, 1, true)
		if errors.Is(err, errNotCut) {
			return // it is read whole
		}
		whole, wholeErr := parseWhole(text, true)
		if (err == nil) != (wholeErr == nil) {
			t.Fatalf("in pieces: %v; whole: %v", err, wholeErr)
		}
		if err == nil && !reflect.DeepEqual(pieces, whole) {
			t.Fatalf("in pieces: %+v; whole: %+v", pieces, whole)
		}
	})
}
