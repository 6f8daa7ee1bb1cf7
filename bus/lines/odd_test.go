package lines

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/internal/exectest"
)

// TestPipe has writers of a pipe go and come back. What one leaves behind its last line break is a line of its own.
func TestPipe(t *testing.T) {
	pipe := makePipe(t)
	r := start(t, one(pipe, Input{Follow: true}))
	writePipe(t, pipe, sample(1, 2))
	r.want(1, 2)
	writePipe(t, pipe, strings.TrimSpace(sample(3)))
	r.want(3)
	writePipe(t, pipe, sample(4))
	r.want(4)
	writePipe(t, pipe, `{"topic":"half`)
	r.says("line=5")
	if err := os.Remove(pipe); err != nil { // and the pipe itself
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	writePipe(t, pipe, sample(5))
	r.want(5)
	if n := r.source.inputs[0].Traffic().Connects; n < 2 {
		t.Errorf("%d connections are counted", n)
	}
	r.stop()
	if strings.Contains(r.log.String(), "read to the end") {
		t.Errorf("a pipe that was followed has ended:\n%s", r.log)
	}
	if _, err := os.Stat(r.source.state.path); err == nil {
		t.Error("a pipe has a state")
	}
}

// TestPipeOnce ends with the first writer, and waits until there is one.
func TestPipeOnce(t *testing.T) {
	pipe := makePipe(t)
	r := start(t, one(pipe, Input{}))
	writePipe(t, pipe, sample(1))
	r.want(1)
	r.end()
}

func writePipe(t *testing.T, pipe, text string) {
	t.Helper()
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0) // which waits for the source
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestEndlessLine sends a line that never ends, and then does: it holds no more memory than a line may.
func TestEndlessLine(t *testing.T) {
	in := &endless{left: 5 * maxLine}
	r := newLineReader(in, mark{}, nil)
	l, err := r.next()
	if err != nil || l.text != nil || l.end.Offset != 5*maxLine+1 || cap(r.part) > 0 {
		t.Errorf("%v: the line ends at %d and holds %d bytes", err, l.end.Offset, len(l.text))
	}
	if in.most > 2*maxLine {
		t.Errorf("%d bytes were held", in.most)
	}
	if frames, faults := framesOf(l); len(frames) != 0 || len(faults) != 1 || faults[0].reason != bus.DroppedLarge {
		t.Errorf("%v, %v", frames, faults)
	}
	if l, err = r.next(); err != nil || string(l.text) != "{}" || l.end.Line != 2 {
		t.Errorf("the next line is %q, %v", l.text, err)
	}
}

// endless is a line of so many bytes, and a short one.
type endless struct{ left, most int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return copy(p, "\n{}\n"), nil
	}
	n := copy(p, bytes.Repeat([]byte("x"), min(len(p), e.left)))
	e.left -= n
	return n, nil
}

// TestLineIsNamed has each way in which a line is none: each is counted, and named by file and number.
func TestLineIsNamed(t *testing.T) {
	long := `{"topic":"a.b","msg":"` + strings.Repeat("x", bus.MaxPayload) + `"}`
	longer := strings.Repeat("y", maxLine+9)
	path := written(t, "messages", sample(1)+"no JSON\n"+sample(2)+"\n"+long+"\n"+longer+"\n"+sample(3))
	r := start(t, one(path, Input{}))
	r.want(1, 2, 3)
	r.end()
	for _, want := range []string{
		`line=2 fault="no JSON object, or one without topic"`, `line=5 fault=too_large`,
	} {
		if !strings.Contains(r.log.String(), "file="+path+" "+want) {
			t.Errorf("the log does not say %s:\n%s", want, r.log)
		}
	}
	dropped := r.source.inputs[0].Traffic().Dropped
	if dropped[bus.DroppedTopic] != 1 || dropped[bus.DroppedLarge] != 2 {
		t.Errorf("dropped: %v", dropped)
	}
}

// TestCannotBeRead has a path that is nothing to read at first, in many ways, and a file in the end.
func TestCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string) error
		want  string
	}{
		"missing":           {func(string) error { return nil }, "no such file"},
		"a folder":          {func(path string) error { return os.Mkdir(path, 0o700) }, "it is a folder"},
		"a device":          {func(path string) error { return os.Symlink("/dev/zero", path) }, "neither a file"},
		"a link to itself":  {func(path string) error { return os.Symlink(path, path) }, "too many levels"},
		"permission denied": {deny, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "messages")
			r := start(t, one(path, Input{Follow: true}))
			if err := c.spoil(path); err != nil {
				t.Fatal(err)
			}
			exectest.Eventually(t, patience, "a warning says "+c.want, func() bool {
				w := r.source.Warnings()
				return len(w) == 1 && strings.HasPrefix(w[0], "bus.lines.inputs.ferry: ") &&
					strings.Contains(w[0], c.want)
			})
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			appendTo(t, path, sample(1))
			r.want(1)
			exectest.Eventually(t, patience, "nothing is wrong", func() bool { return r.source.Warnings() == nil })
		})
	}
}

// deny puts what may not be read at path. Root may read every file, but not what the kernel has for writing alone.
func deny(path string) error {
	if os.Getuid() == 0 {
		return os.Symlink("/proc/sys/vm/compact_memory", path)
	}
	return os.WriteFile(path, nil, 0)
}

// TestTruncatedArchive reads what is there of a file that is still being copied, and then the rest.
func TestTruncatedArchive(t *testing.T) {
	folder := t.TempDir()
	whole := filepath.Join(folder, "whole")
	pack(t, whole, sample(1, 2, 3))
	first, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	pack(t, whole, sample(1, 2, 3), sample(4, 5))
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "old.gz")
	appendTo(t, path, string(text[:first.Size()+15]))
	r := start(t, one(path, Input{}))
	r.want(1, 2, 3)
	r.says("unexpected EOF")
	appendTo(t, path, string(text[first.Size()+15:]))
	r.want(4, 5)
	r.end()
}

// TestStateCannotBeWritten goes on reading; the warning is over when the disk has room again.
func TestStateCannotBeWritten(t *testing.T) {
	path := written(t, "messages", sample(1))
	c := one(path, Input{Follow: true})
	c.State = filepath.Join(filepath.Dir(path), "later", "state")
	r := start(t, c)
	r.want(1)
	exectest.Eventually(t, patience, "a warning says so", func() bool {
		w := r.source.Warnings()
		return len(w) == 1 && strings.HasPrefix(w[0], "bus.lines.state: ")
	})
	if err := os.Mkdir(filepath.Dir(c.State), 0o700); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, sample(2))
	r.want(2)
	exectest.Eventually(t, patience, "the warning is over", func() bool { return r.source.Warnings() == nil })
}

// TestBadState does not begin anew where the file cannot be understood.
func TestBadState(t *testing.T) {
	path := written(t, "messages", "")
	for _, text := range []string{"", "{}", "null", `{"inputs":[]}`, "{\"inputs\":{}}\nmore"} {
		c := one(path, Input{})
		if err := os.WriteFile(c.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(c, nil); err == nil || !strings.HasPrefix(err.Error(), "state: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestPageOfManyMessages is one line with many messages: it is done with when all of them are.
func TestPageOfManyMessages(t *testing.T) {
	var records []string
	for n := range 3 {
		records = append(records, fmt.Sprintf(`{"i":0,"msg":{"n":%d},"msg_id":"2013-%d","topic":"a.b","timestamp":1.0,`+
			`"certificate":null,"source_name":"datanommer","source_version":"0.6"}`, n, n))
	}
	page := `{"count":3,"raw_messages":[` + strings.Join(records, ",") + `,7],"total":3}` + "\n"
	path := written(t, "messages", page+records[0]+"\n")
	r := start(t, one(path, Input{Late: true}))
	frames := r.take(4)
	r.end()
	if want := `{"i":0,"msg":{"n":1},"msg_id":"2013-1","timestamp":1,"topic":"a.b"}`; string(frames[1].Payload) != want {
		t.Errorf("%s, want %s", frames[1].Payload, want)
	}
	for _, f := range append(frames[:2:2], frames[3]) {
		f.Done()
	}
	r.kept()
	if n := r.source.inputs[0].Traffic().Dropped[droppedBroken]; n != 1 {
		t.Errorf("%d dropped", n)
	}
	r = start(t, one(path, Input{Late: true}))
	if again := r.take(3); string(again[2].Payload) != string(frames[2].Payload) {
		t.Errorf("%s", again[2].Payload)
	}
	r.end()
}

// TestStopsInALineThatNeverEnds: a file may be a hole of a terabyte.
func TestStopsInALineThatNeverEnds(t *testing.T) {
	path := written(t, "f.jsonl", sample(1))
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	r := start(t, one(path, Input{}))
	r.want(1)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.stop()
	}()
	exectest.Eventually(t, 10*time.Second, "it stops", func() bool {
		select {
		case <-stopped:
			return true
		default:
			return false
		}
	})
}

// TestRenamedForAFolder: who writes the file goes on to do so, since he cannot write to a folder.
func TestRenamedForAFolder(t *testing.T) {
	path := written(t, "f.jsonl", sample(1))
	r := start(t, one(path, Input{Follow: true}))
	r.want(1)
	rename(t, path, path+".1")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * lookMax)
	appendTo(t, path+".1", sample(2))
	r.want(2)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, sample(3))
	r.want(3)
}
