// Package lines receives messages from files and pipes, a line of JSON each (https://jsonlines.org): what a program
// appends to a file or writes to a named pipe, and archives.
//
// # What a line is
//
// A line is a message in one of the forms that exports have: fedmsg's envelope, the message that fedora-messaging
// records, one of datagrepper's records, or a whole page of them. It is handed over as it is; of datagrepper's form
// only what datanommer has added is taken away again (bus.ReadArchived). A line that is no JSON object, has no topic or
// is over the bounds is dropped, counted, and named in the log by file and number.
//
// # What is read
//
// An input is read to its end, which ends it, or followed (as `tail -F` does): then a line without a line break waits
// for the rest of it, and the file may be rotated. A rotated file is read to its end before the next one begins.
//
// # Where reading goes on
//
// A mark is a place in a file: the offset, and a checksum of the bytes before it. It is moved on by acknowledgements
// (Frame.Ack), so it says what is committed, and it is kept in a small file. Lines that are done with while an earlier
// one is not are kept beside it. A mark tells by itself whether a file is the one that it is of: no device and inode
// numbers are compared, which are used again, and differ after a backup. The same check finds a file that was copied
// and truncated, however far it has grown since, and finds the rotated file beside a new one.
//
// The marks stand in a file of their own and not in the database, since a source knows no database, as it knows no
// router: so they cannot be stored with the messages in one transaction. They are stored after the commit. A kill in
// between has some lines read twice, which their ids show; none is lost.
//
// A pipe has no places. What was read from it and not committed is lost with the process.
package lines

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/notifyd/notifyd/bus"
)

// Config is the section bus.lines.
type Config struct {
	// Inputs are what is read, by name: Frame.Source.
	Inputs map[string]Input `yaml:"inputs"`
	// State is the file that says how far each input was read. Default notifyd.lines.
	State string `yaml:"state"`
}

// An Input is a file or a pipe.
type Input struct {
	// Path is a file, a named pipe, or - for standard input. With * or ? it is all files that match, one after the
	// other by name. gzip is recognised.
	Path string `yaml:"path"`
	// Follow waits for more at the end, and for the next writer of a pipe. Without it the end is the end.
	Follow bool `yaml:"follow"`
	// Late is Frame.Late: the messages are old ones.
	Late bool `yaml:"late"`
}

const (
	defaultState  = "notifyd.lines"
	standardInput = "-"
	maxInputs     = 100
)

// Driver opens a Source by the configuration.
func Driver() bus.Driver {
	return bus.NewDriver("lines", "Reads messages from files and pipes, a line of JSON each, and archives.", New)
}

// SetDefaults fills in what zero values stand for.
func (c *Config) SetDefaults() { c.State = cmp.Or(c.State, defaultState) }

func (c Config) check() error {
	if len(c.Inputs) == 0 || len(c.Inputs) > maxInputs {
		return fmt.Errorf("inputs: 1 to %d were expected, each with a path", maxInputs)
	}
	stdin := 0
	for _, name := range slices.Sorted(maps.Keys(c.Inputs)) {
		if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return fmt.Errorf("inputs: the name %q; one word was expected", name)
		}
		one := c.Inputs[name]
		if err := one.check(); err != nil {
			return fmt.Errorf("inputs.%s.%w", name, err)
		}
		if one.Path == standardInput {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("inputs: only one can have the path -, standard input")
	}
	return nil
}

func (i Input) check() error {
	switch {
	case i.Path == "":
		return errors.New("path: a file was expected, a named pipe, a pattern such as /srv/archive/*.jsonl.gz, or -")
	case i.pattern() && i.Follow:
		return errors.New("follow: a pattern names files that have an end; to follow files name each")
	case strings.HasSuffix(i.Path, ".gz") && i.Follow:
		return errors.New("follow: a compressed file has an end")
	case i.Path == standardInput && i.Follow:
		return errors.New("follow: standard input has an end")
	case i.Path == standardInput || i.pattern():
		return nil
	}
	info, err := os.Stat(i.Path)
	if err != nil {
		return nil // what is not there yet may come
	}
	if _, err := kindOf(info.Mode()); err != nil {
		return fmt.Errorf("path: %s: %w", i.Path, err)
	}
	return nil
}

// pattern reports whether the path is a pattern and no name.
func (i Input) pattern() bool { return strings.ContainsAny(i.Path, "*?[") }

// New checks c and makes a Source. An error names the key and what was expected.
func New(c Config, log *slog.Logger) (*Source, error) {
	c.SetDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Source{log: log}
	var err error
	if s.state, err = openState(c.State, log); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Inputs)) {
		s.inputs = append(s.inputs, newInput(name, c.Inputs[name], s.state, log))
	}
	return s, nil
}
