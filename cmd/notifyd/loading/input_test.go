package loading

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus/trust"
	"github.com/notifyd/notifyd/history"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// textsOf reads a stream.
func textsOf(t testing.TB, stream []byte) (all []text, unit string) {
	t.Helper()
	err := readFile(t.Context(), "-", bytes.NewReader(stream), func(_ context.Context, b block) error {
		all, unit = append(all, b.texts...), b.unit
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, unit
}

func TestReadFile(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprint(w, "{\"a\":1}\n{}\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", maxText)
	for _, c := range []struct{ name, stream, unit, want string }{
		{"lines", "{\"a\":1}\n\n  {\"b\":2}\r\n", "line", `1:{"a":1} 3:{"b":2}`},
		{"no last line break, a byte order mark", "\ufeff{}\n{\"a\":\"]\"}", "line", `1:{} 2:{"a":"]"}`},
		{"bad lines stay lines", "{\"a\":\"b\n{\"c\":1}\nx\n", "line", `1:{"a":"b 2:{"c":1} 3:x`},
		{"a list", `[{"a":"}"},{"b":["]",{}]} , {}]`, "value", `1:{"a":"}"} 2:{"b":["]",{}]} 3:{}`},
		{"a list over lines", "[\n{\"a\":\n1},\n{\"b\":\"\\\"}\"}\n]\n", "value", "1:{\"a\":\n1} 2:{\"b\":\"\\\"}\"}"},
		{"indented objects", "{\n \"a\": [1,\n2]\n}\n{\n}\n", "value", "1:{\n \"a\": [1,\n2]\n} 2:{\n}"},
		{"a list that is cut off", `[{"a":1},{"b":`, "value", `1:{"a":1} 2:{"b":`},
		{"what else is in a list", `[1,{"a":1}, "x,{\"", null,{}, [true]]`, "value", `1:1 2:{"a":1} 3:"x,{\"" 4:null 5:{} 6:true`},
		{"a log", "[08:00] say \"a\n[08:01] b {}", "value", `1:08:00 2:say "a 3:08:01 4:b 5:{}`},
		{"an empty list", "[]\n", "", ""},
		{"gzip", packed.String(), "line", `1:{"a":1} 2:{}`},
		{"nothing", "", "", ""},
		{"a long line", `{"a":"` + long + "\"}\n{}\n", "line", "1:too long 2:{}"},
		{"a long value", `[{"a":"` + long + `"},{}]`, "value", "1:too long 2:{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, unit := textsOf(t, []byte(c.stream))
			var got []string
			for _, one := range all {
				shown := string(one.bytes)
				if one.bytes == nil {
					shown = "too long"
				}
				got = append(got, fmt.Sprintf("%d:%s", one.number, shown))
			}
			if strings.Join(got, " ") != c.want || unit != c.unit {
				t.Errorf("%s %.300q, want %s %.300q", unit, got, c.unit, c.want)
			}
		})
	}
}

// TestTorn: what stands before the end of a file that is cut off or broken is read, and the error says where that is.
func TestTorn(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprint(w, "{\"a\":1}\n{\"a\":2}\n{\"a\":")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	whole := packed.String()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, stream, want, err string }{
		{"gzip", whole, `{"a":1} {"a":2}`, "-, behind line 2: unexpected EOF"},
		{"something behind a gzip", packed.String() + "trailing garbage", `{"a":1} {"a":2}`, "-, behind line 2: gzip: invalid header"},
		{"a list", `[{"a":1},{"a":2},`, `{"a":1} {"a":2}`, "-, behind value 2: unexpected EOF"},
		{"xz", "\xfd7zXZ\x00\x00", "", "-: packed for xz; unpack it, and import what comes out: - is standard input"},
	} {
		var got []string
		err := readFile(t.Context(), "-", strings.NewReader(c.stream), func(_ context.Context, b block) error {
			for _, one := range b.texts {
				got = append(got, string(one.bytes))
			}
			return nil
		})
		if strings.Join(got, " ") != c.want || err == nil || err.Error() != c.err {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

// FuzzReadFile: a list of objects, however it is written, gives the same objects, and nothing panics or hangs.
func FuzzReadFile(f *testing.F) {
	for _, seed := range []string{
		`[{"a":1}]`, "{\"a\":1}\n{}", `{"a":"\\\"}{"}`, "[{\n\"a\":[[{}]]\n},{}]", "[", `]{"`, "\x1f\x8b", "[{]}", `[{"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		_ = readFile(t.Context(), "-", bytes.NewReader(stream), func(context.Context, block) error { return nil })
		var list []map[string]any
		if json.Unmarshal(stream, &list) != nil {
			return
		}
		all, _ := textsOf(t, stream)
		for i, one := range list {
			var got map[string]any
			if one == nil { // null
				return
			}
			if i >= len(all) || json.Unmarshal(all[i].bytes, &got) != nil || fmt.Sprint(got) != fmt.Sprint(one) {
				t.Fatalf("object %d of %q is none of %v", i, stream, all)
			}
		}
	})
}

// TestFlowKeepsTheOrder: whatever goroutine makes what, it is stored in the order of the reading; and the errors of
// both ends end it, after all that came before.
func TestFlowKeepsTheOrder(t *testing.T) {
	book, err := catalogue.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := trust.New(trust.Config{}, trust.Keys{})
	if err != nil {
		t.Fatal(err)
	}
	store := history.NewStore(nil, nil, time.Now)
	m := &maker{source: "s", store: store, verifier: verifier, catalogue: book, now: time.Now}
	read := func(ctx context.Context, hand func(context.Context, block) error) error {
		for n := range int64(200) {
			one := fmt.Appendf(nil, `{"topic":"a.b.c","msg_id":"%d","msg":%q}`, n, strings.Repeat("x", int(n%7)*10_000))
			if n%50 == 49 {
				one = []byte("nothing")
			}
			if err := hand(ctx, block{file: "f", unit: "line", texts: []text{{one, n}}}); err != nil {
				return err
			}
		}
		return errors.New("the file is torn")
	}
	next, bad := 0, 0
	err = flow(t.Context(), m, read, func(_ context.Context, one made) error {
		if bad += len(one.bad); len(one.bad) == 0 && (len(one.ready) != 1 || one.ready[0].ID() != fmt.Sprint(next)) {
			t.Errorf("%+v in the place of %d", one, next)
		}
		next++
		return nil
	})
	if err == nil || err.Error() != "the file is torn" || next != 200 || bad != 4 {
		t.Errorf("%v after %d, %d bad", err, next, bad)
	}
	full := errors.New("full")
	if err := flow(t.Context(), m, read, func(context.Context, made) error { return full }); !errors.Is(err, full) {
		t.Error(err)
	}
}

// TestStopWhileNobodyWrites: standard input from which nothing comes does not hold a stop up.
func TestStopWhileNobodyWrites(t *testing.T) {
	stdin, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	read := func(ctx context.Context, hand func(context.Context, block) error) error {
		cancel()
		return readFile(ctx, "-", stdin, hand)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- flow(ctx, &maker{}, read, func(context.Context, made) error { return errors.New("nothing was read") })
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it waits for what nobody writes")
	}
}
