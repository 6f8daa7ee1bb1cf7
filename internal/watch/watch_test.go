package watch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/notifyd/notifyd/internal/watch"
)

// words is a Source of a file; a text with a question mark in it is a mistake.
func words(file string, made *int) watch.Source[string] {
	return watch.Source[string]{
		Name: "words",
		File: file,
		Look: func() ([]fs.FileInfo, error) {
			info, err := os.Stat(file)
			return []fs.FileInfo{info}, err
		},
		Read: func() (watch.Content[string], error) {
			text, err := os.ReadFile(file)
			return watch.Content[string]{Sum: sha256.Sum256(text), Make: func() (string, error) {
				*made++
				if strings.Contains(string(text), "?") {
					return "", fmt.Errorf("what is %q", text)
				}
				return string(text), nil
			}}, err
		},
		Figures: func(text string) []any { return []any{"bytes", len(text)} },
	}
}

// A story is a file that is watched every minute.
type story struct {
	*testing.T
	file string
	made int
	log  strings.Builder
	w    *watch.Watcher[string]
}

// tell runs a story in a bubble, with the file holding text at first.
func tell(t *testing.T, text string, plot func(*story)) *story {
	t.Helper()
	s := &story{file: filepath.Join(t.TempDir(), "words")}
	synctest.Test(t, func(t *testing.T) {
		s.T = t
		s.write(text)
		var err error
		s.w, err = watch.New(words(s.file, &s.made), time.Minute, slog.New(slog.NewTextHandler(&s.log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.w.Run(ctx) }()
		plot(s)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return s
}

func (s *story) write(text string) {
	s.Helper()
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// after lets time pass and says what the value must be then.
func (s *story) after(d time.Duration, what, want string, good bool) {
	s.Helper()
	time.Sleep(d)
	synctest.Wait()
	if got := s.w.Load(); got != want || (s.w.Err() == nil) != good {
		s.Errorf("%s: value %q, error %v; want %q", what, got, s.w.Err(), want)
	}
}

const settled = time.Minute + 5*time.Second

func TestLastGoodValueStays(t *testing.T) {
	s := tell(t, "one", func(s *story) {
		s.after(settled, "at first", "one", true)
		s.write("two")
		s.after(settled, "changed, same size", "two", true)
		s.write("two?")
		s.after(settled, "broken", "two", false)
		s.after(10*time.Minute, "still broken", "two", false)
		if err := os.Remove(s.file); err != nil {
			s.Fatal(err)
		}
		s.after(settled, "gone", "two", false)
		s.after(10*time.Minute, "still gone", "two", false)
		s.write("three")
		s.after(settled, "back", "three", true)
		if s.made != 4 {
			s.Errorf("a value was made %d times of 4 contents", s.made)
		}
		s.write("three")
		s.after(settled, "written anew", "three", true)
		if s.made != 4 {
			s.Errorf("a value was made of the same content")
		}
	})
	log := s.log.String()
	for what, n := range map[string]int{"level=ERROR": 2, "readable again": 1, "words loaded": 3, "bytes=5": 1} {
		if strings.Count(log, what) != n {
			t.Errorf("%d times %q in the log, want %d:\n%s", strings.Count(log, what), what, n, log)
		}
	}
}

func TestChangeSettlesFirst(t *testing.T) {
	tell(t, "one", func(s *story) {
		s.after(time.Minute-time.Second, "before a look", "one", true)
		s.write("half of a wo")
		s.after(2*time.Second, "seen once", "one", true)
		s.write("half of a word, and ano")
		s.after(2*time.Second, "still being written", "one", true)
		s.write("half of a word, and another")
		s.after(5*time.Second, "settled", "half of a word, and another", true)
	})
}

func TestSecondWriteWithinTheClockTick(t *testing.T) {
	tell(t, "one", func(s *story) {
		s.write("two")
		s.after(settled, "changed", "two", true)
		info, err := os.Stat(s.file)
		if err != nil {
			s.Fatal(err)
		}
		s.write("six")
		if err := os.Chtimes(s.file, info.ModTime(), info.ModTime()); err != nil {
			s.Fatal(err)
		}
		s.after(settled, "changed with the same time", "six", true)
	})
}

func TestFileThatIsMovedIntoPlace(t *testing.T) {
	tell(t, "one", func(s *story) {
		s.after(5*time.Minute, "at first", "one", true)
		info, err := os.Stat(s.file)
		if err != nil {
			s.Fatal(err)
		}
		place := s.file
		s.file += ".new"
		s.write("two")
		if err := errors.Join(os.Chtimes(s.file, info.ModTime(), info.ModTime()), os.Rename(s.file, place)); err != nil {
			s.Fatal(err)
		}
		s.after(settled, "moved, with the same time and size", "two", true)
	})
}

// A file that looks different at every look is read after ten.
func TestFilesThatNeverSettle(t *testing.T) {
	tell(t, "one", func(s *story) {
		time.Sleep(time.Second / 2) // no look falls into a write
		for i := range 100 {
			s.write(strings.Repeat("x", i))
			time.Sleep(time.Second)
		}
		if got := s.w.Load(); len(got) < 50 || len(got) > 99 {
			s.Errorf("the value is %q", got)
		}
	})
}

func TestReload(t *testing.T) {
	s := tell(t, "one", func(s *story) {
		s.write("two")
		if err := s.w.Reload(); err != nil {
			s.Errorf("Reload = %v", err)
		}
		s.after(0, "at once", "two", true)
		s.write("two?")
		for range 2 {
			if err := s.w.Reload(); err == nil || err.Error() != `what is "two?"` {
				s.Errorf("Reload = %v", err)
			}
			s.after(settled, "with a mistake", "two", false)
		}
		s.write("three")
		s.after(settled, "mended", "three", true)
	})
	if log := s.log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "readable again") {
		t.Errorf("what the caller was told is logged, or the end of it is not:\n%s", log)
	}
}

func TestChange(t *testing.T) {
	tell(t, "one", func(s *story) {
		first := s.file
		s.file += "-other"
		if err := s.w.Change(words(s.file, &s.made), time.Hour); err == nil {
			s.Error("Change takes a file that is not there")
		}
		s.after(0, "no change", "one", true)
		s.write("other")
		if err := s.w.Change(words(s.file, &s.made), 0); err == nil {
			s.Error("Change takes an interval of 0")
		}
		if err := s.w.Change(words(s.file, &s.made), 10*time.Minute); err != nil {
			s.Errorf("Change = %v", err)
		}
		s.after(0, "at once", "other", true)
		s.file = first
		s.write("two")
		s.after(9*time.Minute, "the first file is not watched", "other", true)
		s.file += "-other"
		s.write("another")
		s.after(30*time.Second, "the interval is another", "other", true)
		s.after(time.Minute, "and ends", "another", true)
	})
}

func TestNewNeedsAFirstValue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "words")
	for _, text := range []string{"", "what?"} {
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if w, err := watch.New(words(file, new(int)), time.Minute, slog.New(slog.DiscardHandler)); err == nil || w != nil {
			t.Errorf("%q: New = %v, %v", text, w, err)
		}
	}
}

// What has nothing to look at is read once and only waits.
func TestNothingToLookAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		source := words("", &made)
		source.Look = nil
		source.Read = func() (watch.Content[string], error) {
			return watch.Content[string]{Make: func() (string, error) { made++; return "one", nil }}, nil
		}
		w, err := watch.New(source, time.Minute, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); err != nil || w.Load() != "one" || made != 1 {
			t.Errorf("Run = %v with %q, made %d times", err, w.Load(), made)
		}
	})
}

// Updates tells of new values, and of nothing else.
func TestUpdates(t *testing.T) {
	tell(t, "one", func(s *story) {
		told := func(what string, want bool) {
			s.Helper()
			select {
			case <-s.w.Updates():
				if !want {
					s.Errorf("%s: told of a value", what)
				}
			default:
				if want {
					s.Errorf("%s: told of no value", what)
				}
			}
		}
		told("the first", true)
		s.after(10*time.Minute, "no change", "one", true)
		told("no change", false)
		s.write("two?")
		s.after(10*time.Minute, "a mistake", "one", false)
		told("a mistake", false)
		s.write("two")
		s.after(settled, "changed", "two", true)
		s.write("three")
		s.after(settled, "changed again", "three", true)
		told("two changes", true)
		told("two changes are one", false)
	})
}
