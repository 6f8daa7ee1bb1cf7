package lines

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
)

// TestContractOfPipe publishes through a named pipe, which ends when its writer closes it.
func TestContractOfPipe(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		pipe := makePipe(t)
		writer, err := os.OpenFile(pipe, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { writer.Close() })
		f := fixture(t, pipe, "")
		f.Publish = func(t testing.TB, messages ...bus.Frame) int { return write(t, writer, bus.MaxPayload*2, messages) }
		f.End = func(testing.TB) { writer.Close() }
		return f
	})
}

// TestContractOfFile publishes by appending to a file that is followed, while it is rotated in both ways.
func TestContractOfFile(t *testing.T) {
	bustest.Run(t, func(t testing.TB) bustest.Fixture {
		path := filepath.Join(t.TempDir(), "messages.jsonl")
		touch(t, path)
		f := fixture(t, path, ", follow: true")
		f.Redelivers = true
		f.Publish = func(t testing.TB, messages ...bus.Frame) int {
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Error(err)
				return 0
			}
			defer file.Close()
			return write(t, file, bus.MaxPayload, messages) // what is larger goes through the pipe above: it fills the disk
		}
		f.Attacks = []bustest.Attack{
			{Name: "garbage", Start: func(t testing.TB) func() {
				appendTo(t, path, "\x00\xff{[\n\n\r\n\"text\"\n[]\n{}\nnull\n{\"topic\":7}\n")
				return func() {}
			}},
			{Name: "rotation", Start: func(t testing.TB) func() {
				rename(t, path, path+".1")
				touch(t, path)
				return func() {}
			}},
			{Name: "copy and truncate", Start: func(t testing.TB) func() {
				if err := os.Truncate(path, 0); err != nil {
					t.Error(err)
				}
				return func() {}
			}},
			{Name: "deletion", Start: func(t testing.TB) func() {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
				touch(t, path)
				return func() {}
			}},
		}
		return f
	})
}

func fixture(t testing.TB, path, more string) bustest.Fixture {
	folder := t.TempDir()
	input := func(text string) string { return "inputs: {ferry: {path: " + text + "}}" }
	return bustest.Fixture{
		Driver: Driver(), Waits: true, TopicInside: true,
		Config: fmt.Sprintf("inputs: {ferry: {path: %s%s}}\nstate: %s", path, more, filepath.Join(folder, "state")),
		Mistakes: map[string]string{
			"inputs": "state: x", "path": "inputs: {ferry: {follow: true}}", "ferry.path": input(folder),
			"inputs.ferry.path": input("/dev/zero"), "follow": input("'/srv/*.jsonl', follow: true"),
			"ferry.follow": input("/srv/a.gz, follow: true"), "inputs.ferry.follow": input("'-', follow: true"),
			"name": "inputs: {'a b': {path: x}}", "standard input": "inputs: {a: {path: '-'}, b: {path: '-'}}",
			"state": input(path) + "\nstate: " + folder,
		},
	}
}

// write writes messages as lines, but those that no line can be.
func write(t testing.TB, file *os.File, most int, messages []bus.Frame) (carried int) {
	for _, m := range messages {
		if bytes.ContainsRune(m.Payload, '\n') || len(bytes.TrimSpace(m.Payload)) == 0 || len(m.Payload) > most {
			continue
		}
		if _, err := file.Write(append(bytes.Clone(m.Payload), '\n')); err != nil {
			t.Error(err)
		}
		carried++
	}
	return carried
}

func makePipe(t testing.TB) string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	return pipe
}

func touch(t testing.TB, path string) {
	t.Helper()
	appendTo(t, path, "")
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Error(err)
	}
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Error(err)
	}
}
