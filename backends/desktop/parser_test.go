package desktop

import (
	"bufio"
	"bytes"
	"slices"
	"testing"
	"testing/iotest"
)

// parse reads all events of a stream.
func parse(in *bufio.Reader) (events []Event) {
	p := parser{in: in, alive: func() {}}
	for {
		e, err := p.next()
		if err != nil {
			return events
		}
		events = append(events, e)
	}
}

func TestParser(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		want []Event
	}{
		"one": {"id: 1\nevent: notice\ndata: x\n\n", []Event{{"1", "notice", []byte("x")}}},
		"line ends": {"id: 1\r\ndata: a\r\rdata:b\r\n\r\n", []Event{{"1", "message", []byte("a")},
			{"1", "message", []byte("b")}}},
		"many lines": {"data: a\ndata\ndata:  b\n\n", []Event{{"", "message", []byte("a\n\n b")}}},
		"comments":   {": hello\n\n:\n\nretry: 5\n\ndata: a\n\n", []Event{{"", "message", []byte("a")}}},
		"id stays": {"id: 7\ndata: a\n\ndata: b\n\n", []Event{{"7", "message", []byte("a")},
			{"7", "message", []byte("b")}}},
		"NUL in id":       {"id: 7\nid: \x00\ndata: a\n\n", []Event{{"7", "message", []byte("a")}}},
		"type is for one": {"event: x\n\ndata: a\n\n", []Event{{"", "message", []byte("a")}}},
		"cut off":         {"data: a\n\ndata: b\n", []Event{{"", "message", []byte("a")}}},
	} {
		if got := parse(bufio.NewReader(bytes.NewReader([]byte(test.in)))); !slices.EqualFunc(got, test.want, same) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func same(a, b Event) bool { return a.ID == b.ID && a.Type == b.Type && bytes.Equal(a.Data, b.Data) }

// FuzzParser: no stream breaks the parser, and how it comes in pieces changes nothing.
func FuzzParser(f *testing.F) {
	for _, seed := range []string{"id: 1\nevent: notice\ndata: {}\n\n", "data\r\r\n\n", ":\n\n", "\ufeffdata: x\n\n",
		"data: a\r\ndata: b\r\n\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := parse(bufio.NewReader(bytes.NewReader(in)))
		pieces := parse(bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(in)), 16))
		if !slices.EqualFunc(whole, pieces, same) {
			t.Errorf("%q gives %q, in pieces %q", in, whole, pieces)
		}
		for _, e := range whole {
			if bytes.ContainsAny([]byte(e.ID), "\r\n\x00") {
				t.Errorf("id %q", e.ID)
			}
		}
	})
}
