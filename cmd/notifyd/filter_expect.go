package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/notifyd/notifyd/internal/text"
	"github.com/notifyd/notifyd/rulespec"
	"github.com/notifyd/notifyd/rulespec/catalogue"
)

// maxExpected bounds a file of expectations, in bytes, since it is held in memory.
const maxExpected = 256 << 20

// An expectation lists which filters should match which messages.
type expectation struct {
	lines  []matchLine
	byID   map[string][]int // indexes of the lines about a message that are not taken yet, in order
	differ int              // messages that do not match as expected, and lines without a message
}

// readExpected reads a file that `filter test` has written.
func readExpected(name string) (*expectation, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read expectations: %w", err)
	}
	defer f.Close()
	x := &expectation{byID: map[string][]int{}}
	limited := &io.LimitedReader{R: f, N: maxExpected}
	err = eachLine(limited, func(written []byte) error {
		line := matchLine{}
		if err := json.Unmarshal(written, &line); err != nil {
			return err
		}
		if line.ID == "" || line.Matched == nil {
			return errors.New("a line has msg_id, and in matched the names of filters")
		}
		x.byID[line.ID] = append(x.byID[line.ID], len(x.lines))
		x.lines = append(x.lines, line)
		return nil
	})
	if err == nil && limited.N <= 0 {
		err = fmt.Errorf("it is longer than %d MiB", maxExpected>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("read expectations from %s: %w", name, err)
	}
	return x, nil
}

// take returns the expected line of a message. If several lines have the same id, it takes the first that is left.
func (x *expectation) take(id string) (matchLine, bool) {
	left := x.byID[id]
	if len(left) == 0 {
		return matchLine{}, false
	}
	x.byID[id] = left[1:]
	return x.lines[left[0]], true
}

// compare prints every message that does not match as expected, and explains the result of each rule of the filters
// concerned.
func (s *filterSet) compare(e *env, c *filterTestCmd) error {
	x, err := readExpected(c.Expect)
	if err != nil {
		return err
	}
	err = s.each(e, c.File, func(_ *json.Encoder, out io.Writer, event *catalogue.Event) error {
		return s.compareOne(x, out, event)
	})
	if err != nil {
		return err
	}
	for i, line := range x.lines {
		if slices.Contains(x.byID[line.ID], i) {
			x.differ++
			fmt.Fprintf(e.stdout, "%s  %s\n  expected, but no such message came\n", visible(line.ID),
				visible(line.Topic))
		}
	}
	if x.differ > 0 {
		fmt.Fprintf(e.stderr, "%s: not as expected: %s; --write makes what matches the expectation\n", c.Expect,
			text.Plural(x.differ, "message", "messages"))
		return statusUnexpected
	}
	return nil
}

func (s *filterSet) compareOne(x *expectation, out io.Writer, event *catalogue.Event) error {
	got := s.matchLine(event)
	want, known := x.take(event.ID)
	missing, extra := without(want.Matched, got.Matched), without(got.Matched, want.Matched)
	if known && len(missing)+len(extra) == 0 {
		return nil
	}
	x.differ++
	if _, err := fmt.Fprintf(out, "%s  %s\n", visible(event.ID), visible(event.Topic)); err != nil {
		return err
	}
	if !known {
		_, err := io.WriteString(out, "  nothing is expected of this message\n")
		return err
	}
	return s.explainDifference(out, event, missing, extra)
}

// explainDifference explains for each of the named filters why it matches, or why not.
func (s *filterSet) explainDifference(out io.Writer, event *catalogue.Event, missing, extra []string) error {
	var unknown []string
	for _, name := range missing {
		if !slices.ContainsFunc(s.filters, func(f rulespec.FileFilter) bool { return f.Name == name }) {
			unknown = append(unknown, name)
		}
	}
	for i, f := range s.filters {
		line, said := s.explain(event, i), ""
		switch {
		case !line.Matched && slices.Contains(missing, f.Name):
			said = "should match; it " + line.verdict()
		case line.Matched && slices.Contains(extra, f.Name):
			said = "should not match; it matches"
		default:
			continue
		}
		if _, err := io.WriteString(out, line.text(said)); err != nil {
			return err
		}
	}
	for _, name := range unknown {
		if _, err := fmt.Fprintf(out, "  %s: should match; there is no such filter\n", visible(name)); err != nil {
			return err
		}
	}
	return nil
}

// without returns the names of a that are not in b. A name that occurs n times more in a than in b is returned n
// times.
func without(a, b []string) []string {
	left := slices.Clone(b)
	var more []string
	for _, name := range a {
		if at := slices.Index(left, name); at >= 0 {
			left = slices.Delete(left, at, at+1)
		} else {
			more = append(more, name)
		}
	}
	return more
}

// writeExpected writes the matches, for later runs to expect. With a mistake anywhere the file stays unchanged.
func (s *filterSet) writeExpected(e *env, c *filterTestCmd) error {
	target, mode := c.Expect, os.FileMode(0o644)
	if file, err := filepath.EvalSymlinks(target); err == nil {
		target = file // a link stays a link
	}
	if info, err := os.Stat(target); err == nil {
		if !info.Mode().IsRegular() { // never rename over /dev/stdout
			return fmt.Errorf("write expectations: %s is no regular file", c.Expect)
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*.new")
	if err != nil {
		return fmt.Errorf("write expectations: %w", err)
	}
	fresh := f.Name()
	out := json.NewEncoder(f)
	out.SetEscapeHTML(false)
	err = s.each(e, c.File, func(_ *json.Encoder, _ io.Writer, event *catalogue.Event) error {
		return out.Encode(s.matchLine(event))
	})
	if err = errors.Join(err, f.Chmod(mode), f.Close()); err == nil {
		err = os.Rename(fresh, target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return nil
}
