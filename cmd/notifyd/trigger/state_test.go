package trigger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, file string, now time.Time) *State {
	t.Helper()
	s, err := OpenState(file, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStateOverARestart(t *testing.T) {
	file, start := filepath.Join(t.TempDir(), "state"), time.Unix(1_800_000_000, 0).UTC()
	s := open(t, file, start)
	at := start.Add(time.Minute)
	if !s.Take("a", at) || s.Take("a", at) || !s.Take("b", at.Add(time.Second)) || !s.Take("c", at.Add(2*time.Second)) {
		t.Error("a message is taken once")
	}
	s.Passed(start.Add(time.Hour))
	s.Done([]string{"a", "c", "unknown"})
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	s = open(t, file, start.Add(2*time.Hour)) // b was not done with
	if got := s.Since(); !got.Equal(start) {  // not before the first start
		t.Errorf("since %s", got)
	}
	if !s.Known("a") || s.Known("b") || !s.Known("c") || !s.Take("b", at.Add(time.Second)) {
		t.Error("what is done with is known, and the rest is not")
	}
	s.Done([]string{"b"})
	s.Passed(start.Add(3 * time.Hour))
	s.Done(nil)
	if s.Known("a") || !s.Since().Equal(start.Add(3*time.Hour-overlap)) {
		t.Errorf("what no archive is asked for any more is still known; since %s", s.Since())
	}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
}

func TestStateBegins(t *testing.T) {
	file, now := filepath.Join(t.TempDir(), "state"), time.Unix(1_800_000_000, 0).UTC()
	open(t, file, now)
	if s := open(t, file, now.Add(time.Hour)); !s.Since().Equal(now) {
		t.Errorf("the first start was forgotten: since %s", s.Since())
	}
	for _, broken := range []string{"", "{", "[]", `{"since":"x"}`, `{"done":[]}`} {
		if err := os.WriteFile(file, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenState(file, now); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
	if _, err := OpenState(filepath.Join(file, "none"), now); err == nil {
		t.Error("a folder that is none")
	}
}

func TestStateIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := open(t, "", now)
	for i := range maxDone + maxDone/10 {
		s.Take(fmt.Sprint(i), now)
		s.Done([]string{fmt.Sprint(i)})
	}
	if len(s.done) != maxDone || len(s.known) != maxDone || s.Known("0") || !s.Known(fmt.Sprint(maxDone+maxDone/10-1)) {
		t.Errorf("%d done, %d known", len(s.done), len(s.known))
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"since":"2026-11-29T18:00:00Z","done":[{"id":"a","at":"2026-11-29T18:00:00Z"}]}`))
	f.Add([]byte(`{"since":"2026-11-29T18:00:00Z","done":null}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenState(file, time.Unix(1, 0))
		if err != nil {
			return
		}
		s.Take("x", time.Unix(2, 0))
		s.Done([]string{"x"})
		if err := s.Save(); err != nil {
			return // a year beyond 9999
		}
		if _, err := OpenState(file, time.Unix(1, 0)); err != nil {
			t.Errorf("what was saved cannot be read: %v", err)
		}
	})
}
