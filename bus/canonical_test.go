package bus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// canonicalVectors are in, parsed exactly, and what CPython's encoder makes of them.
var canonicalVectors = []struct{ in, want string }{
	{`{"b":1,"a":[1,2.0,null,true]}`, `{"a":[1,2.0,null,true],"b":1}`},
	{`[0,-0,-0.0,1.10,1E5,1e16,123456789012345678,1e-4,0.00001,1.5e-7,5e-324]`,
		`[0,0,-0.0,1.1,100000.0,1e+16,123456789012345678,0.0001,1e-05,1.5e-07,5e-324]`},
	{`[1e400,-1e400,NaN,-Infinity]`, `[Infinity,-Infinity,NaN,-Infinity]`},
	{`"\"\\\/\b\f\n\r\t\u0001\u007f é 😀 </b>&'"`, `"\"\\/\b\f\n\r\t\u0001\u007f \u00e9 \ud83d\ude00 </b>&'"`},
	{`{"\ud83d":1,"\uffff":2,"\ud800\udc00":3,"\udfff":4}`, `{"\ud83d":1,"\udfff":4,"\uffff":2,"\ud800\udc00":3}`},
	{`["\ud83d\ud83d\ude00","\ude00\ud83d"]`, `["\ud83d\ud83d\ude00","\ude00\ud83d"]`},
}

func TestCanonical(t *testing.T) {
	for _, c := range canonicalVectors {
		checkCanonical(t, c.in, c.want)
	}
}

func checkCanonical(t *testing.T, in, want string) {
	t.Helper()
	v, err := parseJSON([]byte(in), true)
	if err != nil {
		t.Errorf("parseJSON(%q): %v", in, err)
		return
	}
	got, err := Canonical(v)
	if err != nil || string(got) != want {
		t.Errorf("Canonical(%q) = %s, %v\nwant %s", in, got, err, want)
	}
}

func TestCanonicalLikeCPython(t *testing.T) {
	file, err := os.Open("../../shared/fedmsg-vectors/canonical.jsonl")
	if err != nil {
		t.Skip("needs ../shared/fedmsg-vectors/canonical.jsonl")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	n := 0
	for ; lines.Scan(); n++ {
		// The vectors themselves hold lone surrogates, so they are read by our own reader.
		v, err := parseJSON(lines.Bytes(), true)
		if err != nil {
			t.Fatal(err)
		}
		vector := v.(map[string]any)
		want := vector["out"].(string)
		parsed, err := parseWTF8(vector["in"].(string))
		if err != nil {
			t.Errorf("%.200q: %v", vector["in"], err)
			continue
		}
		if got, err := Canonical(parsed); err != nil || string(got) != want {
			t.Errorf("Canonical(%.200q) = %.200s, %v\nwant %.200s", vector["in"], got, err, want)
		}
	}
	if n < 3000 {
		t.Errorf("only %d vectors", n)
	}
	t.Logf("%d vectors", n)
}

// parseWTF8 parses text that may hold lone surrogates as bytes, as a Python string can.
func parseWTF8(text string) (any, error) {
	p := parser{text: []byte(text), left: maxParsed, exact: true}
	return p.value(0)
}

func TestCanonicalRefuses(t *testing.T) {
	var deep any
	for range MaxDepth + 3 {
		deep = []any{deep}
	}
	for _, v := range []any{
		struct{}{}, []string{"a"}, json.Number("x"), json.Number(""), json.Number("1 "), json.Number("+1"), deep,
	} {
		if got, err := Canonical(v); err == nil {
			t.Errorf("Canonical(%#v) = %s", v, got)
		}
	}
	if got, _ := Canonical("a\xffb\xed\xa0"); string(got) != `"a\ufffdb\ufffd\ufffd"` {
		t.Errorf("bad bytes = %s", got)
	}
}

// FuzzCanonical: what is written reads back and is written the same, and is ASCII.
func FuzzCanonical(f *testing.F) {
	for _, c := range canonicalVectors {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseJSON(text, true)
		if err != nil {
			return
		}
		first, err := Canonical(v)
		if err != nil {
			t.Fatalf("Canonical(%q): %v", text, err)
		}
		if bytes.ContainsFunc(first, func(r rune) bool { return r < 0x20 || r > 0x7E }) {
			t.Errorf("Canonical(%q) = %q is not printable ASCII", text, first)
		}
		again, err := parseJSON(first, true)
		if err != nil {
			t.Fatalf("parse %s: %v", first, err)
		}
		if second, err := Canonical(again); err != nil || !bytes.Equal(first, second) {
			t.Errorf("written %s, then %s, %v", first, second, err)
		}
	})
}
