package lines

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

var testNow = time.Unix(1_800_000_000, 0)

// FuzzLines: whatever a file is, its lines are all of it, however it comes; from each mark the rest of it follows, and
// what a line becomes is a frame that Decode can judge.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "\r\n\r\n", "{}", "\xef\xbb\xbf{\"topic\":\"a\",\"msg\":{}}\n", "a\x00\nb\n\n\nc",
		sample(1, 2) + sample(3)[:30],
		`{"topic":"a.b","headers":{"sent-at":"2026-01-02T03:04:05Z"},"id":"x","body":{},"queue":null,"priority":0}` + "\n",
		`{"raw_messages":[{"topic":"a","msg":1},7,{}],"pages":1}` + "\n", `{"raw_messages":[],"topic":"a"}`,
		`{"source_name":"datanommer","source_version":"1","topic":"a","msg":{},"timestamp":1.0,"certificate":null}`,
		`{"msg":{"source_name":1,"source_version":2},"topic":"a"}`, `{"topic":"a","topic":""}` + "\n" + `["raw_messages"]`,
	} {
		f.Add([]byte(seed))
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		all := linesOf(t, newLineReader(bytes.NewReader(text), mark{}, nil))
		var joined []byte
		for _, l := range all {
			joined = append(joined, l.text...)
			if l.end.Offset > int64(len(joined)) {
				joined = append(joined, '\n')
			}
			for _, frame := range framesIn(l) {
				_, err := bus.Decode(frame, testNow)
				if err != nil && !errors.Is(err, bus.ErrMalformed) {
					t.Errorf("%q: %v", frame.Payload, err)
				}
			}
		}
		if !bytes.Equal(joined, text) {
			t.Fatalf("%q became %q", text, joined)
		}
		slow := linesOf(t, newLineReader(iotest.OneByteReader(bytes.NewReader(text)), mark{}, nil))
		if !slices.EqualFunc(all, slow, sameLine) {
			t.Fatalf("%q byte by byte gives %v, and not %v", text, slow, all)
		}
		checkMarks(t, filepath.Join(folder, "text"), text, all)
	})
}

// checkMarks reads on from each mark.
func checkMarks(t *testing.T, path string, text []byte, all []line) {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := open(t.Context(), path)
	if err != nil || f.kind != plain { // what begins as gzip does
		return
	}
	defer f.close()
	for n, l := range all[:min(len(all), 8)] {
		before, err := f.seek(l.end)
		if err != nil {
			t.Fatalf("%q: mark %+v: %v", text, l.end, err)
		}
		r := newLineReader(f.in, l.end, before)
		if rest := linesOf(t, r); !slices.EqualFunc(rest, all[n+1:], sameLine) {
			t.Fatalf("%q: from %+v on there is %v, and not %v", text, l.end, rest, all[n+1:])
		}
	}
}

func linesOf(t *testing.T, r *lineReader) (all []line) {
	for {
		l, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	if l, some := r.rest(); some {
		all = append(all, l)
	}
	return all
}

func framesIn(l line) []bus.Frame {
	frames, _ := framesOf(l)
	return frames
}

func sameLine(a, b line) bool {
	return bytes.Equal(a.text, b.text) && a.from == b.from && a.end == b.end
}

// TestForms reads a message in each form that exports have.
func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		string(bustest.Sample(1).Payload): "org.example.prod.ferry.crossing.1 2026-sample-1",
		`{"topic":"org.fedoraproject.prod.git.receive","headers":{"sent-at":"2026-01-02T03:04:05+00:00"},"id":"x-1",` +
			`"body":{"n":1},"queue":"q","priority":0}`: "org.fedoraproject.prod.git.receive x-1",
		`{"i":1,"msg":{"n":1},"msg_id":"2013-1","topic":"a.b","timestamp":1370000000.0,"certificate":null,"headers":{},` +
			`"source_name":"datanommer","source_version":"0.6.4"}`: "a.b 2013-1",
	} {
		frames := framesIn(line{text: []byte(text)})
		if len(frames) != 1 {
			t.Errorf("%s gives %d frames", text, len(frames))
			continue
		}
		m, err := bus.Decode(frames[0], testNow)
		if err != nil || m.Topic+" "+m.ID != want || m.Mended != nil || m.Body == nil {
			t.Errorf("%s gives %+v, %v", text, m, err)
		}
	}
}
