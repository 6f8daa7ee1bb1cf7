package lines

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/bus"
	"github.com/notifyd/notifyd/bus/bustest"
	"github.com/notifyd/notifyd/internal/exectest"
)

const patience = 20 * time.Second

// A run is a source that runs until the test or stop ends it.
type run struct {
	t      *testing.T
	source *Source
	in     *bus.Intake
	stop   func()
	ended  chan struct{}
	log    *exectest.Log
}

func start(t *testing.T, c Config) *run {
	t.Helper()
	r := &run{t: t, in: bus.NewIntake(bus.IntakeConfig{}), ended: make(chan struct{}), log: &exectest.Log{}}
	var err error
	if r.source, err = New(c, slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(r.ended)
		if err := r.source.Run(ctx, r.in); err != nil {
			t.Error(err)
		}
	}()
	r.stop = func() { cancel(); <-r.ended }
	t.Cleanup(func() {
		r.stop()
		for !r.source.state.idle() { // t's context has ended, so that Eventually would not wait
			<-time.After(time.Millisecond)
		}
	})
	return r
}

// take gives the next frames, without being done with them.
func (r *run) take(n int) (frames []bus.Frame) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for len(frames) < n {
		batch, open := r.in.Next(ctx)
		if !open {
			r.t.Fatalf("%d frames came of %d; the log:\n%s", len(frames), n, r.log)
		}
		frames = append(frames, batch...)
	}
	return frames
}

// want takes the messages with these numbers, in this order, and no others. It is done with them.
func (r *run) want(numbers ...int) {
	r.t.Helper()
	frames := r.take(len(numbers))
	if len(frames) > len(numbers) {
		r.t.Fatalf("%d frames came, want %d; the last is %s", len(frames), len(numbers), frames[len(frames)-1].Topic)
	}
	for i, f := range frames {
		if want := bustest.Sample(numbers[i]); f.Topic != want.Topic || string(f.Payload) != string(want.Payload) {
			r.t.Errorf("message %d is %s, want %s", i, f.Topic, want.Topic)
		}
		f.Done()
	}
	if left := r.in.Len(); left > 0 {
		r.t.Errorf("%d more came: %s", left, r.take(1)[0].Topic)
	}
}

// kept waits until the state is as it should be.
func (r *run) kept() {
	r.t.Helper()
	s := r.source.state
	exectest.Eventually(r.t, patience, "the state is kept", func() bool {
		text, err := os.ReadFile(s.path)
		return err == nil && string(text) == string(s.text())
	})
}

// end waits until the source has ended by itself, and looks for frames that are left.
func (r *run) end() {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("it has not ended; the log:\n%s", r.log)
	}
	if left := r.in.Len(); left > 0 {
		r.t.Errorf("%d more came: %s", left, r.take(1)[0].Topic)
	}
}

// says waits for a line of the log.
func (r *run) says(text string) {
	r.t.Helper()
	exectest.Eventually(r.t, patience, "the log says "+text, func() bool { return strings.Contains(r.log.String(), text) })
}

// idle reports whether nothing is going to be written.
func (s *state) idle() bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.later == nil
}

func one(path string, i Input) Config {
	i.Path = path
	return Config{Inputs: map[string]Input{"ferry": i}, State: filepath.Join(filepath.Dir(path), "state")}
}

// sample gives messages as lines.
func sample(numbers ...int) string {
	var text strings.Builder
	for _, n := range numbers {
		text.Write(bustest.Sample(n).Payload)
		text.WriteByte('\n')
	}
	return text.String()
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	appendTo(t, path, text)
	return path
}

// TestGoesOnWhereItWas is done with the first and the third of three lines: after a restart the second comes, and what
// was written meanwhile.
func TestGoesOnWhereItWas(t *testing.T) {
	path := written(t, "messages", sample(1, 2, 3))
	for _, follow := range []bool{true, false} {
		os.Remove(filepath.Join(filepath.Dir(path), "state"))
		r := start(t, one(path, Input{Follow: follow}))
		frames := r.take(3)
		frames[0].Done()
		frames[2].Done()
		r.stop()
		r.kept()
		appendTo(t, path, sample(4))
		r = start(t, one(path, Input{Follow: follow}))
		r.want(2, 4)
		r.stop()
		r = start(t, one(path, Input{Follow: follow}))
		appendTo(t, path, sample(5))
		if follow {
			r.want(5)
		}
		r.stop()
		if err := os.Truncate(path, int64(len(sample(1, 2, 3)))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStateIsThereAfterAKill looks at the file while the source runs, as after a kill -9.
func TestStateIsThereAfterAKill(t *testing.T) {
	path := written(t, "messages", sample(1, 2, 3))
	r := start(t, one(path, Input{Follow: true}))
	r.take(3)[0].Done()
	want := fmt.Sprintf(`"offset":%d,"line":1,`, len(sample(1)))
	exectest.Eventually(t, patience, "the state says what is committed", func() bool {
		text, _ := os.ReadFile(r.source.state.path)
		return strings.Contains(string(text), want)
	})
}

// TestDoneAfterTheEnd is done with frames after Run has returned, as the router is in an orderly stop.
func TestDoneAfterTheEnd(t *testing.T) {
	path := written(t, "messages", sample(1, 2))
	r := start(t, one(path, Input{}))
	frames := r.take(2)
	r.end()
	for _, f := range frames {
		f.Done()
	}
	r = start(t, one(path, Input{}))
	r.end()
}

// TestPartialLine has a line that is not whole wait for the rest of it, unless the file is at its end.
func TestPartialLine(t *testing.T) {
	path := written(t, "messages", sample(1)+sample(2)[:20])
	r := start(t, one(path, Input{Follow: true}))
	r.want(1)
	r.stop()
	appendTo(t, path, sample(2)[20:]+strings.TrimSpace(sample(3)))
	r = start(t, one(path, Input{Follow: true}))
	r.want(2)
	r.stop()
	r = start(t, one(path, Input{}))
	r.want(3)
	r.end()
}

// TestRotation rotates a file in both ways, while it is read and while it is not.
func TestRotation(t *testing.T) {
	path := written(t, "messages", sample(1))
	follow := one(path, Input{Follow: true})
	r := start(t, follow)
	r.want(1)
	rename(t, path, path+".1")
	appendTo(t, path+".1", sample(2)) // its writer has not noticed
	r.want(2)
	appendTo(t, path+".1", strings.TrimSpace(sample(3)))
	appendTo(t, path, sample(4))
	r.want(3, 4)

	later(t, path+".1", -1)
	copied(t, path, path+"-20261129")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	r.says("old=" + path + "-20261129")
	appendTo(t, path, sample(5, 6))
	r.want(5, 6)
	r.stop()

	appendTo(t, path, sample(7))
	rename(t, path, path+".2026-11-29")
	appendTo(t, path, sample(8))
	later(t, path+".2026-11-29", 1)
	rename(t, path, path+".2026-11-30")
	later(t, path+".2026-11-30", 2)
	appendTo(t, path, sample(9))
	appendTo(t, path+".bak", sample(99)) // no rotated file
	r = start(t, follow)
	r.want(7, 8, 9)
	r.stop()

	copied(t, path, path+".3")
	appendTo(t, path+".3", sample(10)) // what was not read before it was copied
	later(t, path+".3", 3)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, sample(11, 12, 13))
	r = start(t, follow)
	r.want(10, 11, 12, 13)
}

// TestRotatedBeforeTheFirstCommit stops before anything is committed, and rotates: what is in the old file comes first.
func TestRotatedBeforeTheFirstCommit(t *testing.T) {
	path := written(t, "messages", sample(1, 2))
	r := start(t, one(path, Input{Follow: true}))
	r.take(2)
	r.stop()
	rename(t, path, path+".1")
	appendTo(t, path, sample(3))
	r = start(t, one(path, Input{Follow: true}))
	r.want(1, 2, 3)
}

// TestTruncatedWhileItWaits truncates and fills a file while the router takes nothing.
func TestTruncatedWhileItWaits(t *testing.T) {
	const many = 12000 // more than the intake holds
	lines := func(from int) string {
		var text strings.Builder
		for n := range many {
			fmt.Fprintf(&text, `{"topic":"a.b","msg":%d}`+"\n", from+n)
		}
		return text.String()
	}
	path := written(t, "messages", lines(0))
	r := start(t, one(path, Input{Follow: true}))
	exectest.Eventually(t, patience, "the intake is full", func() bool { return r.source.inputs[0].Traffic().Waiting })
	copied(t, path, path+".1")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, lines(many))
	for n := 0; n < 2*many; {
		for _, f := range r.take(1) {
			if want := fmt.Sprintf(`{"topic":"a.b","msg":%d}`, n); string(f.Payload) != want {
				t.Fatalf("%s came, want %s", f.Payload, want)
			}
			f.Done()
			n++
		}
	}
}

// TestGrownPastTheMark finds a file that was truncated and has grown past the place where reading was to go on.
func TestGrownPastTheMark(t *testing.T) {
	path := written(t, "messages", sample(1))
	r := start(t, one(path, Input{Follow: true}))
	r.want(1)
	r.stop()
	if err := os.WriteFile(path, []byte(sample(2, 3, 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	r = start(t, one(path, Input{Follow: true}))
	r.want(2, 3, 4)
	r.says("it is another file than before")
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// later gives a file a time of its last change, so many minutes from now.
func later(t *testing.T, path string, minutes int) {
	t.Helper()
	at := time.Now().Add(time.Duration(minutes) * time.Minute)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestArchive reads all files of a pattern by name, compressed or not, late; and only once.
func TestArchive(t *testing.T) {
	folder := t.TempDir()
	pack(t, filepath.Join(folder, "a-2024.jsonl.gz"), sample(1, 2), sample(3)) // two members, as when they are joined
	appendTo(t, filepath.Join(folder, "a-2025.jsonl"), "\xef\xbb\xbf"+sample(4, 5))
	appendTo(t, filepath.Join(folder, "a-2026.jsonl"), "")
	if err := os.Mkdir(filepath.Join(folder, "a-folder.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Inputs: map[string]Input{"old": {Path: filepath.Join(folder, "a-*"), Late: true}},
		State:  filepath.Join(folder, "state"),
	}
	r := start(t, c)
	frames := r.take(5)
	r.end()
	for n, f := range frames {
		if want := bustest.Sample(n + 1); string(f.Payload) != string(want.Payload) || !f.Late || f.ThirdParty ||
			f.Source != "old" {
			t.Errorf("frame %d is %+v", n, f)
		}
		if n != 1 {
			f.Done()
		}
	}
	r.kept()
	appendTo(t, filepath.Join(folder, "a-2027.jsonl"), sample(6))
	r = start(t, c)
	r.want(2, 6) // in the middle of what is compressed
	r.end()
	if err := os.Remove(filepath.Join(folder, "a-2024.jsonl.gz")); err != nil {
		t.Fatal(err)
	}
	r = start(t, c)
	r.end()
}

func pack(t *testing.T, path string, members ...string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range members {
		z := gzip.NewWriter(f)
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
